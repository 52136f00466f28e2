"""The machine the daemon runs on: its clocks, its processes, what can be waited for, its tmux servers.

An argument of the loop and of all parts that look at the outside, so that the same loop runs in a
simulation, on a machine in which time passes and things fail as they are told.
"""

import os
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from marvel import limits
from marvel.daemon import processes
from marvel.daemon.poller import Poller
from marvel.daemon.processes import Process
from marvel.daemon.reserve import Reserve
from marvel.tmux import TmuxServer
from marvel.tmux.filelimit import FileLimit


class Machine:
    """This one."""

    def __init__(self, file_limit: FileLimit) -> None:
        """`file_limit`: what the daemon was started with, and its agents get."""
        self.poller = Poller()
        self.file_limit = file_limit
        self._reserve = Reserve()

    def wall(self) -> float:
        """The time of day, in seconds since the epoch; it may be set."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def open_handle(self, pid: int) -> int | None:
        """A descriptor that can be read once a process has ended; None when there is none. Raises OSError."""
        return processes.open_handle(pid)

    def close_handle(self, handle: int) -> None:
        """Give a handle back."""
        os.close(handle)

    def look_at(self, pid: int) -> Process | None:
        """A process; None when it is gone. Raises OSError."""
        return self._reserve.spend(lambda: processes.look_at(pid))

    def belonging_to(
        self,
        sessions: Mapping[str, int | None],
        *,
        others: Collection[int],
        known: Mapping[str, Iterable[Process]],
    ) -> dict[str, list[Process]]:
        """All processes of some sessions (uid → pid of its pane's process) that have any.

        `others` are pids that surely belong to other sessions, `known` what earlier looks found. Raises
        OSError.
        """
        return self._reserve.spend(lambda: processes.belonging_to(sessions, others=others, known=known))

    def uids_of(self, home: str) -> set[str]:
        """The sessions of a state directory that any process belongs to. Raises OSError."""
        return self._reserve.spend(lambda: processes.uids_of(home))

    def send(self, found: Iterable[Process], number: int) -> None:
        """Signal each process that is still the one that was found. Raises OSError."""
        self._reserve.spend(lambda: processes.send(found, number))

    def inode(self, path: str) -> int:
        """Which file is at a path. Raises OSError."""
        return os.stat(path).st_ino

    def nearly_used_up(self, processes: Mapping[str, int], home: str) -> list[str]:
        """The limits that are, in words: of some processes (name → pid), of the disk, of the system."""
        return limits.nearly_used_up(processes, home)

    def tmux(
        self,
        socket: Path,
        workspace: str,
        *,
        environment: Mapping[str, str],
        history_limit: int,
        tmux_conf: Path | None,
    ) -> TmuxServer:
        """A connection, not yet open, to the tmux server of a workspace."""
        return TmuxServer(
            socket,
            workspace,
            environment=environment,
            history_limit=history_limit,
            tmux_conf=tmux_conf,
            clock=self.monotonic,
            file_limit=self.file_limit,
        )
