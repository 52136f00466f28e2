"""The way into the log for all that is not the daemon: who acts, what it may do, one record.

A command that is run inside a session acts as that session: its pane's environment has the session's
uid and token. The token is checked, its role's capabilities decide (marvel/commands/capabilities.py), and
what is refused is recorded. This keeps agents to their roles and the log honest about who did what. It is
no wall: an agent runs as the same user as marvel, who can unset variables, read the key and write the log.
"""

import getpass
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from marvel import commands
from marvel.daemon.tokens import Tokens
from marvel.errors import Rejected
from marvel.events import Draft, Event, SessionRefused, session_ref
from marvel.resources import Capability, Session, TeamKey
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.world import World

Decide = Callable[[World, float], Iterable[Draft]]


class Claim(NamedTuple):
    """The session that the environment says this is."""

    uid: str
    token: str
    workspace: str


class Door:
    """One process's way into one log."""

    def __init__(self, where: Paths, environ: Mapping[str, str] = os.environ) -> None:
        self._paths = where
        self._claim = claimed(environ)

    def record(
        self,
        decide: Decide,
        *,
        needs: Capability | None = None,
        what: str = "",
        workspace: str | None = None,
    ) -> list[Event]:
        """Decide and append one command; returns its events, none when it changed nothing.

        `needs` is what a session must be allowed to do this (None: only a person may), `what` the
        command in words. Raises what `decide` raises, and Rejected when it is refused.
        """
        claim = self._claim
        store = Store(self._paths)
        try:
            if claim is None:
                return store.record(decide, actor=user(), workspace=workspace).events
            gate = _Gate(claim, Tokens(self._paths.token_key), needs, what or needs or "a person's command")
            # The acting session must be in the world that is read.
            within = workspace if workspace == claim.workspace else None
            events = store.record(
                lambda world, now: gate.judge(world, now, decide), actor=user(), workspace=within
            ).events
        finally:
            store.close()
        if gate.refused:
            raise Rejected(gate.refused, hint="the manifest's capabilities say what an agent may do")
        return events

    def permit(self, needs: Capability, teams: Collection[TeamKey], *, what: str) -> None:
        """Refuse, and record, what this session may not do to these teams. Raises Rejected."""
        if self._claim is None:
            return

        def decide(world: World, _now: float) -> list[Draft]:
            claim = self._claim
            session = world.sessions.get(claim.uid) if claim else None
            if session is not None and (why := commands.outside(session, teams)):
                raise _Outside(why)
            return []

        self.record(decide, needs=needs, what=what)

    def own_uid(self) -> str:
        """The uid of the session that this runs in; empty for a person."""
        return self._claim.uid if self._claim else ""


class _Outside(Exception):
    """Another team than the acting session's."""


class _Gate:
    """Judges one command of one session, inside the write transaction."""

    def __init__(self, claim: Claim, tokens: Tokens, needs: Capability | None, what: str) -> None:
        self._claim = claim
        self._tokens = tokens
        self._needs = needs
        self._what = what
        self.refused = ""  # the message, if it was

    def judge(self, world: World, now: float, decide: Decide) -> list[Draft]:
        """What the command decides, in the session's name; or the one event that says it was refused."""
        session = world.sessions.get(self._claim.uid)
        fits = self._tokens.fits(self._claim.token, self._claim.uid)
        if session is None and not fits:
            return list(decide(world, now))  # a session of another log: a person, as far as this one knows
        if session is None:
            self.refused = f"{self._what} was refused: this session is no longer known"
            return []
        if not fits:
            return self._refuse(session, "MARVEL_TOKEN is not this session's", actor="")
        actor = f"session:{session.key}"
        why = commands.lacking(world, session, self._needs)
        if why:
            return self._refuse(session, why, actor)
        try:
            drafts = list(decide(world, now))
            why = commands.outside(session, commands.teams_of(world, drafts))
        except _Outside as outside:
            why = str(outside)
        if why:
            return self._refuse(session, why, actor)
        return [msgspec.structs.replace(draft, actor=actor) for draft in drafts]

    def _refuse(self, session: Session, why: str, actor: str) -> list[Draft]:
        self.refused = f"{self._what} was refused to {session.key}: {why}"
        fact = SessionRefused(command=self._what, reason=why)
        return [Draft(ref=session_ref(session), fact=fact, actor=actor)]


def user() -> str:
    """The person who acts."""
    try:
        return f"user:{getpass.getuser()}"
    except (KeyError, OSError):  # a uid without a name
        return f"user:{os.getuid()}"


def claimed(environ: Mapping[str, str]) -> Claim | None:
    """The session that an environment names; None when it names none."""
    uid = environ.get("MARVEL_SESSION_UID")
    if not uid:
        return None
    return Claim(uid, environ.get("MARVEL_TOKEN", ""), environ.get("MARVEL_WORKSPACE", ""))
