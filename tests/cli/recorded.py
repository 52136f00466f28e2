"""A small recorded history to read from: teams, sessions in many states, a one-off, an endpoint."""

from __future__ import annotations

from pathlib import Path

from marvel import commands, events
from marvel.events import AnyFact, Draft, Ref
from marvel.resources import (
    EndpointSpec,
    HealthcheckSpec,
    Manifest,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    TeamSpec,
    Template,
    mint,
    session_name,
)
from marvel.settings import Paths
from marvel.store.log import Store

START = 1_700_000_000.0


class History:
    """Records facts in a log of its own, at times of its own."""

    def __init__(self, home: Path) -> None:
        self.paths = Paths(str(home))
        self.now = START
        self.store = Store(self.paths, clock=lambda: self.now)
        self.positions: dict[str, int] = {}  # of the last event about each uid

    def close(self) -> None:
        self.store.close()

    def apply(self, manifest: Manifest) -> None:
        self.store.record(lambda world, now: commands.apply(world, manifest, now), actor="user:ann")

    def add(self, ref: Ref, fact: AnyFact, *, actor: str = "daemon", cause: int | None = None) -> int:
        """One fact, a second later; its position."""
        self.now += 1
        draft = Draft(ref=ref, fact=fact, cause=cause)
        recorded = self.store.record(lambda world, now: [draft], actor=actor)
        return recorded.events[0].position

    def cohort(self, key: RoleKey, generation: int, template: Template, count: int) -> None:
        fact = events.CohortCreated(template=template, count=count, proven=True)
        self.add(events.role_ref(key, generation), fact, actor=events.CONTROLLER_SHIFTS)

    def schedule(
        self, key: RoleKey, generation: int, index: int, *, replaces: str = "", image: str = "claude"
    ) -> Ref:
        name = session_name(key.team, key.role, generation, index)
        ref = Ref(
            workspace=key.workspace,
            team=key.team,
            role=key.role,
            session=name,
            uid=mint(key, generation, index, self.now),
            generation=generation,
        )
        fact = events.SessionScheduled(
            index=index, image=image, command="", replaces=replaces, restarts=1 if replaces else 0
        )
        self.add(ref, fact, actor=events.CONTROLLER_SESSIONS)
        return ref

    def start(self, ref: Ref, pane: int, *, ready: bool = True) -> None:
        fact = events.SessionStarted(server="100/200", pane=f"%{pane}", pid=4000 + pane, pid_start=1)
        self.add(ref, fact)
        if ready:
            self.add(ref, events.SessionReadied(ready=True), actor=events.CONTROLLER_HEALTH)

    def end(self, ref: Ref, **fields: object) -> None:
        self.add(ref, events.SessionEnded(**{"state": "failed", **fields}))  # type: ignore[arg-type]

    def beat(self, ref: Ref, percent: float | None) -> None:
        row = {
            "uid": ref.uid,
            "at": round(self.now * 1e6),
            "context_percent": percent,
            "said_at": None,
            "count": 1,
        }
        self.store.beat([row])


REVIEWERS, LEADERS = RoleKey("demo", "squad", "reviewer"), RoleKey("demo", "squad", "supervisor")
LONERS = RoleKey("other", "crew", "loner")
HIDDEN = "hunter2"
REVIEWER = Template(runtime=RuntimeSpec(image="claude", command="zclaude", env={"TOKEN": HIDDEN}))
LEADER = Template(runtime=RuntimeSpec(command="/opt/bin/lead", args=("--all",)))


def small_world(home: Path) -> dict[str, Ref]:
    """Two workspaces; the sessions by what is special about them."""
    history = History(home)
    check = HealthcheckSpec(type="heartbeat")
    reviewers = RoleSpec(name="reviewer", replicas=12, template=REVIEWER, healthcheck=check)
    roles = (reviewers, RoleSpec(name="supervisor", template=LEADER))
    endpoint = EndpointSpec(name="review", team="squad", role="reviewer")
    history.apply(
        Manifest(workspace="demo", teams=(TeamSpec(name="squad", roles=roles),), endpoints=(endpoint,))
    )
    loner = RoleSpec(name="loner", template=LEADER)
    history.apply(Manifest(workspace="other", teams=(TeamSpec(name="crew", roles=(loner,)),)))
    history.cohort(REVIEWERS, 1, REVIEWER, 12)
    history.cohort(LEADERS, 9, LEADER, 1)
    history.cohort(LONERS, 1, LEADER, 1)
    sessions = _sessions(history)
    sessions["one-off"] = _one_off(history)
    history.add(Ref(), events.ClockStepped(seconds=3.5))
    history.close()
    return sessions


def _sessions(history: History) -> dict[str, Ref]:
    crashed = history.schedule(REVIEWERS, 1, 0)
    history.start(crashed, 1)
    history.end(crashed, signal="KILL", tail_sha256="ab")
    running = history.schedule(REVIEWERS, 1, 0, replaces=crashed.uid or "")
    history.start(running, 2)
    signaled = events.SessionSignaled(activity="working", context_percent=40.0, agent_session_id="abc")
    history.add(running, signaled)
    history.beat(running, 42.4)
    waiting = history.schedule(REVIEWERS, 1, 2)
    history.start(waiting, 10, ready=False)
    history.add(waiting, events.SessionSignaled(activity="waiting"))
    backing_off = history.schedule(REVIEWERS, 1, 10)
    history.start(backing_off, 11, ready=False)
    history.end(backing_off, exit_status=7)
    restart_at = history.now + 90
    history.add(backing_off, events.SessionBackedOff(restart_at=restart_at, delay=90.0))
    removed = history.schedule(REVIEWERS, 1, 11)
    history.start(removed, 12)
    order = events.SessionStopping(reason="scaled-down", deadline=history.now + 10, release=True)
    history.add(removed, order)
    history.end(removed, state="stopped", reason="scaled-down", signal="TERM")
    leader = history.schedule(LEADERS, 9, 0, image="")
    failed = events.SessionStartFailed(reason="invalid-runtime", detail="no \x1b[31msuch command")
    history.add(leader, failed)
    loner = history.schedule(LONERS, 1, 0, image="")
    history.start(loner, 3)
    history.add(loner, events.HealthChanged(health="unhealthy", reason="3 beats missed"))
    return {
        "crashed": crashed,
        "running": running,
        "waiting": waiting,
        "backing-off": backing_off,
        "removed": removed,
        "invalid": leader,
        "unhealthy": loner,
    }


def _one_off(history: History) -> Ref:
    key = RoleKey("default", "adhoc", "adhoc")
    template = Template(runtime=RuntimeSpec(command="sleep", args=("100",)))
    recorded = history.store.record(
        lambda world, now: commands.run(world, key, template, now), actor="user:ann"
    )
    ref = recorded.events[-1].ref
    history.start(ref, 5)
    history.end(ref, state="succeeded", exit_status=0)
    return ref
