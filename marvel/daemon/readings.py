"""The last cost that agents reported, until the log has it.

A working agent's cost is an event only now and then; what is left over is recorded at the end of its turn,
or with its own end. Reports overtake each other, and an older reading would look like a counter that began
again: it is dropped.
"""

from typing import NamedTuple

import msgspec

from marvel.resources import Session
from marvel.runtimes import Signal

MAX_COUNTERS = 64  # of one session; it names them itself


class Reading(NamedTuple):
    """What one counter showed, and when the report of it was begun."""

    at: float
    cost_usd: float


class Readings:
    """Those of all sessions."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, Reading]] = {}  # by uid, then by counter

    def taken(self, uid: str, signal: Signal, at: float) -> Signal:
        """Remember what a signal reports; return it without a cost that is older than the last one."""
        if signal.cost_usd is None:
            return signal
        counters = self._last.setdefault(uid, {})
        last = counters.get(signal.cost_counter)
        if last is not None and last.at > at:
            return msgspec.structs.replace(signal, cost_usd=None)
        counters[signal.cost_counter] = Reading(at, signal.cost_usd)
        if len(counters) > MAX_COUNTERS:
            del counters[next(iter(counters))]
        return signal

    def unrecorded(self, session: Session) -> list[Signal]:
        """Return the readings that a session's row does not have."""
        found = []
        for counter, reading in self._last.get(session.uid, {}).items():
            if session.cost_counters.get(counter) != reading.cost_usd:
                found.append(Signal(cost_usd=reading.cost_usd, cost_counter=counter))
        return found

    def forget(self, uid: str) -> None:
        """Drop those of a session that has ended."""
        self._last.pop(uid, None)
