"""A team in virtual time: the world, the three controllers, and sessions that live as they are told.

No store, no tmux: events are folded as they come, so that every step can be looked at. What a
replacement may never do is asserted at the very event that would do it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from marvel import commands, events
from marvel.controllers import Lease, Probed, health, sessions, shifts, view_of
from marvel.events import Draft, Event
from marvel.resources import (
    HealthcheckSpec,
    Manifest,
    Promise,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    Session,
    ShiftSpec,
    StopSpec,
    TeamKey,
    TeamSpec,
    Template,
)
from marvel.world import World

START = 1_700_000_000.0
TEAM = TeamKey("w", "t")
GOOD, BROKEN, CRASHING = "good", "never-ready", "crashing"  # how a template's sessions live
BRIEF = "brief"  # they beat, or pass their check, and die BRIEF_SECONDS after they were ready
BRIEF_SECONDS = 0.5
CHECKS: dict[str, HealthcheckSpec | None] = {
    "heartbeat": HealthcheckSpec(type="heartbeat"),
    "exec": HealthcheckSpec(type="exec", command=("check",), interval=1.0),
    "process-alive": HealthcheckSpec(type="process-alive"),
    "none": None,
}
CONTROLLERS = (shifts.reconcile, health.reconcile, sessions.reconcile)
CRASHED = events.SessionEnded(state="failed", reason="exit 1", exit_status=1)
MAX_PASSES = 60
END_SECONDS = 0.05  # from the order to end until it is gone


def role(
    name: str = "a", *, replicas: int = 3, life: str = GOOD, check: str = "heartbeat", **fields: object
) -> RoleSpec:
    shift = replace(fields.pop("shift", ShiftSpec()), min_ready=fields.pop("min_ready", 0.0))  # type: ignore[type-var]
    return RoleSpec(
        name=name,
        replicas=replicas,
        template=Template(runtime=RuntimeSpec(image="simulator", args=(life,))),
        healthcheck=CHECKS[check],
        shift=shift,  # type: ignore[arg-type]
        stop=StopSpec(grace=0.1),
        **fields,  # type: ignore[arg-type]
    )


class Town:
    """One team and its daemon."""

    def __init__(self, *roles: RoleSpec) -> None:
        self.now = START
        self.world = World()
        self.log: list[Event] = []
        self.up = True
        self.lowered = False  # somebody asked for fewer
        self.work(*roles)

    # --- what people do ------------------------------------------------------------------------

    def work(self, *roles: RoleSpec) -> None:
        manifest = Manifest(workspace="w", teams=(TeamSpec(name="t", roles=roles),))
        self.do(commands.apply(self.world, manifest, self.now))

    def do(self, drafts: Iterable[Draft]) -> None:
        for draft in list(drafts):
            self.fold(draft)
        self.look()

    def shift(self, name: str | None = None) -> None:
        self.do(commands.shift(self.world, TEAM, name))

    def scale(self, replicas: int, name: str = "a") -> None:
        self.lowered |= replicas < self.world.roles[RoleKey(*TEAM, name)].replicas
        self.do(commands.scale(self.world, RoleKey(*TEAM, name), replicas))

    # --- what happens --------------------------------------------------------------------------

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.now = min(until, self.now + step)
            self.live()
            self.look()

    def leap(self, seconds: float) -> None:
        """Much time at once, as little happens in it as may."""
        self.run(2)
        self.run(seconds, step=5)

    def crash(self, session: Session) -> None:
        self.fold(_about(session, events.SessionEnded(state="failed", reason="exit 1", exit_status=1)))
        self.look()

    def signal(self, session: Session, **fields: object) -> None:
        self.fold(_about(session, events.SessionSignaled(**fields)))  # type: ignore[arg-type]
        self.look()

    def die(self) -> None:
        """The daemon is killed: nobody looks."""
        self.up = False

    def rise(self) -> None:
        self.up = True
        started = events.DaemonStarted(run_id=f"run-{len(self.log)}", pid=1, version="1")
        self.do([Draft(ref=events.NOWHERE, fact=started)])

    def fill(self, *full: Session) -> None:
        """Beats of one moment: the first ones of who has just started, and some that say `full`."""
        self.live()
        for session in full:
            self.fold(_about(session, events.SessionSignaled(context_percent=85.0)))
        self.look()

    def live(self) -> None:
        """Sessions start, beat, crash and end; seen only while the daemon is up."""
        if not self.up:
            return
        for session in list(self.world.sessions.values()):
            life = self._life(session)
            if session.state == "pending" and not session.held:
                fact = events.SessionStarted(server="1/1", pane=f"%{session.position}", pid=session.position)
                self.fold(_about(session, fact))
            elif session.state == "running" and session.signaled_at is None and life in (GOOD, BRIEF):
                self.fold(_about(session, events.SessionSignaled(activity="idle", context_percent=1.0)))
            elif session.state == "running" and life == CRASHING:
                self.fold(
                    _about(session, events.SessionEnded(state="failed", reason="exit 1", exit_status=1))
                )
            elif session.ready and life == BRIEF and self.now - (session.ready_since or 0) >= BRIEF_SECONDS:
                self.fold(_about(session, CRASHED))
            elif session.state == "stopping" and session.stop and self.now - session.stop.at >= END_SECONDS:
                ended = events.SessionEnded(state=session.stop.state, reason=session.stop.reason)
                self.fold(_about(session, ended))

    def look(self) -> None:
        """The controllers over every role until none has anything to add."""
        if not self.up:
            return
        for _ in range(MAX_PASSES):
            if not self._pass():
                return
        raise AssertionError(f"controllers contradict each other: {[e.fact for e in self.log[-8:]]}")

    def _pass(self) -> bool:
        said = False
        for key in sorted(self.world.role_keys()):
            for controller in CONTROLLERS:
                view = view_of(
                    self.world,
                    key,
                    leases=self._leases(),
                    probes=self._probes(key),
                    promise=lambda _template: Promise("from-start"),
                )
                for draft in controller(view, self.now).events:
                    said = True
                    self.fold(draft)
        return said

    def _leases(self) -> dict[str, Lease]:
        """What has beaten once beats on."""
        sessions = self.world.sessions.values()
        return {s.uid: Lease(self.now, s.context_percent) for s in sessions if s.signaled_at is not None}

    def _probes(self, key: RoleKey) -> dict[str, Probed]:
        """What runs was probed just now, and passes by how it lives."""
        running = [s for s in self.world.sessions_of(key) if s.state == "running"]
        return {s.uid: Probed(self.now, self._life(s) in (GOOD, BRIEF), "check") for s in running}

    def fold(self, draft: Draft) -> None:
        position = len(self.log) + 1
        event = Event(
            position=position,
            time=self.now,
            ref=draft.ref,
            fact=draft.fact,
            actor=draft.actor,
            cause=draft.cause,
        )
        assert draft.cause is None or 0 < draft.cause < position
        self.log.append(event)
        before = self.world.sessions.get(draft.ref.uid or "")
        self.world.apply(event)
        self._check(event, before)

    # --- what must hold ------------------------------------------------------------------------

    def _check(self, event: Event, before: Session | None) -> None:
        ref, fact = event.ref, event.fact
        if ref.role is None:
            return
        key = RoleKey(ref.workspace or "", ref.team or "", ref.role)
        shift, declared = self.world.shifts.get(key), self.world.roles.get(key)
        if declared is None:
            return
        spec = declared.spec.shift
        surge = declared.replicas if spec.max_surge is None else spec.max_surge
        # After a scale down in the middle there may be more than that; a refill is then no more than was.
        grows = isinstance(fact, events.SessionScheduled) and not (fact.replaces and self.lowered)
        is_bound = ref.generation == shift.target if shift else not self.lowered
        if grows and is_bound:
            bound = declared.replicas + max(surge, 1 if spec.max_unavailable == 0 else 0)
            assert len(self.alive(key.role)) <= bound, "more sessions than replicas + max_surge"
        was_ready = before is not None and before.ready and before.state == "running"
        if isinstance(fact, events.SessionStopping) and fact.reason == "replaced" and was_ready:
            left = len(self.ready(key.role))
            assert left >= declared.replicas - spec.max_unavailable, "too few are left ready"
        started = [
            row.role
            for row in self.world.shifts.values()
            if row.started_at is not None and not row.stuck and row.team == "t"
        ]
        assert len(started) <= 1, "two roles shift at once"

    # --- what there is -------------------------------------------------------------------------

    def of(self, name: str = "a") -> list[Session]:
        return self.world.sessions_of(RoleKey(*TEAM, name))

    def alive(self, name: str = "a") -> list[Session]:
        return [s for s in self.of(name) if s.alive]

    def ready(self, name: str = "a") -> list[Session]:
        return [s for s in self.of(name) if s.state == "running" and s.ready]

    def generations(self, name: str = "a") -> list[int]:
        return sorted({s.generation for s in self.alive(name)})

    def kinds(self, prefix: str = "") -> list[str]:
        return [event.kind for event in self.log if event.kind.startswith(prefix)]

    def phase(self, name: str = "a") -> str | None:
        row = self.world.shifts.get(RoleKey(*TEAM, name))
        return row.shown_phase if row else None

    def _life(self, session: Session) -> str:
        for cohort in self.world.cohorts_of(session.role_key):
            if cohort.generation == session.generation:
                return cohort.template.runtime.args[0]
        return GOOD


def _about(session: Session, fact: events.AnyFact) -> Draft:
    return Draft(ref=events.session_ref(session), fact=fact, cause=session.position, actor="daemon")
