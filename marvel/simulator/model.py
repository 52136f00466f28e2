"""How a simulated agent's context and time move on. Pure: chance and clock are arguments."""

from __future__ import annotations

from random import Random

FULL_PERCENT = 100.0


def random_source(seed: int | None, identity: str) -> Random:
    """The chance of one agent: its seed if it has one, else something that only it is called.

    A string seeds the same way in every process, so a session repeats itself and differs from others.
    """
    return Random(identity if seed is None else seed)  # noqa: S311  (a toy, not a secret)


def grow(context_percent: float, low: float, high: float, chance: Random) -> float:
    """The context one tick later; a full one is compacted and starts again at 0."""
    grown = round(context_percent + chance.uniform(low, high), 1)
    return 0.0 if grown >= FULL_PERCENT else grown


def next_due(due: float, period: float, now: float) -> float:
    """The first moment after `now` on the grid that `due` lies on.

    Counting from the grid and not from `now` keeps ticks from drifting; ticks missed while the machine
    was busy or asleep are left out, because a burst of them would tell nobody anything.
    """
    missed = max(0, int((now - due) // period))
    return due + (missed + 1) * period
