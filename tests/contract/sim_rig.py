"""The simulated tmux behind the interface of `tmux_rig.Rig`: what the real one is asked, it is asked too."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from marvel.tmux import Failed, Pane, PaneSpec
from tests.simulation.fake_tmux import Client
from tests.simulation.machine import SimMachine

T = TypeVar("T")

PATIENCE = 60.0  # virtual seconds


class SimRig:
    """One simulated machine with a server, made synchronous."""

    def __init__(self) -> None:
        self.machine = SimMachine(Random(1))
        self.ups: list[str | None] = []
        self.downs: list[str] = []
        self._clients: list[Client] = []
        self._uids = itertools.count(1)
        self.server = self.connect()

    def connect(self) -> Client:
        client: Client = self.machine.tmux(None, "ws")  # type: ignore[arg-type]
        client.on_up = lambda: self.ups.append(client.identity)
        client.on_down = self.downs.append
        self._clients.append(client)
        return client

    def open(self, server: Client | None = None, *, start: bool = True) -> Client:
        server = server or self.server
        server.open(start=start)
        self.until(lambda: server.state == "up")
        return server

    def until(self, condition: Callable[[], object], server: Any = None) -> None:
        end = self.machine.now + PATIENCE
        self.machine.limit = end
        while not condition():
            assert self.machine.now < end, "this did not come true"
            self.turn()

    def turn(self) -> None:
        """As an owner's loop: until something is due, then what is due."""
        due = [at for at in (client.deadline() for client in self._clients) if at is not None]
        self.machine.pass_time(max(0.0, min(due) - self.machine.now) if due else 0.02)
        for client in self._clients:
            client.expire(self.machine.now)

    def ask(self, request: Callable[[Callable[[Any], None]], None], server: Any = None) -> Any:
        answers: list[Any] = []
        request(answers.append)
        assert not answers, "`done` was called inside the call"
        self.until(lambda: answers)
        self.turn()
        assert len(answers) == 1
        return answers[0]

    def spec(self, life: str, uid: str = "") -> PaneSpec:
        name = uid or f"u{next(self._uids)}"
        return PaneSpec(uid=name, log_id="log-1", argv=("/bin/agent", life), env={}, cwd="/")

    def create(self, life: str, uid: str = "") -> Pane:
        pane = self.ask(lambda done: self.server.create(self.spec(life, uid), done))
        assert isinstance(pane, Pane), pane
        return pane

    def panes(self, *, dead_only: bool = False) -> dict[str, Pane]:
        found = self.ask(lambda done: self.server.panes(done, dead_only=dead_only))
        assert not isinstance(found, Failed), found
        return {pane.pane: pane for pane in found}

    # --- what befalls it -----------------------------------------------------------------------

    def exit(self, pane: Pane, status: int) -> None:
        self.machine.end(pane.pid, status=status)

    def kill(self, pane: Pane) -> None:
        self.machine.end(pane.pid, killed="KILL")

    def runs(self, pid: int) -> bool:
        return pid in self.machine.workers

    def foreign(self) -> str:
        server = self.machine.servers["ws"]
        worker = self.machine.start("foreign", "mute", server.pid)
        return server.add("", "", worker.pid).name

    def end_server(self) -> None:
        self.machine.servers["ws"].die()

    def stop_server(self) -> None:
        self.machine.servers["ws"].wedged = True

    def continue_server(self) -> None:
        self.machine.servers["ws"].go_on()

    def kill_client(self) -> None:
        self.server.lose()

    def finish(self) -> None:
        """Nothing is left of it."""
