"""How the running daemon is, as it notes it in its lock file, for commands that only read.

That a daemon holds the lock says that it is there, not that it gets anything done. So its note also has when
its loop last went round, since when it can't record, and what the machine is short of. The note has a fixed
size and is written over in place, which needs no room on a full disk. Where even that fails the daemon seems
to be silent, and is reported as such.

Standard library only, and little of that: read by every `marvel get`.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any

NOTE_BYTES = 4096
MAX_WORDS = 150  # characters of a reason, or a limit, in the note
MAX_LIMITS = 4  # in the note
SILENT_SECONDS = 60.0  # after which a daemon that notes nothing is reported: it does three times as often
OUT_OF_DATE = "what is shown may be out of date"


def unrecorded_seconds(note: dict[str, Any]) -> float | None:
    """For how long the daemon has been unable to record; None when it can."""
    return _since(note.get("unrecorded_since"))


def troubles(note: dict[str, Any]) -> list[str]:
    """Why what the log says may not be what is; empty when the daemon records, and looks."""
    found = []
    seconds, silent = unrecorded_seconds(note), _since(note.get("looked_at"))
    if seconds is not None:
        reason = note.get("unrecorded_reason") or "see marvel daemon logs"
        found.append(f"the daemon has been unable to record for {seconds:.0f} s: {reason}")
    if silent is not None and silent > SILENT_SECONDS:
        found.append(f"the daemon (pid {note.get('pid')}) has not reported for {silent:.0f} s")
    return found


def shortages(note: dict[str, Any]) -> list[str]:
    """Which limits are nearly used up."""
    found = note.get("shortages")
    return [f"nearly used up: {words}" for words in found] if isinstance(found, list) else []


def remarks(note: dict[str, Any]) -> list[str]:
    """All that someone who reads what was recorded should know of the daemon."""
    return [*(f"{trouble}; {OUT_OF_DATE}" for trouble in troubles(note)), *shortages(note)]


def _since(at: object) -> float | None:
    """Seconds since a moment of the clock that all processes of this boot share."""
    return max(0.0, time.monotonic() - at) if isinstance(at, int | float) else None
