"""Histories of one world, told step by step: who did what, and when. No I/O, no clock but its own.

story = Story(role(replicas=3))   # applied, nothing has run yet
story.settle()                    # the controllers decide until they have nothing to add
story.start()                     # what may start is in its pane
story.later(0.1).crash(0)         # slot 0 exits 1, a tenth of a second later
assert story.settle() == […]      # the facts they decide on
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from marvel import commands
from marvel.controllers import Decision, Probed, Screen, View, health, sessions, shifts, view_of
from marvel.daemon import observations
from marvel.events import AnyFact, Draft, Event, Ref
from marvel.resources import (
    Cohort,
    HeartbeatMode,
    Manifest,
    Promise,
    Role,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    Session,
    ShiftSpec,
    TeamKey,
    TeamSpec,
    Template,
)
from marvel.runtimes import Signal
from marvel.world import World

START = 1_700_000_000.0
AGENTS = RoleKey("demo", "squad", "agent")
SQUAD = TeamKey("demo", "squad")
MAX_ROUNDS = 20  # as the daemon's reconciler
CONTROLLERS: tuple[Callable[[View, float], Decision], ...] = (
    shifts.reconcile,
    health.reconcile,
    sessions.reconcile,
)


def template(command: str = "agent", **runtime: Any) -> Template:
    """A template that differs from others by its command."""
    return Template(runtime=RuntimeSpec(command=command, cwd="/", **runtime))


def role(name: str = "agent", **fields: Any) -> RoleSpec:
    """A declared role, ready as soon as it runs; its command is `agent` unless a template is given."""
    given = {"name": name, "template": template(), "shift": ShiftSpec(min_ready=0.0), **fields}
    return RoleSpec(**given)


def manifest(*roles: RoleSpec, team: str = "squad", workspace: str = "demo", **fields: Any) -> Manifest:
    """One team of a workspace."""
    return Manifest(workspace=workspace, teams=(TeamSpec(name=team, roles=roles),), **fields)


class Story:
    """A world, its events, and the time in it."""

    def __init__(self, *roles: RoleSpec, promise: HeartbeatMode = "none") -> None:
        self.world = World()
        self.now = START
        self.events: list[Event] = []
        self.promise = promise
        self.lingering: set[str] = set()  # ended sessions whose processes are still there
        self.screens: dict[str, Screen] = {}
        self.probes: dict[str, Probed] = {}
        self._panes = 0
        if roles:
            self.apply(*roles)

    # --- telling -------------------------------------------------------------------------------

    def later(self, seconds: float) -> Story:
        """Time passes (or goes back)."""
        self.now += seconds
        return self

    def add(self, ref: Ref, fact: AnyFact, *, cause: int | None = None) -> Event:
        """One fact, now."""
        return self.record([Draft(ref=ref, fact=fact, cause=cause)])[0]

    def record(self, drafts: Iterable[Draft], *, actor: str = "test") -> list[Event]:
        """Facts become events, one after the other, as the store would have it."""
        made = []
        for draft in drafts:
            event = Event(
                position=self.world.position + 1,
                time=self.now,
                ref=draft.ref,
                fact=draft.fact,
                actor=draft.actor or actor,
                cause=draft.cause,
            )
            self.world.apply(event)
            made.append(event)
        self.events += made
        return made

    def apply(self, *roles: RoleSpec, **fields: Any) -> list[Event]:
        """`marvel work` of one team."""
        return self.record(commands.apply(self.world, manifest(*roles, **fields), self.now))

    def scale(self, replicas: int, key: RoleKey = AGENTS) -> list[Event]:
        return self.record(commands.scale(self.world, key, replicas))

    def kill(self, slot: int) -> list[Event]:
        return self.record(commands.kill(self.world, self.slot(slot).uid, self.now))

    def settle(self, key: RoleKey = AGENTS) -> list[AnyFact]:
        """The controllers decide until they have nothing to add; the facts they added."""
        made: list[AnyFact] = []
        for _ in range(MAX_ROUNDS):
            decided = [event for act in CONTROLLERS for event in self.record(self.decide(act, key).events)]
            if not decided:
                return made
            made += [event.fact for event in decided]
        raise AssertionError(f"the controllers never agree: {made[-6:]}")

    def decide(self, act: Callable[[View, float], Decision], key: RoleKey = AGENTS) -> Decision:
        """What one controller wants, without recording it."""
        return act(self.view(key), self.now)

    def wake_at(self, key: RoleKey = AGENTS) -> float | None:
        """When the sessions controller wants to look again."""
        return self.decide(sessions.reconcile, key).wake_at

    def view(self, key: RoleKey = AGENTS) -> View:
        return view_of(
            self.world,
            key,
            leases={},
            promise=lambda _template: Promise(self.promise),
            lingering=self.lingering,
            screens=self.screens,
            probes=self.probes,
        )

    def see(self, observation: observations.Observation) -> list[Event]:
        """The daemon saw something."""
        return self.record(observation(self.world, self.now))

    def start(self, *slots: int, key: RoleKey = AGENTS) -> Story:
        """Pending sessions that may start (all, or of some slots) are in their panes."""
        for session in self.slots(key):
            if session.state == "pending" and not session.held and (not slots or session.index in slots):
                self.start_one(session.uid)
        return self

    def start_one(self, uid: str) -> None:
        self._panes += 1
        pid = 1000 + self._panes
        self.see(observations.started(uid, server="1/2", pane=f"%{self._panes}", pid=pid, pid_start=7))

    def crash(self, slot: int, *, exit_status: int = 1, key: RoleKey = AGENTS) -> Story:
        """The process in a slot exits by itself."""
        self.see(observations.ended(self.slot(slot, key).uid, exit_status=exit_status))
        return self

    def gone(self, *, key: RoleKey = AGENTS) -> Story:
        """Everything that was asked to end has ended."""
        for session in self.world.sessions_of(key):
            if session.state == "stopping":
                self.see(observations.ended(session.uid, signal="TERM"))
        return self

    def beat(self, slot: int, key: RoleKey = AGENTS) -> Story:
        """A slot's first heartbeat, or a later one that says nothing."""
        uid = self.slot(slot, key).uid
        self.see(observations.signaled(uid, Signal()))
        return self

    def run(self, seconds: float = 1.0) -> Story:
        """Settle, start what may start, until all is quiet; then time passes."""
        for _ in range(MAX_ROUNDS):
            before = len(self.events)
            self.settle()
            self.start()
            self.later(0.1)
            if len(self.events) == before:
                return self.later(seconds)
        raise AssertionError("never quiet")

    # --- asking --------------------------------------------------------------------------------

    def slots(self, key: RoleKey = AGENTS) -> list[Session]:
        """The sessions that hold slots, by generation and index."""
        found = [s for s in self.world.sessions_of(key) if s.current and not s.one_off]
        return sorted(found, key=lambda s: (s.generation, s.index))

    def slot(self, index: int, key: RoleKey = AGENTS) -> Session:
        """The session in a slot of the newest generation that has one."""
        return [s for s in self.slots(key) if s.index == index][-1]

    def states(self, key: RoleKey = AGENTS) -> list[str]:
        """State of each slot, `held` for pending ones that must wait."""
        return ["held" if s.held else s.state for s in self.slots(key)]

    def alive(self, key: RoleKey = AGENTS) -> list[Session]:
        return [s for s in self.world.sessions_of(key) if s.alive]

    def cohorts(self, key: RoleKey = AGENTS) -> list[Cohort]:
        return self.world.cohorts_of(key)

    def role(self, key: RoleKey = AGENTS) -> Role:
        return self.world.roles[key]


def kinds(facts: Iterable[AnyFact]) -> list[str]:
    """The kinds of some facts, in order."""
    return [fact.kind for fact in facts]


def with_fields(record: Any, **fields: Any) -> Any:
    """A copy of a record with some fields changed."""
    return msgspec.structs.replace(record, **fields)
