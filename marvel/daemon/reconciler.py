"""Catches up with the log, runs the controllers over what changed, appends what they decide.

Work is in proportion to what changed: a set of dirty roles, and a heap of the times at which a
controller wants to look again. One pass is one write transaction: first what was observed, then for each
dirty role the controllers in turn until none has anything to add. If the log can't be written, nothing is
lost and nothing is done: observations and dirty roles wait for the next try.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from marvel.controllers import Decision, Lease, Probed, Screen, View, health, sessions, shifts, view_of
from marvel.daemon.gate import Decide
from marvel.daemon.observations import Observation, stalled
from marvel.errors import MarvelError
from marvel.events import (
    DAEMON,
    Draft,
    Event,
    Ref,
    RoleRemoved,
    ShiftAborted,
    ShiftCompleted,
    ShiftRolledBack,
    ShiftStuck,
    ShiftSuperseded,
    TeamApplied,
)
from marvel.resources import Promise, RoleKey, TeamKey, Template
from marvel.store.log import Store
from marvel.world import World

STALL_SECONDS = 2.0  # between the beginning of a pass and its transaction
MAX_ROUNDS = 20  # of the controllers over one role in one pass; more means that two contradict

# What may let another role of the team begin its shift.
TURNS = (ShiftAborted, ShiftCompleted, ShiftRolledBack, ShiftStuck, ShiftSuperseded, RoleRemoved, TeamApplied)

Controller = Callable[[View, float], Decision]
CONTROLLERS: dict[str, Controller] = {
    "shifts": shifts.reconcile,
    "health": health.reconcile,
    "sessions": sessions.reconcile,
}


class Pass(NamedTuple):
    """What one pass saw and did."""

    seen: list[Event]  # everything new, whoever recorded it
    appended: int
    reloaded: bool  # anything may have changed: look at everything


NOTHING = Pass([], 0, False)


class Reconciler:
    """The daemon's view of the log.

    `leases`, `screens` and `probes` are read in every pass; their owners keep them up to date.
    """

    def __init__(
        self,
        store: Store,
        *,
        controllers: Mapping[str, Controller],
        promise: Callable[[Template], Promise],
        leases: Mapping[str, Lease],
        screens: Mapping[str, Screen],
        probes: Mapping[str, Probed],
    ) -> None:
        self._store = store
        self._controllers = controllers
        self._promise = promise
        self._leases = leases
        self._screens = screens
        self._probes = probes
        self._began = 0.0  # the present pass, by the wall clock
        self._ordered = NOTHING  # what orders brought since the last pass
        self._observations: list[Observation] = []
        self._dirty: set[RoleKey] = set()
        self._wakes: list[tuple[float, RoleKey]] = []
        self._wake_of: dict[RoleKey, float] = {}
        self.world: World = store.catch_up().world
        self._dirty |= self.world.role_keys()

    def note(self, *observations: Observation) -> None:
        """Something was observed; the next pass records it."""
        self._observations += observations

    def touch(self, key: RoleKey) -> None:
        """Have the controllers look at a role in the next pass."""
        self._dirty.add(key)

    def touch_all(self) -> None:
        """Have the controllers look at everything, as after a clock jump."""
        self._dirty |= self.world.role_keys()

    def wake_at(self) -> float | None:
        """When the next pass is due by the controllers' wish; 0 when one is due now."""
        if self._observations or self._dirty:
            return 0.0
        return self._wakes[0][0] if self._wakes else None

    def command(self, decide: Decide, actor: str, command: str) -> list[Event]:
        """Record what somebody ordered, as his own process would; the next pass sees it.

        Raises what `decide` raises (nothing is recorded then), and LogUnavailable.
        """
        raised: list[Exception] = []

        def careful(world: World, now: float) -> list[Draft]:
            try:
                return list(decide(world, now))
            except (MarvelError, ValueError) as error:  # the kept world has changed in nothing: keep it
                raised.append(error)
                return []

        recorded = self._store.record(careful, actor=actor, command=command)
        self._take_in(recorded.seen, recorded.world, reloaded=recorded.reloaded)
        self._ordered = Pass(
            self._ordered.seen + recorded.seen, 0, self._ordered.reloaded or recorded.reloaded
        )
        if raised:
            raise raised[0]
        return recorded.events

    def run(self, now: float) -> Pass:
        """One pass. Raises LogUnavailable when the log can't be read or written; try again later."""
        self._began = now
        caught_up = self._store.catch_up()
        self._take_in(caught_up.seen, caught_up.world, reloaded=caught_up.reloaded)
        before = self._ordered.seen + caught_up.seen
        reloaded = self._ordered.reloaded or caught_up.reloaded
        while self._wakes and self._wakes[0][0] <= now:
            _, key = heapq.heappop(self._wakes)
            if self._wake_of.get(key, now) <= now:
                self._wake_of.pop(key, None)
                self._dirty.add(key)
        if not self._observations and not self._dirty:
            self._ordered = NOTHING
            return Pass(before, 0, reloaded)
        recorded = self._store.record(self._decide, actor=DAEMON)
        self._observations.clear()
        self._dirty.clear()
        # What others recorded between the two is new to the controllers; what they decided is not.
        theirs = recorded.seen[: len(recorded.seen) - len(recorded.events)]
        self._take_in(theirs, recorded.world, reloaded=recorded.reloaded)
        self._ordered = NOTHING
        return Pass(before + recorded.seen, len(recorded.events), reloaded or recorded.reloaded)

    def _take_in(self, seen: list[Event], world: World, *, reloaded: bool) -> None:
        self.world = world
        for event in seen:
            ref = event.ref
            if ref.workspace is None or ref.team is None:
                self._dirty |= self._concerned(event.kind)
            elif ref.role is not None:
                self._dirty.add(RoleKey(ref.workspace, ref.team, ref.role))
            if isinstance(event.fact, TURNS):
                self._dirty |= self._team_of(event.ref)
        if reloaded:
            self.touch_all()

    def _concerned(self, kind: str) -> set[RoleKey]:
        """Roles that an event about something above them concerns."""
        if kind in ("daemon.stop-requested", "daemon.stalled", "clock.stepped"):
            return self.world.role_keys()
        return set()

    def _decide(self, world: World, now: float) -> Iterator[Draft]:
        dirty = set(self._dirty)
        if now > self._began + STALL_SECONDS:  # stopped, or kept out of the log, in the middle of a pass
            yield from stalled(now - self._began)(world, now)
        for observe in self._observations:
            for draft in observe(world, now):
                yield draft
                dirty |= self._concerned(draft.fact.kind)
                ref = draft.ref
                if ref.role is not None:
                    dirty.add(RoleKey(ref.workspace or "", ref.team or "", ref.role))
        queue = sorted(dirty)
        while queue:
            key = queue.pop(0)
            for draft in self._reconcile(world, key, now):
                yield draft
                if isinstance(draft.fact, TURNS):  # another role of the team may have its turn now
                    queue += sorted(self._team_of(draft.ref) - {key, *queue})

    def _team_of(self, ref: Ref) -> set[RoleKey]:
        """All declared roles of a team."""
        team = TeamKey(ref.workspace or "", ref.team or "")
        return {role.key for role in self.world.roles_of(team)}

    def _reconcile(self, world: World, key: RoleKey, now: float) -> Iterator[Draft]:
        wakes: list[float] = []
        for _ in range(MAX_ROUNDS):
            quiet = True
            wakes.clear()
            for controller in self._controllers.values():
                view = view_of(
                    world,
                    key,
                    leases=self._leases,
                    promise=self._promise,
                    screens=self._screens,
                    probes=self._probes,
                )
                decision = controller(view, now)
                quiet = quiet and not decision.events
                yield from decision.events
                if decision.wake_at is not None:
                    wakes.append(decision.wake_at)
            if quiet:
                break
        if wakes:
            self._wake_of[key] = min(wakes)
            heapq.heappush(self._wakes, (min(wakes), key))
        else:
            self._wake_of.pop(key, None)
