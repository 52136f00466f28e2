"""The way into the log for all that is not the daemon: who acts, what it may do, one record.

A command acts for the session that its process belongs to, else for a person (marvel/daemon/lineage.py). The
capabilities of a session's role decide what it may do (marvel/commands/capabilities.py), and what is
refused is recorded. This keeps agents to their roles and the log honest about who did what. It is no wall: an
agent that is not contained runs as the same user as marvel, who can read the key and write the log.
"""

import contextlib
import os
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from marvel import manifest
from marvel.client.asking import ask, identity, new_command, whoami
from marvel.client.person import user
from marvel.commands.order import Errand, Order
from marvel.commands.orders import NAMES, Apply, Permit
from marvel.daemon.gate import HINT, gate_of
from marvel.daemon.lineage import UNKNOWN, Caller, Claim, Lineage, Origin, lineage_of
from marvel.daemon.tokens import Tokens
from marvel.errors import LogUnavailable, MarvelError, Rejected
from marvel.events import Event
from marvel.resources import Capability, HeartbeatMode, Session, TeamKey, Template
from marvel.runtimes import adapter_of
from marvel.settings import Paths, check_private
from marvel.store.query import Reader

PERSON = Caller(Lineage())


class Door:
    """One process's way into one log."""

    def __init__(self, where: Paths, environ: Mapping[str, str] = os.environ) -> None:
        self._paths = where
        self._environ = environ

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
        """Decide and append one command; its events, none when it changed nothing.

        Raises what the order raises, and Rejected when it is refused.
        """
        from marvel.store.log import Store  # SQLAlchemy: only for who writes here, not for who reads

        order, caller = errand.order, self._caller()
        store = Store(self._paths)
        try:
            gate = gate_of(order, caller, Tokens(self._paths.token_key))
            events = store.record(
                lambda world, now: gate.judge(world, now, errand.decide),
                actor=user(),
                # The session that may act must be in the world that is read.
                workspace=order.workspace() if caller == PERSON else None,
                command=command,
            ).events
        finally:
            store.close()
        gate.check(events)
        return events

    def permit(self, needs: Capability, teams: Collection[TeamKey], *, what: str) -> None:
        """Refuse, and record, what this session may not do to these teams. Raises Rejected."""
        self._permit(Permit(doing=what, capability=needs, teams=tuple(map(str, teams))))

    def check_person(self, what: str) -> None:
        """Refuse, and record, what only a person may do when this is a session. Raises Rejected."""
        self._permit(Permit(doing=what))

    def _permit(self, order: Permit) -> None:
        try:
            exists = check_private(self._paths.home)
        except MarvelError as error:  # which `doctor --fix` is there to mend
            if self._look().is_marked:
                raise Rejected(f"{order.doing} was refused: {error.message}", hint=error.hint) from error
            return
        # The daemon sees more: this process may be in a pid namespace of its own.
        if exists and ask(self._paths, *_sent(order), new_command(), self._environ) is not None:
            return
        caller = self._caller()
        origin = Origin() if caller == PERSON else self._origin(caller)
        if origin.is_person:
            return  # and nothing is created or upgraded only to learn that
        if origin.session is None:
            raise Rejected(f"{order.doing} was refused: {origin.problem}", hint=HINT)
        try:
            self.obey(order)
        except LogUnavailable as error:
            raise Rejected(f"{order.doing} was refused: {error.message}", hint=error.hint) from error

    def own_uid(self) -> str:
        """The uid of the session that this runs in; empty for a person."""
        caller = self._caller()
        session = None if caller == PERSON else self._origin(caller).session
        return session.uid if session else ""

    def _caller(self) -> Caller:
        """Who acts, as the daemon sees it; where none runs, as /proc shows it here."""
        seen = whoami(self._paths, self._environ)
        return self._look() if seen is None else Caller(Lineage(bound=seen["uid"], problem=seen["problem"]))

    def _look(self) -> Caller:
        home = self._paths.home
        named = identity(self._environ, home)
        return Caller(lineage_of(os.getpid(), home), Claim(**named) if named else None)

    def _origin(self, caller: Caller) -> Origin:
        """For whom this process acts, as far as the log can be read."""
        sessions = {session.uid: session for session in self._sessions()}
        if not sessions:  # no key is made only to learn that
            return Origin(problem=UNKNOWN) if caller.is_marked else Origin()
        return caller.origin(sessions, Tokens(self._paths.token_key))

    def _sessions(self) -> list[Session]:
        """The recorded sessions; rows that can't be read are left out, for `rebuild` must be allowed then."""
        found = []
        try:
            with Reader(self._paths) as reader:
                rows = reader.sessions()
        except LogUnavailable:
            return []
        for row in rows:
            with contextlib.suppress(msgspec.ValidationError):
                found.append(msgspec.convert(row, Session))
        return found


def mode_of(template: Template) -> HeartbeatMode:
    """How the sessions of a template will beat."""
    return adapter_of(template).heartbeat


def _sent(order: Order) -> tuple[str, dict[str, Any]]:
    """An order as it goes over the socket: its name, and plain values."""
    if isinstance(order, Apply):
        return "apply", {"manifest": manifest.to_toml(order.manifest), "prune": order.prune}
    return NAMES[type(order)], msgspec.to_builtins(order)
