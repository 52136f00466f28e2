"""What an agent session may do by a command: judged inside the write transaction, and recorded.

A command acts for the session that its process belongs to (marvel/daemon/lineage.py), whatever its
environment says; a process that belongs to none acts for a person. A session's capabilities decide what it
may do (marvel/commands/capabilities.py), and what is refused is recorded. For the command line's own way
into the log (marvel/client/door.py) and for the daemon alike.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from marvel import commands
from marvel.commands.order import Order
from marvel.daemon.buckets import Buckets
from marvel.daemon.lineage import Caller
from marvel.daemon.tokens import Tokens
from marvel.errors import Rejected
from marvel.events import Draft, Event, SessionRefused, SessionThrottled, session_ref
from marvel.resources import Capability, Session, TeamKey
from marvel.world import World

MAX_COMMAND = 300  # characters of a refused command that are recorded
# Of one session: a supervisor that writes to all of a large team is within these, a loop is not.
ACTS_BURST, ACTS_A_SECOND = 1000, 10
REFUSALS_BURST, REFUSALS_A_SECOND = 20, 1
HINT = "the manifest's capabilities say what an agent may do"

Decide = Callable[[World, float], Iterable[Draft]]


class Limits:
    """How much sessions may have recorded by commands."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._acts = Buckets(ACTS_BURST, ACTS_A_SECOND, clock)
        self._refusals = Buckets(REFUSALS_BURST, REFUSALS_A_SECOND, clock)
        self._noted: set[str] = set()  # uids

    def act(self, uid: str) -> bool:
        """Whether a session may have another command carried out."""
        return self._acts.take(uid)

    def refusal(self, uid: str) -> bool:
        """Whether another refusal of a session is recorded."""
        return self._refusals.take(uid)

    def first(self, uid: str) -> bool:
        """Whether this is the first time that a session reaches a limit."""
        known = uid in self._noted
        self._noted.add(uid)
        return not known

    def forget(self, uid: str) -> None:
        """Drop what is known of a session that has ended."""
        self._acts.forget(uid)
        self._refusals.forget(uid)
        self._noted.discard(uid)


class Gate:
    """Judges one command of one caller, inside the write transaction."""

    def __init__(
        self,
        caller: Caller,
        tokens: Tokens,
        needs: Capability | None,
        what: str,
        *,
        teams: Sequence[TeamKey] = (),
        limits: Limits | None = None,
    ) -> None:
        self._caller = caller
        self._tokens = tokens
        self._needs = needs
        self._what = what
        self._teams = teams  # that it is about, besides those that it changes
        self._limits = limits
        self._refused = ""  # and why, where no event says so

    def judge(self, world: World, now: float, decide: Decide) -> list[Draft]:
        """What the command decides, in its session's name; or the one event that says it was refused."""
        session, problem = self._caller.origin(world.sessions, self._tokens)
        if session is None and not problem:
            return list(decide(world, now))
        if session is None:
            self._refused = f"{self._what} was refused: {problem}"
            return []
        if problem:
            return self._refuse(session, problem, actor="")
        actor = f"session:{session.key}"
        why = commands.lacking(world, session, self._needs) or commands.outside(session, self._teams)
        if why:
            return self._refuse(session, why, actor)
        drafts = list(decide(world, now))
        if why := commands.outside(session, commands.teams_of(world, drafts)):
            return self._refuse(session, why, actor)
        if drafts and self._limits is not None and not self._limits.act(session.uid):
            return self._throttle(session, f"more than {ACTS_A_SECOND} commands a second")
        return [msgspec.structs.replace(draft, actor=actor) for draft in drafts]

    def check(self, events: list[Event]) -> None:
        """Raise Rejected when what was recorded, now or by an earlier try, is that it was refused."""
        message = self._refused
        for event in events:
            if isinstance(event.fact, SessionRefused) and not message:
                key = f"{event.ref.workspace}/{event.ref.session}"
                message = f"{event.fact.command} was refused to {key}: {event.fact.reason}"
        if message:
            raise Rejected(message, hint=HINT)

    def _refuse(self, session: Session, why: str, actor: str) -> list[Draft]:
        if self._limits is not None and not self._limits.refusal(session.uid):
            return self._throttle(session, why)
        fact = SessionRefused(command=self._what[:MAX_COMMAND], reason=why)
        return [Draft(ref=session_ref(session), fact=fact, actor=actor)]

    def _throttle(self, session: Session, why: str) -> list[Draft]:
        """Refuse without an event for each time: one says that there are too many."""
        self._refused = f"{self._what} was refused to {session.key}: {why}"
        if self._limits is None or not self._limits.first(session.uid):
            return []
        return [Draft(ref=session_ref(session), fact=SessionThrottled(what="commands"))]


def gate_of(order: Order, caller: Caller, tokens: Tokens, limits: Limits | None = None) -> Gate:
    """The gate that an order of a caller goes through."""
    return Gate(caller, tokens, order.needed(), order.what(), teams=order.about(), limits=limits)
