"""The way into the log for all that is not the daemon: who acts, what it may do, one record.

A command that is run inside a session acts as that session: its pane's environment has the session's
uid and token. The token is checked, its role's capabilities decide (marvel/commands/capabilities.py), and
what is refused is recorded. This keeps agents to their roles and the log honest about who did what. It is
no wall: an agent runs as the same user as marvel, who can unset variables, read the key and write the log.
"""

import os
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from marvel import commands, manifest
from marvel.client.asking import ask, new_command
from marvel.client.person import user
from marvel.commands.order import Errand, Order
from marvel.commands.orders import NAMES, Apply
from marvel.daemon.gate import Claim, Decide, Gate, Outside
from marvel.daemon.tokens import Tokens
from marvel.events import Draft, Event
from marvel.resources import Capability, HeartbeatMode, TeamKey, Template
from marvel.runtimes import adapter_of
from marvel.settings import Paths
from marvel.world import World


class Door:
    """One process's way into one log."""

    def __init__(self, where: Paths, environ: Mapping[str, str] = os.environ) -> None:
        self._paths = where
        self._environ = environ
        self._claim = claimed(environ)

    def record(
        self,
        decide: Decide,
        *,
        needs: Capability | None = None,
        what: str = "",
        workspace: str | None = None,
        command: str | None = None,
    ) -> list[Event]:
        """Decide and append one command; returns its events, none when it changed nothing.

        `needs` is what a session must be allowed to do this (None: only a person may), `what` the
        command in words, `command` its idempotency key. Raises what `decide` raises, and Rejected when it
        is refused.
        """
        from marvel.store.log import Store  # SQLAlchemy: only for who writes here, not for who reads

        claim = self._claim
        store = Store(self._paths)
        try:
            if claim is None:
                recorded = store.record(decide, actor=user(), workspace=workspace, command=command)
                return recorded.events
            gate = Gate(claim, Tokens(self._paths.token_key), needs, what or needs or "a person's command")
            # The acting session must be in the world that is read.
            within = workspace if workspace == claim.workspace else None
            events = store.record(
                lambda world, now: gate.judge(world, now, decide),
                actor=user(),
                workspace=within,
                command=command,
            ).events
        finally:
            store.close()
        gate.check(events)
        return events

    def send(self, order: Order, command: str | None = None) -> str:
        """Have one order carried out, by the daemon where one runs, else here; what to tell a person.

        `command` is its idempotency key, and names its events in the log. Raises MarvelError.
        """
        command = command or new_command()
        said = ask(self._paths, *_sent(order), command, self._environ)
        return self.carry_out(order, command) if said is None else said

    def carry_out(self, order: Order, command: str) -> str:
        """Carry out one order here; what to tell a person. Raises MarvelError."""
        errand = Errand(order, mode_of)
        return errand.told(self._record(errand, command))

    def obey(self, order: Order) -> list[Event]:
        """Carry out one order here; returns its events. Raises MarvelError."""
        return self._record(Errand(order, mode_of), None)

    def _record(self, errand: Errand, command: str | None) -> list[Event]:
        order = errand.order
        return self.record(
            errand.decide,
            needs=order.needs,
            what=order.what(),
            workspace=order.workspace(),
            command=command,
        )

    def permit(self, needs: Capability, teams: Collection[TeamKey], *, what: str) -> None:
        """Refuse, and record, what this session may not do to these teams. Raises Rejected."""
        if self._claim is None:
            return

        def decide(world: World, _now: float) -> list[Draft]:
            claim = self._claim
            session = world.sessions.get(claim.uid) if claim else None
            if session is not None and (why := commands.outside(session, teams)):
                raise Outside(why)
            return []

        self.record(decide, needs=needs, what=what)

    def check_person(self, what: str) -> None:
        """Refuse, and record, what only a person may do when this is a session. Raises Rejected."""
        if self._claim is not None:
            self.record(lambda _world, _now: [], what=what)

    def own_uid(self) -> str:
        """The uid of the session that this runs in; empty for a person."""
        return self._claim.uid if self._claim else ""


def mode_of(template: Template) -> HeartbeatMode:
    """How the sessions of a template will beat."""
    return adapter_of(template).heartbeat


def _sent(order: Order) -> tuple[str, dict[str, Any]]:
    """An order as it goes over the socket: its name, and plain values."""
    if isinstance(order, Apply):
        return "apply", {"manifest": manifest.to_toml(order.manifest), "prune": order.prune}
    return NAMES[type(order)], msgspec.to_builtins(order)


def claimed(environ: Mapping[str, str]) -> Claim | None:
    """The session that an environment names; None when it names none."""
    uid = environ.get("MARVEL_SESSION_UID")
    if not uid:
        return None
    return Claim(uid, environ.get("MARVEL_TOKEN", ""), environ.get("MARVEL_WORKSPACE", ""))
