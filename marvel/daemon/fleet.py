"""The tmux servers, one per workspace: opened when needed, tried again while out of reach.

A server that is gone is one incident for its owner (`on_lost`); one that does not answer is *unknown*,
and unknown changes nothing: its agents run on, and the connection is tried again. When the servers of a
workspace are lost soon after their start, one after the other, the next ones are started after longer and
longer pauses: one agent that ends its tmux server would have all others started again every second.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from marvel.config import Config, others_file
from marvel.daemon.machine import Machine
from marvel.daemon.poller import READ, WRITE
from marvel.settings import Paths
from marvel.tmux import Failed, TmuxServer, server_environment
from marvel.tmux.timers import Timers

RETRY_FIRST_SECONDS, RETRY_MAX_SECONDS = 1.0, 30.0  # between tries to reach a server, doubling
SHORT_LIFE_SECONDS = 60.0  # of a server that was lost soon
FREE_LOSSES = 3  # such in a row that cost no pause; then it doubles as the tries do


class Desk:
    """One workspace's server as the fleet sees it."""

    def __init__(self, server: TmuxServer) -> None:
        self.server = server
        self.settled = False  # its panes were compared with the world
        self.watched: tuple[int, int] | None = None  # descriptor and events
        self.retry = RETRY_FIRST_SECONDS
        self.why_down = ""
        self.identity = ""  # of the server while it is connected, and until its end was told
        self.since: float | None = None  # when it was first reached, on the monotonic clock


class Losses:
    """The servers of a workspace that were lost soon, in a row."""

    def __init__(self) -> None:
        self.count = 0
        self.paused_until = 0.0  # on the monotonic clock: no new one before
        self.told = True  # who waits knows it

    def add(self, now: float) -> float:
        """One more; how long the next has to wait."""
        self.count += 1
        doublings = self.count - FREE_LOSSES - 1
        pause = 0.0 if doublings < 0 else min(RETRY_FIRST_SECONDS * 2.0**doublings, RETRY_MAX_SECONDS)
        self.paused_until, self.told = now + pause, False
        return pause


