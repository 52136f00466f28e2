"""Which roles the controllers are to look at, at how much of each, and when again.

A look is at a whole role, or only at what is restless in it and at the sessions that were named, by an
event or by what tells how agents are. That is enough as long as everything that may concern a session at
rest leads to the one or the other: its own events name it, its deadlines and what is said of its role call
for a whole look. A whole look from time to time (the loop's resync) does not trust in that.
"""

import heapq
from collections.abc import Iterable, Iterator

from marvel.events import AnyFact, CohortProven, CohortScaled, Ref, RoleScaled
from marvel.resources import RoleKey

# Facts about a role that mean nothing to a session at rest: only how many there are is compared with them.
ABOUT_NUMBERS = (RoleScaled, CohortScaled, CohortProven)


class Agenda:
    """The roles that wait for a look."""

    def __init__(self) -> None:
        self._named: dict[RoleKey, set[str] | None] = {}  # uids; None: the whole role

    def __bool__(self) -> bool:
        return bool(self._named)

    def keys(self) -> list[RoleKey]:
        """The roles, in order."""
        return sorted(self._named)

    def named(self, key: RoleKey) -> set[str] | None:
        """The sessions of a role that are to be judged beside the restless ones; None: all."""
        return self._named.get(key)

    def look(self, key: RoleKey, *uids: str) -> None:
        """At what is restless in a role, and at some of its sessions."""
        named = self._named.setdefault(key, set())
        if named is not None:
            named.update(uids)

    def look_at_all(self, keys: Iterable[RoleKey]) -> None:
        """At whole roles."""
        self._named.update(dict.fromkeys(keys))

    def follow(self, ref: Ref, fact: AnyFact) -> None:
        """At what a fact about a role, or about a session of one, concerns."""
        if ref.workspace is None or ref.team is None or ref.role is None:
            return
        key = RoleKey(ref.workspace, ref.team, ref.role)
        if ref.uid is not None:
            self.look(key, ref.uid)
        elif isinstance(fact, ABOUT_NUMBERS):
            self.look(key)
        else:
            self.look_at_all([key])

    def copy(self) -> "Agenda":
        """One that can be added to without changing this."""
        copied = Agenda()
        copied._named = {key: None if uids is None else set(uids) for key, uids in self._named.items()}
        return copied

    def clear(self) -> None:
        """Everything was looked at."""
        self._named.clear()


class Wakes:
    """When each role is to be looked at again: a heap, in which what no longer counts is passed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, RoleKey]] = []
        self._at: dict[RoleKey, float] = {}

    def set(self, key: RoleKey, at: float | None) -> None:
        """At this time and no other; None: no more."""
        if at is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))

    def bring_forward(self, key: RoleKey, at: float | None) -> None:
        """Not later than at this time."""
        if at is not None and at < self._at.get(key, at + 1):
            self.set(key, at)

    def next(self) -> float | None:
        """The nearest of all times."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[RoleKey]:
        """The roles whose time has come; it is forgotten."""
        while (at := self.next()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            del self._at[key]
            yield key
