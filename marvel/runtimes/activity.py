"""The one place where an activity is derived from what agents tell.

Freshest positive evidence wins. A sign of life without an activity, a report that arrives after a fresher
one, and what is said of another conversation than the agent's own change nothing. A dead process has no
activity: nobody asks for it (the session's state says that it ended).
"""

from typing import NamedTuple

import msgspec

from marvel.runtimes.adapter import ALIVE, Signal

DRAWN_SECONDS = 1.0  # a status line that was begun with a dialog may be reported after it


class Told(NamedTuple):
    """A signal, and when the agent's hook was started."""

    at: float
    signal: Signal


def derive(known: Told | None, told: Told, conversation: str) -> tuple[Told | None, Signal]:
    """The freshest evidence from now on, and what of a new signal counts.

    `conversation` is the agent's own, as far as it has told.
    """
    signal = told.signal
    if signal.about and signal.about != conversation:
        return known, ALIVE
    if signal.no_dialog and _was_answered(known, told.at):
        signal = msgspec.structs.replace(signal, activity="working")
    if not signal.activity:
        return known, signal
    at = told.at if signal.since is None else min(signal.since, told.at)
    if (known is not None and known.at > at) or not _counts_against(known, signal):
        nothing = {"activity": "", "detail": "", "failure": "", "resets_at": None, "background_tasks": None}
        return known, msgspec.structs.replace(signal, **nothing)
    return Told(at, signal), signal


def _was_answered(known: Told | None, at: float) -> bool:
    """Whether a dialog that was open is closed by now."""
    waited = known is not None and known.signal.activity == "waiting" and not known.signal.failure
    return known is not None and waited and at > known.at + DRAWN_SECONDS


def _counts_against(known: Told | None, signal: Signal) -> bool:
    """Whether a signal can follow what is known: only another turn ends a failed one."""
    if known is not None and known.signal.failure and signal.activity == "idle":
        return bool(signal.failure)
    return not signal.instead_of or (known is not None and known.signal.activity in signal.instead_of)
