"""Things to do later, by the owner's clock. The owner asks when (`next`), and says so (`run`)."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Timers:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.clock() + seconds, next(self._number), action))

    def next(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Only what was due when called: an action that comes back at once waits for the next turn."""
        due: list[Callable[[], None]] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for number, action in enumerate(due):
            try:
                action()
            except BaseException:
                for left in due[number + 1 :]:  # a bug in one must not lose the others
                    self.after(0, left)
                raise

    def run_all(self) -> None:
        """The end: every action once, now; each must see for itself that it is over."""
        waiting, self._heap = sorted(self._heap), []
        for _, _, action in waiting:
            action()
