"""tmux as the daemon knows it, on a simulated machine. tests/contract holds it to the real one.

`Server` is what runs and keeps its panes; `Client` is one daemon's connection to it, with the interface
of `marvel.tmux.TmuxServer`. As there, `done` is called exactly once, later, never inside the call.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from signal import SIGHUP
from typing import TYPE_CHECKING, Any, TypeVar

from marvel.tmux import Failed, Look, Pane, PaneSpec
from marvel.tmux.timers import Timers

if TYPE_CHECKING:
    from tests.simulation.machine import SimMachine

T = TypeVar("T")
Done = Callable[[Any], None]

TIMEOUT_SECONDS = 5.0  # until a request to a server that hangs has failed
LIVES = ("good", "mute", "crash", "brief", "done", "stubborn", "parent", "told")
_numbers = itertools.count(1)


class FakePane:
    """One pane and what tmux remembers of its process."""

    def __init__(self, name: str, uid: str, log_id: str, pid: int) -> None:
        self.name = name
        self.uid = uid
        self.log_id = log_id
        self.pid = pid
        self.dead = False
        self.status: int | None = None
        self.killed = ""
        self.changed_at = 0.0

    def shown(self) -> Pane:
        return Pane(
            pane=self.name,
            uid=self.uid,
            log_id=self.log_id,
            pid=self.pid,
            dead=self.dead,
            exit_status=self.status,
            signal=self.killed or None,
            changed_at=self.changed_at,
        )


class Server:
    """The tmux server of one workspace."""

    def __init__(self, machine: SimMachine, workspace: str) -> None:
        self.machine = machine
        self.workspace = workspace
        self.pid = next(_numbers)
        self.identity = f"{self.pid}/1"
        self.panes: dict[str, FakePane] = {}
        self.clients: list[Client] = []
        self.wedged = False  # stopped: nothing is answered
        self._waiting: list[Callable[[], None]] = []
        self._names = itertools.count(1)

    def do(self, effect: Callable[[], None]) -> None:
        """Carry out a request, in order; a stopped server does it once it goes on."""
        if self.wedged:
            self._waiting.append(effect)
        else:
            effect()

    def go_on(self) -> None:
        self.wedged = False
        waiting, self._waiting = self._waiting, []
        for effect in waiting:
            effect()

    def add(self, uid: str, log_id: str, pid: int) -> FakePane:
        pane = FakePane(f"%{next(self._names)}", uid, log_id, pid)
        pane.changed_at = float(int(self.machine.wall()))
        self.panes[pane.name] = pane
        return pane

    def process_ended(self, pid: int, status: int | None, killed: str) -> None:
        for pane in self.panes.values():
            if pane.pid == pid:
                pane.dead, pane.status, pane.killed = True, status, killed

    def remove(self, name: str) -> None:
        """A pane is closed: its process gets a HUP."""
        pane = self.panes.pop(name, None)
        if pane is not None and pane.pid:
            self.machine.signal(pane.pid, SIGHUP)

    def die(self) -> None:
        """The server ends: all its panes are closed."""
        del self.machine.servers[self.workspace]
        for name in list(self.panes):
            self.remove(name)
        clients, self.clients = self.clients, []
        for client in clients:
            self.machine.later(0.02, lambda client=client: client.hung_up(self))  # type: ignore[misc]


class Client:
    """One daemon's connection to the server of a workspace."""

    def __init__(self, machine: SimMachine, workspace: str) -> None:
        self.machine = machine
        self.workspace = workspace
        self.on_up: Callable[[], None] = lambda: None
        self.on_down: Callable[[str], None] = lambda why: None
        self.state = "down"
        self.identity: str | None = None
        self.prepared = True
        self.gone = True
        self.dropped = False  # its daemon is dead
        self._server: Server | None = None
        self._timers = Timers(machine.monotonic)
        self._open: dict[int, Callable[[Failed], None]] = {}  # requests without an answer
        self._epoch = 0
        self._ending = False  # asked to shut down

    # --- the owner's loop ----------------------------------------------------------------------

    def fileno(self) -> None:
        return None

    def wants_write(self) -> bool:
        return False

    def on_ready(self, readable: bool, writable: bool) -> None:
        """Nothing is ever ready: there is no descriptor."""

    def deadline(self) -> float | None:
        return self._timers.next()

    def expire(self, now: float) -> None:
        self._timers.run(now)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.after(seconds, action)

    def now(self) -> float:
        return self.machine.now

    # --- the connection ------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server is not None else None

    def open(self, *, start: bool) -> None:
        if self.state != "down":
            return
        self.state = "connecting"
        self._soon(0.001, lambda: self._connect(start=start))

    def keep_socket(self) -> None:
        """Nobody deletes it here."""

    def close(self) -> None:
        self._end("the connection was closed")

    def _connect(self, *, start: bool) -> None:
        servers = self.machine.servers
        if self.workspace not in servers:
            if not start:
                self._down("no tmux server is running", gone=True)
                return
            servers[self.workspace] = Server(self.machine, self.workspace)
        server = servers[self.workspace]
        if server.wedged:
            self._soon(TIMEOUT_SECONDS, lambda: self._down("tmux does not answer", gone=False))
            return
        self._server, self.identity = server, server.identity
        self.state, self.gone = "up", False
        server.clients.append(self)
        self.on_up()

    def hung_up(self, server: Server) -> None:
        """Its server has ended."""
        if self._server is server and not self.dropped and not self._ending:
            self._soon(0.0, lambda: self._down("the tmux server is gone", gone=True))

    def lose(self) -> None:
        """The control client was killed: what is open has failed, and the connection comes back."""
        if self.state != "up" or self._server is None:
            return
        self.state = "connecting"
        self._fail_all("the control client ended")
        self._soon(0.02, lambda: self._connect(start=False))

    def _soon(self, seconds: float, action: Callable[[], None]) -> None:
        epoch = self._epoch
        self.later(seconds, lambda: action() if self._epoch == epoch else None)

    def _down(self, why: str, *, gone: bool) -> None:
        self.gone = gone or self.workspace not in self.machine.servers
        ended = self._end(why)
        if self._epoch == ended:
            self.on_down(why)

    def _end(self, why: str) -> int:
        self._epoch += 1
        ended = self._epoch
        self.state, self.identity, self._server = "down", None, None
        self._fail_all(why)
        return ended

    def _fail_all(self, why: str) -> None:
        waiting, self._open = list(self._open.values()), {}
        for fail in waiting:
            fail(Failed(reason="lost", message=why))

    # --- requests ------------------------------------------------------------------------------

    def _ask(self, carry_out: Callable[[Server], T | Failed], done: Done, *, acts: bool = False) -> None:
        """`carry_out` a moment later, and answer a moment after that."""
        server = self._server
        if self.state != "up" or server is None:
            self.later(0, lambda: done(Failed(reason="lost", message="there is no connection to tmux")))
            return
        if acts:
            self.machine.effect()
        number = next(_numbers)
        self._open[number] = done
        rng, machine = self.machine.rng, self.machine

        def answer(result: Any) -> None:
            if self._open.pop(number, None) is not None:
                done(result)

        def reply(result: Any) -> None:
            machine.later(rng.uniform(0.0, 0.004), lambda: self.later(0, lambda: answer(result)))

        def effect() -> None:
            if machine.servers.get(self.workspace) is server:
                result = carry_out(server)
                if not self.dropped:
                    reply(result)

        machine.later(rng.uniform(0.0, 0.004), lambda: server.do(effect))
        timed_out = Failed(reason="timeout", message="tmux did not answer")
        self.later(TIMEOUT_SECONDS, lambda: answer(timed_out))

    def _ask_pane(self, pane: str, uid: str, act: Callable[[Server, FakePane], Any], done: Done) -> None:
        def carry_out(server: Server) -> Any:
            found = server.panes.get(pane)
            if found is None or found.uid != uid:
                return Failed(reason="gone", message=f"no pane {pane} of {uid}")
            return act(server, found)

        self._ask(carry_out, done, acts=True)

    def create(self, spec: PaneSpec, done: Done) -> None:
        def carry_out(server: Server) -> Pane | Failed:
            if self.machine.refusing > 0:
                self.machine.refusing -= 1
                if self.machine.halving > 0:
                    self.machine.halving -= 1
                    self.machine.start(spec.uid, "mute", server.pid)
                return Failed(reason="refused", message="no space for new pane")
            for pane in server.panes.values():
                if pane.uid == spec.uid:
                    return pane.shown()
            life = next((word for word in spec.argv if word in LIVES), "mute")
            worker = self.machine.start(spec.uid, life, server.pid)
            return server.add(spec.uid, spec.log_id, worker.pid).shown()

        self._ask(carry_out, done, acts=True)

    def panes(self, done: Done, *, dead_only: bool = False) -> None:
        self._ask(
            lambda server: tuple(
                pane.shown() for pane in server.panes.values() if pane.dead or not dead_only
            ),
            done,
        )

    def stamp(self, pane: Pane, done: Done) -> None:
        """Nobody writes over a stamp here."""

    def close_dead(self, pane: str, done: Done) -> None:
        """No agent opens panes here."""

    def has_stamp(self, pane: str, uid: str, done: Done) -> None:
        self._ask(lambda server: pane in server.panes and server.panes[pane].uid == uid, done)

    def watchers(self, done: Done) -> None:
        self._ask(lambda _server: (), done)

    def pipe(self, pane: str, uid: str, log: str, done: Done) -> None:
        self._ask_pane(pane, uid, lambda _server, _pane: None, done)

    def capture(self, pane: str, uid: str, done: Done, **_: Any) -> None:
        self._ask_pane(pane, uid, lambda _server, found: f"this is {found.name}\n", done)

    def send_keys(self, pane: str, uid: str, keys: Sequence[str], done: Done) -> None:
        self._ask_pane(pane, uid, _alive, done)

    def look(self, pane: str, uid: str, done: Done) -> None:
        self._ask_pane(pane, uid, lambda _server, found: Look(screen=f"this is {found.name}\n"), done)

    def paste(self, pane: str, uid: str, text: str, done: Done) -> None:
        self._ask_pane(pane, uid, _alive, done)

    def kill_pane(self, pane: str, uid: str, done: Done) -> None:
        self._ask_pane(pane, uid, lambda server, found: server.remove(found.name), done)

    def shutdown(self, done: Done) -> None:
        def end(server: Server) -> Failed | None:
            if server.panes:
                return Failed(reason="refused", message="somebody's pane is in it")
            server.die()
            return None

        self._ending = True

        def ended(result: Any) -> None:
            self._ending = False
            if result is None:
                self.gone = True
                self._end("the tmux server was shut down")
            done(result)

        self._ask(end, ended, acts=True)


def _alive(_server: Server, pane: FakePane) -> Failed | None:
    return Failed(reason="gone", message="its process has ended") if pane.dead else None
