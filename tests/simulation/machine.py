"""A machine in virtual time: processes that live as their argv says, tmux servers, and what befalls them.

It outlives the daemons that run on it. A request to tmux takes effect a moment after it was made, and is
answered a moment later; a daemon that dies in between does not stop it. All chance comes from one seed.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
import selectors
import signal
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from marvel.daemon.machine import Machine
from marvel.daemon.poller import MAX_WAIT_SECONDS, Callback, Poller
from marvel.daemon.processes import Process
from marvel.tmux.filelimit import FileLimit
from tests.simulation.fake_tmux import Client, Server

FIRST_PID = 10_000_000  # beyond any real one
FIRST_HANDLE = 1_000_000  # beyond any real descriptor
START = 1_700_000_000.0
MAX_TURNS_AT_ONCE = 3_000  # of a loop while no time passes: more is a loop that never sleeps


class Killed(BaseException):
    """The daemon is killed, here and now."""


class Worker:
    """A process on this machine."""

    def __init__(self, pid: int, uid: str, parent: int, start: int, *, stubborn: bool = False) -> None:
        self.pid = pid
        self.uid = uid
        self.parent = parent
        self.start = start
        self.stubborn = stubborn  # ignores TERM and HUP

    def shown(self) -> Process:
        return Process(self.pid, self.parent, self.pid, self.start)


class SimPoller(Poller):
    """Waits in virtual time; real descriptors (bell, socket) are looked at, never waited for."""

    def __init__(self, machine: SimMachine) -> None:
        super().__init__()
        self._machine = machine
        self._handles: dict[int, tuple[object, Callback]] = {}

    def watch(self, fd: int, events: int, owner: object, callback: Callback) -> None:
        if fd < FIRST_HANDLE:
            super().watch(fd, events, owner, callback)
        else:
            self._handles[fd] = (owner, callback)

    def forget(self, fd: int, owner: object) -> None:
        if fd < FIRST_HANDLE:
            super().forget(fd, owner)
        elif fd in self._handles and self._handles[fd][0] is owner:
            del self._handles[fd]

    def wait(self, timeout: float | None) -> bool:
        if super().wait(0):
            return True
        ended = [fd for fd in self._handles if self._machine.has_ended(fd)]
        if not ended:
            limit = MAX_WAIT_SECONDS if timeout is None else min(timeout, MAX_WAIT_SECONDS)
            self._machine.pass_time(limit)
            super().wait(0)
            ended = [fd for fd in self._handles if self._machine.has_ended(fd)]
        for fd in ended:
            if fd in self._handles:
                self._handles[fd][1](selectors.EVENT_READ)
        return bool(ended)


class SimMachine(Machine):
    """Time, processes and tmux servers; and the faults that are switched on."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.file_limit = FileLimit()
        self.now = 1_000.0
        self.offset = START - self.now  # of the wall clock
        self.limit = self.now  # time does not pass it: then the driver has its turn
        self.workers: dict[int, Worker] = {}
        self.servers: dict[str, Server] = {}
        self.fuse: int | None = None  # effects until the daemon is killed
        self.refusing = 0  # panes that tmux will not make
        self.halving = 0  # of these it makes the process all the same
        self.blind: int | None = None  # the error (errno) that every look at a process or file ends in
        self.beat: Callable[[str], None] = lambda uid: None
        self._pids = itertools.count(FIRST_PID)
        self._handles: dict[int, int] = {}  # to pid
        self._happenings: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._clients: list[Client] = []
        self._idle = 0
        self.reboot()

    def reboot(self) -> None:
        """The daemon's own part begins anew; the machine runs on."""
        for client in self._clients:
            client.dropped = True
        self._clients = []
        self._handles.clear()
        self.poller = SimPoller(self)
        self.fuse = None

    # --- what the daemon asks ------------------------------------------------------------------

    def wall(self) -> float:
        return self.now + self.offset

    def monotonic(self) -> float:
        return self.now

    def _see(self) -> None:
        if self.blind is not None:
            raise OSError(self.blind, os.strerror(self.blind))

    def inode(self, path: str) -> int:
        self._see()
        return super().inode(path)

    def nearly_used_up(self, processes: Mapping[str, int], home: str) -> list[str]:
        return []

    def open_handle(self, pid: int) -> int | None:
        self._see()
        if pid not in self.workers:
            return None
        handle = FIRST_HANDLE + next(self._order)
        self._handles[handle] = pid
        return handle

    def close_handle(self, handle: int) -> None:
        del self._handles[handle]

    def has_ended(self, handle: int) -> bool:
        return self._handles.get(handle) not in self.workers

    def look_at(self, pid: int) -> Process | None:
        self._see()
        worker = self.workers.get(pid)
        return worker.shown() if worker else None

    def belonging_to(
        self,
        sessions: Mapping[str, int | None],
        *,
        others: Collection[int],
        known: Mapping[str, Iterable[Process]],
    ) -> dict[str, list[Process]]:
        self._see()
        found: dict[str, list[Process]] = {}
        for pid, worker in self.workers.items():
            if worker.uid in sessions and pid not in others:
                found.setdefault(worker.uid, []).append(worker.shown())
        return found

    def uids_of(self, home: str) -> set[str]:
        self._see()
        return {worker.uid for worker in self.workers.values()}

    def send(self, found: Iterable[Process], number: int) -> None:
        self._see()
        self.effect()
        for process in found:
            self.signal(process.pid, signal.Signals(number))

    def tmux(self, socket: Path, workspace: str, **_: Any) -> Any:
        client = Client(self, workspace)
        self._clients.append(client)
        return client

    # --- time ----------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Until something happens, `seconds` are over, or the driver's limit is reached."""
        least = math.nextafter(self.now, math.inf) if seconds > 0 else self.now  # sums are rounded
        until = min(max(self.now + seconds, least), self.limit)
        if self._happenings and self._happenings[0][0] <= until:
            at, _, action = heapq.heappop(self._happenings)
            self._move(max(at, self.now))
            action()
        else:
            self._move(max(until, self.now))

    def sleep(self, seconds: float) -> None:
        """Time passes, and no daemon looks."""
        self.limit = self.now + seconds
        while self.now < self.limit:
            self.pass_time(seconds)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Something that will happen, whoever runs then."""
        heapq.heappush(self._happenings, (self.now + seconds, next(self._order), action))

    def _move(self, to: float) -> None:
        self._idle = self._idle + 1 if to == self.now else 0
        assert self._idle < MAX_TURNS_AT_ONCE, "the daemon never sleeps"
        self.now = to

    # --- processes -----------------------------------------------------------------------------

    def effect(self) -> None:
        """Something of the daemon is about to reach the outside: it may be killed at this very moment."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                self.fuse = None
                raise Killed

    def start(self, uid: str, life: str, parent: int) -> Worker:
        """A process that lives as told: `good`, `mute`, `crash`, `brief`, `done`, `stubborn`, `parent`."""
        pid = next(self._pids)
        worker = Worker(pid, uid, parent, pid, stubborn=life == "stubborn")
        self.workers[pid] = worker
        match life:
            case "crash":
                self.later(self.rng.uniform(0.0, 0.2), lambda: self.end(pid, status=1))
            case "brief":  # it beats, or has run for min_ready, and dies soon after
                self.later(self.rng.uniform(0.0, 0.5), lambda: self._beats(pid))
                self.later(self.rng.uniform(0.5, 5.0), lambda: self.end(pid, status=1))
            case "done":
                self.later(self.rng.uniform(0.0, 3.0), lambda: self.end(pid, status=0))
            case "parent":
                child = next(self._pids)
                self.workers[child] = Worker(child, uid, pid, child, stubborn=True)
            case "good":
                self.later(self.rng.uniform(0.0, 0.5), lambda: self._beats(pid))
        return worker

    def _beats(self, pid: int) -> None:
        if pid in self.workers:
            self.beat(self.workers[pid].uid)
            self.later(self.rng.uniform(1.0, 4.0), lambda: self._beats(pid))

    def signal(self, pid: int, number: signal.Signals) -> None:
        """What a process does with a signal."""
        worker = self.workers.get(pid)
        if worker is None or number == signal.SIGCONT:
            return
        if number == signal.SIGKILL:
            self.end(pid, killed="KILL")
        elif not worker.stubborn:
            name, polite = number.name.removeprefix("SIG"), self.rng.random() < 0.3
            end = {"status": 0} if polite else {"killed": name}
            self.later(self.rng.uniform(0.0, 0.5), lambda: self.end(pid, **end))  # type: ignore[arg-type]

    def end(self, pid: int, *, status: int | None = None, killed: str = "") -> None:
        """A process ends; its pane, if it has one, is dead."""
        if self.workers.pop(pid, None) is None:
            return
        for server in self.servers.values():
            server.process_ended(pid, status, killed)

    def main_pids(self) -> list[int]:
        """Processes of panes that are alive."""
        panes = [pane for server in self.servers.values() for pane in server.panes.values()]
        return sorted(pane.pid for pane in panes if not pane.dead and pane.pid in self.workers)
