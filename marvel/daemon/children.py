"""Short programs that the daemon runs for people: probes, and `on_attention`.

Each is a process session of its own, waited for through a pidfd, and bounded in time. At the time-out its
whole tree is killed, also what left its process group: every process of it inherits a mark in its
environment. Nobody hears of an end before the tree is gone, so that the next run can't overlap.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from marvel.daemon import processes
from marvel.daemon.poller import READ, Poller
from marvel.tmux.filelimit import FileLimit
from marvel.tmux.timers import Timers

MARK = "MARVEL_CHILD"  # the variable that every process of a child carries
SWEEP_SECONDS = 0.05  # between looks whether a killed tree is gone
GIVE_UP_SECONDS = 5.0  # of KILL without success


class Ended(NamedTuple):
    """How a child ended."""

    status: int | None  # as in subprocess: negative is a signal; None: it was killed at its time-out
    seconds: float

    @property
    def words(self) -> str:
        """The end in words; empty for exit status 0."""
        if self.status is None:
            return f"timed out after {self.seconds:.1f} s"
        if self.status >= 0:
            return f"exit {self.status}" if self.status else ""
        with contextlib.suppress(ValueError):
            return signal.Signals(-self.status).name
        return f"signal {-self.status}"


Done = Callable[[Ended], None]


class Child:
    """One program that runs."""

    def __init__(self, mark: str, process: "subprocess.Popen[bytes]", done: Done) -> None:
        self.mark = mark
        self.process = process
        self.done = done
        self.handle: int | None = None  # pidfd, while one can be had
        self.began = time.monotonic()
        self.killed_at: float | None = None


class Children:
    """All programs that run."""

    def __init__(self, poller: Poller, timers: Timers, file_limit: FileLimit) -> None:
        self._poller = poller
        self._timers = timers
        self._file_limit = file_limit  # what the programs get
        self._running: dict[str, Child] = {}
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._running)

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        seconds: float,
        done: Done,
        cwd: str = "/",
        stdin: bytes = b"",
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        """Run a program for at most `seconds`. Raises OSError or ValueError when it can't be run."""
        mark = uuid4().hex
        with open(os.memfd_create("stdin", os.MFD_CLOEXEC), "w+b") as given:
            given.write(stdin)
            given.seek(0)
            with self._file_limit.given():
                process = subprocess.Popen(
                    list(argv),
                    cwd=cwd,
                    env={**env, MARK: mark},
                    stdin=given,
                    stdout=stdout,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        child = self._running[mark] = Child(mark, process, done)
        self._timers.after(seconds, lambda: self._expire(child))
        try:
            child.handle = os.pidfd_open(process.pid)
        except OSError:  # no descriptor left
            self._timers.after(SWEEP_SECONDS, lambda: self._look_at(child))
        else:
            self._poller.watch(child.handle, READ, child, lambda _events: self._exited(child))

    def close(self) -> None:
        """Kill what runs; nobody is told."""
        for child in list(self._running.values()):
            _kill_group(child)
        with contextlib.suppress(OSError):
            found = (
                processes.belonging_to(dict.fromkeys(self._running), variable=MARK) if self._running else {}
            )
            for left in found.values():
                processes.send(left, signal.SIGKILL)
        for child in list(self._running.values()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(GIVE_UP_SECONDS)
            self._drop(child)

    def _look_at(self, child: Child) -> None:
        """Whether a child that there is no handle on has ended; it is not reaped by the look."""
        if child.mark not in self._running or child.killed_at is not None:
            return
        if os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            self._timers.after(SWEEP_SECONDS, lambda: self._look_at(child))
        else:
            self._exited(child)

    def _exited(self, child: Child) -> None:
        """Its main process has ended by itself: what is left of its group goes with it."""
        self._forget_handle(child)
        if child.killed_at is not None:
            child.process.poll()
            return  # the sweep tells when all of it is gone
        _kill_group(child)  # before it is reaped: until then the group's number is nobody else's
        status = child.process.wait()
        self._drop(child)
        child.done(Ended(status, time.monotonic() - child.began))

    def _expire(self, child: Child) -> None:
        if child.mark not in self._running:
            return
        child.killed_at = time.monotonic()
        _kill_group(child)
        if not self._sweeping:
            self._sweeping = True
            self._sweep()

    def _sweep(self) -> None:
        """Kill what is left of all trees whose time is over; one look through /proc for all of them."""
        killed = [child for child in self._running.values() if child.killed_at is not None]
        try:
            found = processes.belonging_to({child.mark: child.process.pid for child in killed}, variable=MARK)
        except OSError:  # nothing is known of them
            self._timers.after(SWEEP_SECONDS, self._sweep)
            return
        now = time.monotonic()
        for child in killed:
            left = found.get(child.mark, [])
            if left and now < (child.killed_at or now) + GIVE_UP_SECONDS:
                with contextlib.suppress(OSError):
                    processes.send(left, signal.SIGKILL)
                continue
            child.process.poll()
            self._forget_handle(child)
            self._drop(child)
            child.done(Ended(None, now - child.began))
        self._sweeping = any(child.killed_at is not None for child in self._running.values())
        if self._sweeping:
            self._timers.after(SWEEP_SECONDS, self._sweep)

    def _forget_handle(self, child: Child) -> None:
        if child.handle is not None:
            self._poller.forget(child.handle, child)
            os.close(child.handle)
            child.handle = None

    def _drop(self, child: Child) -> None:
        self._forget_handle(child)
        self._running.pop(child.mark, None)


def _kill_group(child: Child) -> None:
    """Only while its leader is not reaped: the number is ours until then."""
    if child.process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
