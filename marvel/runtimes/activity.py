"""The one place where an activity is derived from what agents tell.

Freshest positive evidence wins. A sign of life without an activity, a report that arrives after a fresher
one, and what is said of another conversation than the agent's own change nothing. A dead process has no
activity: nobody asks for it (the session's state says that it ended).
"""

from typing import NamedTuple

import msgspec

from marvel.runtimes.adapter import ALIVE, Signal


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
    if not signal.activity:
        return known, signal
    if known is not None and known.at > told.at:
        return known, msgspec.structs.replace(
            signal, activity="", detail="", resets_at=None, background_tasks=None
        )
    return told, signal
