"""Catches up with the log, runs the controllers over what changed, appends what they decide.

Work is in proportion to what changed: an agenda of roles to look at, and heaps of the times at which a
controller wants to look again. One pass is one write transaction: first what was observed, then for each
role on the agenda the controllers in turn until none has anything to add. If the log can't be written,
nothing is lost and nothing is done: observations and agenda wait for the next try.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from marvel.controllers import (
    Decision,
    Lease,
    Probed,
    Screen,
    View,
    earliest,
    health,
    sessions,
    shifts,
    view_of,
)
from marvel.daemon.agenda import Agenda, Wakes
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
from marvel.resources import Promise, RoleKey, Session, TeamKey, Template
from marvel.store.log import Recorded, Store
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

    `leases`, `screens`, `probes`, `exits`, `lingering` are read in every pass; their owners keep them so.
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
        exits: Mapping[str, float],
        lingering: Collection[str],
    ) -> None:
        self._store = store
        self._controllers = controllers
        self._promise = promise
        self._leases = leases
        self._screens = screens
        self._probes = probes
        self._exits = exits
        self._lingering = lingering
        self._began = 0.0  # the present pass, by the wall clock
        self._unreported = NOTHING  # taken in since the last pass that went through: `run` returns it
        self._observations: list[Observation] = []
        self._agenda = Agenda()
        self._wakes = Wakes()
        self._whole_wakes = Wakes()  # for a whole look
        self.world: World = store.catch_up().world
        self.touch_all()

    def note(self, *observations: Observation) -> None:
        """Something was observed; the next pass records it."""
        self._observations += observations

    def touch(self, session: Session) -> None:
        """Have the controllers look at a session in the next pass."""
        self._agenda.look(session.role_key, session.uid)

    def touch_all(self) -> None:
        """Have the controllers look at everything, as after a clock jump."""
        self._agenda.look_at_all(self.world.role_keys())

    def wake_at(self) -> float | None:
        """When the next pass is due by the controllers' wish; 0 when one is due now."""
        if self._observations or self._agenda:
            return 0.0
        return earliest((self._wakes.next(), self._whole_wakes.next()))

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
        self._report_later(recorded)
        if raised:
            raise raised[0]
        return recorded.events

    def run(self, now: float) -> Pass:
        """One pass. Raises LogUnavailable when the log can't be read or written; try again later."""
        self._began = now
        caught_up = self._store.catch_up()
        self._take_in(caught_up.seen, caught_up.world, reloaded=caught_up.reloaded)
        self._report_later(caught_up)
        for key in self._wakes.due(now):
            self._agenda.look(key)
        self._agenda.look_at_all(self._whole_wakes.due(now))
        if not self._observations and not self._agenda:
            return self._report(0)
        recorded = self._store.record(self._decide, actor=DAEMON)
        self._observations.clear()
        self._agenda.clear()
        # What others recorded between the two is new to the controllers; what they decided is not.
        theirs = recorded.seen[: len(recorded.seen) - len(recorded.events)]
        self._take_in(theirs, recorded.world, reloaded=recorded.reloaded)
        self._report_later(recorded)
        return self._report(len(recorded.events))

    def _report_later(self, taken: Recorded) -> None:
        """Keep what was taken in until a pass goes through: the log may fail in between."""
        before = self._unreported
        self._unreported = Pass(before.seen + taken.seen, 0, before.reloaded or taken.reloaded)

    def _report(self, appended: int) -> Pass:
        """Return everything that was taken in since the last pass."""
        done, self._unreported = self._unreported._replace(appended=appended), NOTHING
        return done

    def _take_in(self, seen: list[Event], world: World, *, reloaded: bool) -> None:
        self.world = world
        for event in seen:
            self._agenda.follow(event.ref, event.fact)
            self._agenda.look_at_all(self._concerned(event.kind))
            if isinstance(event.fact, TURNS):
                self._agenda.look_at_all(self._team_of(event.ref))
        if reloaded:
            self.touch_all()

    def _concerned(self, kind: str) -> set[RoleKey]:
        """Roles that an event about something above them concerns."""
        if kind in ("daemon.stop-requested", "daemon.stalled", "clock.stepped"):
            return self.world.role_keys()
        return set()

    def _decide(self, world: World, now: float) -> Iterator[Draft]:
        agenda = self._agenda.copy()
        if now > self._began + STALL_SECONDS:  # stopped, or kept out of the log, in the middle of a pass
            yield from stalled(now - self._began)(world, now)
        for observe in self._observations:
            for draft in observe(world, now):
                yield draft
                agenda.look_at_all(self._concerned(draft.fact.kind))
                agenda.follow(draft.ref, draft.fact)
        queue = agenda.keys()
        while queue:
            key = queue.pop(0)
            for draft in self._reconcile(world, key, now, agenda):
                yield draft
                agenda.follow(draft.ref, draft.fact)
                if isinstance(draft.fact, TURNS):  # another role of the team may have its turn now
                    others = self._team_of(draft.ref) - {key}
                    agenda.look_at_all(others)
                    queue += sorted(others - {*queue})

    def _team_of(self, ref: Ref) -> set[RoleKey]:
        """All declared roles of a team."""
        team = TeamKey(ref.workspace or "", ref.team or "")
        return {role.key for role in self.world.roles_of(team)}

    def _reconcile(self, world: World, key: RoleKey, now: float, agenda: Agenda) -> Iterator[Draft]:
        """The controllers over one role; what they decide is on the agenda before they look again."""
        for _ in range(MAX_ROUNDS):
            decisions = []
            for controller in self._controllers.values():
                view = view_of(
                    world,
                    key,
                    leases=self._leases,
                    promise=self._promise,
                    screens=self._screens,
                    probes=self._probes,
                    exits=self._exits,
                    lingering=self._lingering,
                    named=agenda.named(key),
                )
                decision = controller(view, now)
                yield from decision.events
                decisions.append(decision)
            if not any(decision.events for decision in decisions):
                break
        self._note_wakes(key, decisions, whole=agenda.named(key) is None)

    def _note_wakes(self, key: RoleKey, decisions: list[Decision], *, whole: bool) -> None:
        """When to look at a role again. Deadlines of sessions that were not judged stand."""
        self._wakes.set(key, earliest(decision.wake_at for decision in decisions))
        whole_at = earliest(decision.whole_at for decision in decisions)
        if whole:
            self._whole_wakes.set(key, whole_at)
        else:
            self._whole_wakes.bring_forward(key, whole_at)
