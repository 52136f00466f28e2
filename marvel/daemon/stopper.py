"""Ends sessions, level by level, and proves them gone.

    keys typed, 2 s → signal and CONT to the group and all that carry the uid → grace → KILL → empty

Where a session stands follows from its stop order in the log and from the clock, so a new daemon goes on
where the old one was. One look through /proc serves all sessions that are due.
"""

import signal
from collections.abc import Callable, Collection

from marvel.daemon.machine import Machine
from marvel.daemon.processes import Process
from marvel.resources import KEYS_SECONDS, StopOrder

SWEEP_FIRST_SECONDS, SWEEP_MAX_SECONDS = 0.01, 1.0  # between looks whether a session is gone, doubling
KILL_LOOK_SECONDS = 0.05  # between looks once KILL was sent
KILL_AGAIN_SECONDS = 5.0  # of KILL without success, then what is left is reported and given up


class Stop:
    """One session on its way out. Times are on the monotonic clock."""

    def __init__(self, main: Process | None, order: StopOrder, wall: float, now: float) -> None:
        self.pid = main.pid if main is not None else None
        self.next_look = now
        self.pause = SWEEP_FIRST_SECONDS
        self.asked = False
        self.killed_at: float | None = None  # when KILL was first sent
        self.found: list[int] | None = None  # pids at the first look
        self.known = {main} if main is not None else set()  # of all looks
        self.follow(order, wall, now)

    def follow(self, order: StopOrder, wall: float, now: float) -> None:
        """Take the order's times over; none is further off than when it was given."""
        self.order = order
        since = max(0.0, wall - order.at)
        self.kill_at = now + max(0.0, order.deadline - order.at - since)
        self.ask_at = now + max(0.0, KEYS_SECONDS - since) if order.keys else now
        self.typed = not order.keys or self.ask_at <= now


class Stopper:
    """All sessions on their way out. The owner calls `run` at `deadline`."""

    def __init__(
        self,
        machine: Machine,
        *,
        type_keys: Callable[[str, tuple[str, ...]], None],
        on_gone: Callable[[str, list[int], list[int], set[int]], None],
        others: Callable[[Collection[str]], set[int]],
    ) -> None:
        self._machine = machine
        self._type_keys = type_keys
        self._on_gone = on_gone  # uid, pids found at the first look, pids that can't be ended, all pids
        self._others = others  # pids of all sessions' main processes but those of some uids
        self._stops: dict[str, Stop] = {}

    def __contains__(self, uid: str) -> bool:
        return uid in self._stops

    def begin(self, uid: str, main: Process | None, order: StopOrder, wall: float, now: float) -> None:
        """Start to end a session, or take note that its order changed.

        `main`: the process of its pane, proven to be that; it may have ended.
        """
        known = self._stops.get(uid)
        if known is None:
            self._stops[uid] = Stop(main, order, wall, now)
        elif known.order != order:
            known.follow(order, wall, now)

    def hurry(self, uid: str, now: float) -> None:
        """Its main process has ended: look at once whether anything is left."""
        if uid in self._stops:
            self._stops[uid].next_look = now
            self._stops[uid].pause = SWEEP_FIRST_SECONDS

    def deadline(self) -> float | None:
        """When `run` has something to do."""
        return min((stop.next_look for stop in self._stops.values()), default=None)

    def run(self, now: float) -> None:
        """Take every session that is due one step further.

        Raises OSError when processes could not be looked at: nothing is known of them, and it is tried again.
        """
        due = {uid: stop for uid, stop in self._stops.items() if stop.next_look <= now}
        if not due:
            return
        for stop in due.values():
            stop.next_look = now + SWEEP_MAX_SECONDS  # unless the look tells more
        pids = {uid: stop.pid for uid, stop in due.items()}
        known = {uid: stop.known for uid, stop in due.items()}
        found = self._machine.belonging_to(pids, others=self._others(due), known=known)
        unseen: OSError | None = None
        for uid, stop in due.items():
            try:
                self._step(uid, stop, found.get(uid, []), now)
            except OSError as error:
                unseen = error
        if unseen is not None:
            raise unseen

    def _step(self, uid: str, stop: Stop, found: list[Process], now: float) -> None:
        stop.known.update(found)
        if stop.found is None:
            stop.found = [process.pid for process in found]
        if not found:
            self._end(uid, [])
        elif now >= stop.kill_at:
            self._kill(uid, stop, found, now)
        elif not stop.typed:
            stop.typed = True
            self._type_keys(uid, stop.order.keys)
            self._look_again(stop, now, before=stop.ask_at)
        elif now < stop.ask_at:
            self._look_again(stop, now, before=stop.ask_at)
        else:
            self._ask(stop, found)
            self._look_again(stop, now, before=stop.kill_at)

    def _ask(self, stop: Stop, found: list[Process]) -> None:
        if stop.asked:
            return
        self._machine.send(found, signal.Signals[f"SIG{stop.order.signal}"])
        self._machine.send(found, signal.SIGCONT)
        stop.asked = True
        stop.pause = SWEEP_FIRST_SECONDS

    def _kill(self, uid: str, stop: Stop, found: list[Process], now: float) -> None:
        if stop.killed_at is None:  # not `kill_at`: the daemon may have stood still since
            stop.killed_at = now
        if now > stop.killed_at + KILL_AGAIN_SECONDS:
            self._end(uid, [process.pid for process in found])
            return
        self._machine.send(found, signal.SIGKILL)
        stop.pause = min(stop.pause, KILL_LOOK_SECONDS)
        self._look_again(stop, now, before=stop.killed_at + KILL_AGAIN_SECONDS + 1)

    def _look_again(self, stop: Stop, now: float, *, before: float) -> None:
        stop.next_look = min(now + stop.pause, max(before, now + SWEEP_FIRST_SECONDS))
        stop.pause = min(stop.pause * 2, SWEEP_MAX_SECONDS)

    def _end(self, uid: str, left: list[int]) -> None:
        stop = self._stops.pop(uid)
        self._on_gone(uid, stop.found or [], left, {process.pid for process in stop.known})
