"""What each agent did in a stretch of the log: times, restarts, shifts, context, cost. Pure.

An agent is a line of sessions: one that refills a slot, or takes over in a shift, goes on with the row of
the one before it; one-offs of one name share a row. Times are counted while its process runs, by what it
said last that it does.
"""

from typing import Any

from marvel.cli.summaries import ending
from marvel.events import (
    Event,
    SessionAttention,
    SessionEnded,
    SessionGaveUp,
    SessionPaired,
    SessionScheduled,
    SessionSignaled,
    SessionStartFailed,
    SessionTriggered,
)
from marvel.resources import Session
from marvel.world import World

COUNTED = {
    "working": "working",
    "compacting": "working",
    "idle": "idle",
    "waiting": "waiting",
    "limited": "limited",
}
RUNS = ("running", "stopping")


class Agent:
    """One row of the report."""

    def __init__(self, session: Session) -> None:
        self.session = session  # its newest
        self.running = 0.0  # seconds, all of it
        self.seconds = dict.fromkeys(("working", "idle", "waiting", "limited"), 0.0)
        self.sessions = 0  # processes it had
        self.restarts: dict[str, int] = {}  # by why the one before had ended
        self.shifts = 0
        self.context_first: float | None = None
        self.context_last: float | None = None
        self.context_peak: float | None = None
        self.cost: float | None = None  # US dollars; None: it never reported any
        self.last_words = ""

    def read(self, percent: float | None) -> None:
        """The context percent, where it is told."""
        if percent is None:
            return
        self.context_first = percent if self.context_first is None else self.context_first
        self.context_last = percent
        self.context_peak = max(percent, self.context_peak or 0.0)


class Tally:
    """Follows the log from one moment to another."""

    def __init__(self, world: World, since: float) -> None:
        self._world = world
        self._marks: dict[str, float] = {}  # uid → until when its time was counted
        self._agents: dict[str, Agent] = {}  # by uid
        self._one_offs: dict[str, Agent] = {}  # by key
        for session in sorted(world.sessions.values(), key=lambda s: s.created_at):
            if session.alive or session.current:
                self._known(session, since)

    def add(self, event: Event) -> None:
        """The next event."""
        uid = event.ref.uid
        if uid is None:
            self._world.apply(event)
            return
        before = self._world.sessions.get(uid)
        self._count(before, event.time)
        replaced = event.fact.replaces if isinstance(event.fact, SessionScheduled) else ""
        ended = self._world.sessions.get(replaced)
        self._world.apply(event)
        session = self._world.sessions.get(uid)
        if session is None:
            return
        if isinstance(event.fact, SessionScheduled):
            self._scheduled(session, replaced, ended)
        agent = self._agents.get(uid)
        if agent is None:
            return
        self._marks[uid] = event.time
        if agent.session.uid == uid:
            agent.session = session
        self._spend(agent, before, session)
        self._note(agent, session, event)

    def agents(self, until: float) -> list[Agent]:
        """Every agent that was there, counted up to a moment."""
        for uid in self._agents:
            self._count(self._world.sessions.get(uid), until)
        found = {id(agent): agent for agent in self._agents.values()}
        return sorted(found.values(), key=_order)

    def _known(self, session: Session, since: float) -> None:
        agent = Agent(session)
        agent.read(session.context_percent)
        agent.cost = None if session.cost_usd is None else 0.0
        agent.sessions = int(session.state in RUNS)
        if session.one_off:
            agent = self._one_offs.setdefault(session.key, agent)
        self._agents[session.uid] = agent
        self._marks[session.uid] = since

    def _scheduled(self, session: Session, replaced: str, ended: Session | None) -> None:
        agent = self._agents.get(replaced)
        if agent is None and session.one_off:
            agent = self._one_offs.setdefault(session.key, Agent(session))
        if agent is None:
            agent = Agent(session)
        self._agents[session.uid] = agent
        agent.session = session
        if ended is not None:
            why = _why(ended)
            agent.restarts[why] = agent.restarts.get(why, 0) + 1

    def _note(self, agent: Agent, session: Session, event: Event) -> None:
        """What an event says of its agent."""
        fact = event.fact
        match fact:
            case SessionPaired():
                self._take_over(agent, session, fact.predecessor)
            case SessionTriggered():
                agent.shifts += 1
            case SessionSignaled():
                agent.read(fact.context_percent)
                if fact.detail:
                    agent.last_words = f"{fact.activity}: {fact.detail}"
            case SessionEnded():
                row = {"signal": fact.signal, "exit_status": fact.exit_status}
                told = (fact.state, fact.reason, ending(row), fact.detail)
                agent.last_words = ", ".join(part for part in told if part)
            case SessionAttention() | SessionGaveUp() | SessionStartFailed():
                agent.last_words = f"{fact.reason}: {fact.detail}" if fact.detail else fact.reason
        if event.kind == "session.started":
            agent.sessions += 1

    def _spend(self, agent: Agent, before: Session | None, session: Session) -> None:
        """Add what an event says that the agent's job cost more; a new session begins with what was spent."""
        if before is None or session.cost_usd is None:
            return
        agent.cost = (agent.cost or 0.0) + session.cost_usd - (before.cost_usd or 0.0)

    def _take_over(self, own: Agent, session: Session, predecessor: str) -> None:
        """A successor goes on with the row of the one whose work it takes."""
        agent = self._agents.get(predecessor)
        if agent is None or agent is own:
            return
        before = self._world.sessions.get(predecessor)
        if before is not None and before.generation != session.generation:
            agent.shifts += 1
        agent.session = session
        self._agents = {uid: agent if one is own else one for uid, one in self._agents.items()}

    def _count(self, session: Session | None, until: float) -> None:
        """Time since the last mark, by what the agent said that it does."""
        if session is None or session.uid not in self._agents:
            return
        passed = max(0.0, until - self._marks.get(session.uid, until))
        self._marks[session.uid] = until
        if session.state not in RUNS:
            return
        agent = self._agents[session.uid]
        agent.running += passed
        name = COUNTED.get(session.activity)
        if name is not None:
            agent.seconds[name] += passed


def _why(session: Session) -> str:
    """Why a session had to be replaced."""
    reason = session.stop.reason if session.stop else session.reason
    return reason or session.state


def _order(agent: Agent) -> tuple[Any, ...]:
    s = agent.session
    return s.workspace, s.team, s.role, s.generation, s.index, s.created_at
