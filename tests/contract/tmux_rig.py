"""A tmux server of its own for each test, and a loop to drive it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from marvel.tmux import Failed, Pane, PaneSpec, TmuxServer, server_environment
from marvel.tmux.blocking import turn
from marvel.tmux.processes import listener, stat
from marvel.tmux.version import version_key

T = TypeVar("T")

PATIENCE = 10.0  # seconds until a test gives up on something that takes milliseconds


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def running(pid: int) -> bool:
    found = stat(pid)
    return found is not None and found[0] != "Z"


class Rig:
    """The interface under test, made synchronous, and `tmux` itself as another user would call it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "s"
        self.skew = 0.0  # added to the clock of every server made here
        self.ups: list[str | None] = []
        self.downs: list[str] = []
        self._servers: list[TmuxServer] = []
        self._pids: set[int] = set()
        self._uids = itertools.count(1)
        self.server = self.connect()

    def clock(self) -> float:
        return time.monotonic() + self.skew

    def connect(self, environment: dict[str, str] | None = None) -> TmuxServer:
        """Another connection to the same socket, not yet open."""
        env = server_environment(os.environ) if environment is None else environment
        server = TmuxServer(self.socket, "ws", environment=env, clock=self.clock)
        server.on_up = lambda: self.ups.append(server.identity)
        server.on_down = self.downs.append
        self._servers.append(server)
        return server

    def open(self, server: TmuxServer | None = None, *, start: bool = True) -> TmuxServer:
        server = server or self.server
        server.open(start=start)
        self.until(lambda: server.state == "up", server)
        self._pids.add(server.pid or 0)
        return server

    def until(self, condition: Callable[[], object], server: TmuxServer | None = None) -> None:
        server = server or self.server
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "this did not come true"
            turn(server, 0.02)

    def ask(
        self, request: Callable[[Callable[[T | Failed], None]], None], server: TmuxServer | None = None
    ) -> T | Failed:
        answers: list[T | Failed] = []
        request(answers.append)
        assert not answers, "`done` was called inside the call"
        self.until(lambda: answers, server)
        turn(server or self.server, 0)
        assert len(answers) == 1
        return answers[0]

    def spec(self, *argv: str, uid: str = "", env: dict[str, str] | None = None, cwd: str = "/") -> PaneSpec:
        name = uid or f"u{next(self._uids)}"
        return PaneSpec(uid=name, log_id="log-1", argv=argv, env=env or {}, cwd=cwd)

    def create(self, *argv: str, uid: str = "", env: dict[str, str] | None = None, cwd: str = "/") -> Pane:
        spec = self.spec(*argv, uid=uid, env=env, cwd=cwd)
        pane = self.ask(lambda done: self.server.create(spec, done))
        assert isinstance(pane, Pane), pane
        return _still(pane)

    def panes(self, server: TmuxServer | None = None, *, dead_only: bool = False) -> dict[str, Pane]:
        asked = server or self.server
        found = self.ask(lambda done: asked.panes(done, dead_only=dead_only), asked)
        assert isinstance(found, tuple), found
        return {pane.pane: _still(pane) for pane in found}

    def ended(self, pane: Pane) -> Pane:
        self.until(lambda: self.panes()[pane.pane].dead)
        return self.panes()[pane.pane]

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-S", str(self.socket), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout

    def names_signals(self) -> bool:
        """Whether this tmux reports the signal that ended a pane's process; 3.2a does not."""
        return version_key(self.tmux("display-message", "-p", "#{version}")) >= version_key("3.3")

    def clients(self) -> list[int]:
        """The pids of the control clients."""
        return [int(word) for word in self.tmux("list-clients", "-F", "#{client_pid}").split()]

    def client(self) -> int:
        """The pid of the only control client."""
        (pid,) = self.clients()
        return pid

    def finish(self) -> None:
        pids = {*self._pids, listener(self.socket) or 0, *(server.pid or 0 for server in self._servers)} - {0}
        for server in self._servers:
            server.close()
        for pid in pids:
            if Path(f"/proc/{pid}/comm").exists():
                everyone = [*children(pid), pid]
                for one in everyone:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while any(running(pid) for pid in pids) and time.monotonic() < end:
            os.sched_yield()


def _still(pane: Pane) -> Pane:
    """Without the second in which its screen changed last, so that the same pane is equal later."""
    return msgspec.structs.replace(pane, changed_at=0.0)