class Fleet:
    """All tmux servers. The owner sets the callbacks, and calls `expire` at `deadline`."""

    def __init__(
        self, paths: Paths, machine: Machine, timers: Timers, environ: Mapping[str, str], config: Config
    ) -> None:
        self._paths = paths
        self._machine = machine
        self._poller = machine.poller
        self._timers = timers
        self._environment = server_environment(environ)
        self._config = config
        self._desks: dict[str, Desk] = {}
        self._losses: dict[str, Losses] = {}  # by workspace
        self._closing = False
        self.on_up: Callable[[str, TmuxServer], None]  # reachable: compare its panes with the world
        self.on_lost: Callable[[str, str], None]  # workspace, identity of the server that is gone
        self.on_unreachable: Callable[[str, str], None]  # workspace, why
        self.on_due: Callable[[str], None]  # a workspace whose server was not started may have one now
        os.makedirs(paths.tmux, mode=0o700, exist_ok=True)

    def known_sockets(self) -> list[str]:
        """Workspaces that have, or had, a server of ours."""
        return [name.removesuffix(".sock") for name in os.listdir(self._paths.tmux) if name.endswith(".sock")]

    def server(self, workspace: str) -> TmuxServer | None:
        """The server of a workspace while it can be asked and its panes are known."""
        desk = self._desks.get(workspace)
        return desk.server if desk and desk.settled and desk.server.state == "up" else None

    def identity(self, workspace: str) -> str:
        """Which server it is: `pid/start time`."""
        desk = self._desks.get(workspace)
        return (desk.server.identity or "") if desk else ""

    def server_pid(self, workspace: str) -> int | None:
        """The pid of a workspace's server while it is known: the parent of all its panes' processes."""
        desk = self._desks.get(workspace)
        return desk.server.pid if desk else None

    def open(self, workspace: str, *, start: bool, at_once: bool = False) -> None:
        """Connect to a workspace's server; with `start`, start one if there is none.

        `at_once`: without the pause after losses.
        """
        desk = self._desks.get(workspace)
        if desk is None:
            if start and not at_once and self._is_paused(workspace):
                return
            desk = self._desks[workspace] = self._new(workspace)
        self._with(desk, lambda: desk.server.open(start=start))

    def settle(self, workspace: str) -> None:
        """Its panes were compared with the world: agents may be started there."""
        self._desks[workspace].settled = True

    def shut_down(self, workspace: str, done: Callable[[], None]) -> None:
        """End a server on which nothing of anybody is left; `done` in any case."""
        desk = self._desks.get(workspace)
        if desk is None or desk.server.state != "up":
            done()
            return

        def ended(failed: Failed | None) -> None:
            if failed is None:
                self._drop(workspace)
            done()

        self._with(desk, lambda: desk.server.shutdown(ended))

    def up(self) -> list[str]:
        """Workspaces whose server is connected."""
        return [name for name, desk in self._desks.items() if desk.server.state == "up"]

    def pids(self) -> dict[str, int]:
        """The processes of the servers, by what they are called in messages."""
        found = ((name, desk.server.pid) for name, desk in self._desks.items())
        return {f"the tmux server of {name}": pid for name, pid in found if pid is not None}

    def keep_sockets(self) -> None:
        """Have deleted socket files made again."""
        for desk in self._desks.values():
            with contextlib.suppress(OSError):  # whether it was deleted can't be told now
                desk.server.keep_socket()

    def sync(self) -> None:
        """Have the poller watch what each connection wants; after anything that used one."""
        for desk in self._desks.values():
            self._watch(desk)

    def deadline(self) -> float | None:
        """When `expire` has something to do, on the monotonic clock."""
        deadlines = (desk.server.deadline() for desk in self._desks.values())
        return min((at for at in deadlines if at is not None), default=None)

    def expire(self, now: float) -> None:
        """Time-outs and retries of all connections."""
        for desk in list(self._desks.values()):
            at = desk.server.deadline()
            if at is not None and at <= now:
                self._with(desk, lambda desk=desk: desk.server.expire(now))  # type: ignore[misc]

    def close(self) -> None:
        """Hang up everywhere; the servers and their agents live on."""
        self._closing = True
        for desk in self._desks.values():
            self._with(desk, desk.server.close)

    def _new(self, workspace: str) -> Desk:
        conf = self._config.tmux_conf
        server = self._machine.tmux(
            Path(self._paths.tmux_socket(workspace)),
            workspace,
            environment=self._environment,
            history_limit=self._config.history_limit,
            tmux_conf=Path(conf) if conf and not others_file(conf) else None,
        )
        desk = Desk(server)
        server.on_up = lambda: self._came_up(workspace, desk)
        server.on_down = lambda why: self._went_down(workspace, desk, why)
        return desk

    def _came_up(self, workspace: str, desk: Desk) -> None:
        if not desk.server.prepared:  # an earlier daemon, perhaps an older one, made it ready
            self._with(desk, lambda: desk.server.open(start=True))
            return
        desk.retry = RETRY_FIRST_SECONDS
        desk.why_down = ""
        desk.identity = desk.server.identity or ""
        desk.since = self._machine.monotonic() if desk.since is None else desk.since
        self.on_up(workspace, desk.server)

    def _went_down(self, workspace: str, desk: Desk, why: str) -> None:
        if self._closing:
            return
        desk.settled = False
        if desk.server.gone:
            self._drop(workspace)
            self._count_loss(workspace, desk)
            self.on_lost(workspace, desk.identity)
            return
        if why != desk.why_down:
            desk.why_down = why
            self.on_unreachable(workspace, why)
        self._timers.after(desk.retry, lambda: self._try_again(workspace, desk))
        desk.retry = min(desk.retry * 2, RETRY_MAX_SECONDS)

    def _count_loss(self, workspace: str, desk: Desk) -> None:
        now = self._machine.monotonic()
        if desk.since is None or now - desk.since > SHORT_LIFE_SECONDS:
            self._losses.pop(workspace, None)
        elif pause := self._losses.setdefault(workspace, Losses()).add(now):
            self._timers.after(pause, lambda: self.on_due(workspace))

    def _is_paused(self, workspace: str) -> bool:
        """Whether no server may be started yet; who waits for it is told once."""
        losses, now = self._losses.get(workspace), self._machine.monotonic()
        if losses is None or now >= losses.paused_until:
            return False
        if not losses.told:
            losses.told = True
            lost = f"{losses.count} tmux servers in a row were lost within {SHORT_LIFE_SECONDS:g} s"
            self.on_unreachable(workspace, f"{lost}; the next starts in {losses.paused_until - now:.0f} s")
        return True

    def _try_again(self, workspace: str, desk: Desk) -> None:
        if self._desks.get(workspace) is desk and not self._closing:
            self._with(desk, lambda: desk.server.open(start=True))

    def _drop(self, workspace: str) -> None:
        desk = self._desks.pop(workspace, None)
        if desk is not None:
            self._with(desk, desk.server.close)
            self._unwatch(desk)

    def _with(self, desk: Desk, act: Callable[[], None]) -> None:
        act()
        self._watch(desk)

    def _watch(self, desk: Desk) -> None:
        fd = desk.server.fileno()
        wanted = None if fd is None else (fd, READ | WRITE if desk.server.wants_write() else READ)
        if wanted == desk.watched:
            return
        self._unwatch(desk)
        desk.watched = wanted
        if wanted is not None:
            self._poller.watch(*wanted, desk, lambda events: self._ready(desk, events))

    def _unwatch(self, desk: Desk) -> None:
        if desk.watched is not None:
            self._poller.forget(desk.watched[0], desk)
            desk.watched = None

    def _ready(self, desk: Desk, events: int) -> None:
        self._with(desk, lambda: desk.server.on_ready(bool(events & READ), bool(events & WRITE)))
