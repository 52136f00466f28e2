"""The one place where an activity is derived from what agents told.

Freshest positive evidence wins; a sign of life without an activity, and a report that arrives after a
fresher one, change nothing; a dead process has none (the session's state says that it ended).
"""

from collections.abc import Iterable
from typing import NamedTuple

from marvel.resources import Activity
from marvel.runtimes.adapter import Signal


class Told(NamedTuple):
    """A signal, and when the agent's hook was started."""

    at: float
    signal: Signal


def derive(told: Iterable[Told], *, alive: bool) -> Activity:
    """The activity of a session."""
    evidence = freshest(told)
    return evidence.signal.activity if alive and evidence is not None else ""


def freshest(told: Iterable[Told]) -> Told | None:
    """The newest of those that tell an activity; of two at the same time the one told last."""
    found: Told | None = None
    for one in told:
        if one.signal.activity and (found is None or one.at >= found.at):
            found = one
    return found
