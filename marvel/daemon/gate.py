"""What an agent session may do by a command: judged inside the write transaction, and recorded.

A command that is given inside a session acts as that session. The token is checked, its role's
capabilities decide (marvel/commands/capabilities.py), and what is refused is recorded. For the command
line's own way into the log (marvel/client/door.py) and for the daemon alike.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from marvel import commands
from marvel.daemon.tokens import Tokens
from marvel.errors import Rejected
from marvel.events import Draft, Event, SessionRefused, session_ref
from marvel.resources import Capability, Session
from marvel.world import World

Decide = Callable[[World, float], Iterable[Draft]]


class Claim(NamedTuple):
    """The session that somebody says he is."""

    uid: str
    token: str
    workspace: str


class Outside(Exception):
    """Another team than the acting session's."""


class Gate:
    """Judges one command of one session, inside the write transaction."""

    def __init__(self, claim: Claim, tokens: Tokens, needs: Capability | None, what: str) -> None:
        self._claim = claim
        self._tokens = tokens
        self._needs = needs
        self._what = what
        self._unknown = False

    def judge(self, world: World, now: float, decide: Decide) -> list[Draft]:
        """What the command decides, in the session's name; or the one event that says it was refused."""
        session = world.sessions.get(self._claim.uid)
        fits = self._tokens.fits(self._claim.token, self._claim.uid)
        if session is None and not fits:
            return list(decide(world, now))  # a session of another log: a person, as far as this one knows
        if session is None:
            self._unknown = True
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
        except Outside as outside:
            why = str(outside)
        if why:
            return self._refuse(session, why, actor)
        return [msgspec.structs.replace(draft, actor=actor) for draft in drafts]

    def check(self, events: list[Event]) -> None:
        """Raise Rejected when what was recorded, now or by an earlier try, is that it was refused."""
        message = f"{self._what} was refused: this session is no longer known" if self._unknown else ""
        for event in events:
            if isinstance(event.fact, SessionRefused):
                key = f"{event.ref.workspace}/{event.ref.session}"
                message = f"{event.fact.command} was refused to {key}: {event.fact.reason}"
        if message:
            raise Rejected(message, hint="the manifest's capabilities say what an agent may do")

    def _refuse(self, session: Session, why: str, actor: str) -> list[Draft]:
        fact = SessionRefused(command=self._what, reason=why)
        return [Draft(ref=session_ref(session), fact=fact, actor=actor)]
