"""A look that passes over the sessions at rest decides what a look at all of them decides, in any history."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marvel import commands
from marvel.controllers import Decision, Probed, View, view_of
from marvel.daemon.leases import Leases
from marvel.daemon.reconciler import CONTROLLERS, Controller, Reconciler
from marvel.daemon.tokens import Tokens
from marvel.events import Draft
from marvel.resources import HealthcheckSpec, Promise, RoleSpec, Session, ShiftSpec, Template
from marvel.roster import is_at_rest
from marvel.settings import Paths
from marvel.tmux.timers import Timers
from marvel.world import World
from tests.given import manifest, role, template
from tests.properties.test_histories import Stage, histories, stage_in

BEATING = HealthcheckSpec(type="heartbeat", timeout=10.0, failure_threshold=2)

checks = st.sampled_from(
    [
        None,
        BEATING,
        HealthcheckSpec(type="exec", command=("true",), failure_threshold=2),
        HealthcheckSpec(type="process-alive"),
    ]
)
roles = st.builds(
    lambda replicas, command, check, context, age, runtime, interval: role(
        replicas=replicas,
        template=template(command),
        healthcheck=check,
        shift=ShiftSpec(context_percent=context, max_age=age, max_surge=1, drain_timeout=20.0),
        max_runtime=runtime,
        start_interval=interval,
    ),
    st.integers(2, 6),
    st.sampled_from(["a", "a", "b"]),
    checks,
    st.sampled_from([None, 60.0]),
    st.sampled_from([None, None, 300.0]),
    st.sampled_from([None, None, 400.0]),
    st.sampled_from([0.0, 0.0, 2.0]),
)
picks = st.integers(0, 7)
lives = st.one_of(
    st.tuples(st.just("applied"), roles),
    st.tuples(
        st.just("said"),
        st.tuples(picks, st.sampled_from(["", "working", "idle", "waiting", "limited"]), picks),
    ),
    st.tuples(st.just("probed"), st.tuples(picks, st.sampled_from([True, False, None]))),
    st.tuples(st.just("all beat"), st.none()),
    st.tuples(st.just("later"), st.sampled_from([0.06, 1.0, 9.0, 30.0, 100.0, 900.0])),
    st.tuples(st.sampled_from(["start", "gone", "restart team", "shift"]), st.none()),
    st.tuples(st.just("kill"), picks),
    st.tuples(st.just("scale"), st.integers(0, 6)),
    st.tuples(st.just("ends"), st.tuples(picks, st.sampled_from([0, 1]))),
)
LIVELY = [("start", None), ("later", 0.06), ("start", None), ("all beat", None)]  # what was applied runs


def _promise(_template: Template) -> Promise:
    return Promise("from-start")


def facts(decision: Decision) -> Counter[str]:
    """What was decided, in whatever order."""
    return Counter(repr(draft) for draft in decision.events)


def compared(controller: Controller, judged: list[int]) -> Controller:
    """A controller, each of whose looks is compared with a whole one; notes at how many sessions it looks."""

    def reconcile(view: View, now: float) -> Decision:
        judged.append(len(view.judged))
        decision = controller(view, now)
        whole = controller(msgspec.structs.replace(view, judged=view.sessions, resting={}), now)
        assert facts(decision) == facts(whole)
        return decision

    return reconcile


class Life(Stage):
    """As a stage, with agents that beat, are probed, and are judged by it."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.probes: dict[str, Probed] = {}
        self.judged: list[int] = []
        super().__init__(paths)

    def _reconciler(self) -> Reconciler:
        self.leases = Leases(
            self.store,
            world=lambda: self.world,
            note=self.see,
            tokens=Tokens(self.paths.token_key),
            touch=self._touch,
            timers=Timers(lambda: self.now),
        )
        return Reconciler(
            self.store,
            controllers={name: compared(act, self.judged) for name, act in CONTROLLERS.items()},
            promise=_promise,
            leases=self.leases.table,
            screens={},
            probes=self.probes,
            exits={},
            lingering=(),
        )

    def do(self, step: tuple[str, Any]) -> None:
        what, value = step
        match what:
            case "applied":
                self.ask(lambda world, now: commands.apply(world, manifest(value), now))
            case "said":
                self._beat(value[0], state=value[1], context_percent=value[2] * 12.0)
            case "probed":
                self._probed(*value)
            case "all beat":
                for number in range(len(self.sessions("running"))):
                    self._beat(number)
            case _:
                super().do(step)

    def passed_over(self) -> list[Draft]:
        """What whole looks would add by now."""
        found: list[Draft] = []
        for key in sorted(self.world.role_keys()):
            view = view_of(self.world, key, leases=self.leases.table, promise=_promise, probes=self.probes)
            for controller in CONTROLLERS.values():
                found += controller(view, self.now).events
        return found

    def _touch(self, session: Session) -> None:
        self.reconciler.touch(session)

    def _running(self, pick: int) -> Session | None:
        running = self.sessions("running")
        return running[pick % len(running)] if running else None

    def _beat(self, pick: int, **said: object) -> None:
        session = self._running(pick)
        if session is not None:
            self.leases.beat({"uid": session.uid, **said}, self.now, self.now, lambda _session: True)

    def _probed(self, pick: int, passed: bool | None) -> None:
        session = self._running(pick)
        if session is not None:
            self.probes[session.uid] = Probed(self.now, passed, "" if passed else "it said no")
            self.reconciler.touch(session)


def assert_rosters_are_a_full_count(world: World) -> None:
    for key in world.role_keys():
        roster, every = world.roster_of(key), [s for s in world.sessions.values() if s.role_key == key]
        at_rest = [s for s in every if is_at_rest(s)]
        past = [s for s in every if not s.current and not s.alive]
        needed = [s for s in every if s not in at_rest and (s.one_off or s not in past)]
        by_uid = {s.uid: s for s in every}
        assert roster.sessions == by_uid
        assert roster.restless == {s.uid: s for s in needed}
        assert roster.past.keys() == {s.uid for s in past}
        assert roster.resting() == Counter(s.generation for s in at_rest)
        assert +Counter(roster.resting(but=at_rest)) == Counter()


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=roles, history=st.lists(lives, min_size=6, max_size=40))
@example(first=role(replicas=3, healthcheck=BEATING), history=[("later", 30.0)])
@example(first=role(replicas=3, max_runtime=400.0), history=[("later", 900.0)])
@example(first=role(replicas=3, shift=ShiftSpec(max_age=300.0)), history=[("later", 900.0)])
@example(
    first=role(replicas=3, shift=ShiftSpec(context_percent=60.0, max_surge=1)),
    history=[("said", (0, "idle", 6)), ("said", (1, "idle", 6)), *[("start", None), ("gone", None)] * 4],
)
@example(first=role(replicas=3), history=[("restart team", None), *[("gone", None), ("start", None)] * 3])
def test_a_look_past_the_sessions_at_rest_decides_what_a_whole_look_decides(
    made_once: Path, first: RoleSpec, history: list[tuple[str, Any]]
) -> None:
    with stage_in(made_once, Life) as stage:
        for step in [("applied", first), *LIVELY, *history]:
            stage.do(step)
            stage.settle()
            assert_rosters_are_a_full_count(stage.world)
            assert stage.passed_over() == [], f"after {step}"


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_the_rosters_are_a_full_count_in_any_history(made_once: Path, history: list[tuple[str, Any]]) -> None:
    with stage_in(made_once, Life) as stage:
        for step in history:
            stage.do(step)
            stage.settle()
            assert_rosters_are_a_full_count(stage.world)
        again = World(row for _, _, row in stage.world.rows())
        assert_rosters_are_a_full_count(again)
        world = World()
        for event in stage.person.read():
            world.apply(event)
        assert_rosters_are_a_full_count(world)


def looked_at(made: Path, replicas: int) -> list[list[int]]:
    """At how many sessions the controllers look, each time, for a beat, an exit and a scale."""
    spec = role(replicas=replicas, healthcheck=BEATING, max_runtime=400.0, shift=ShiftSpec(max_age=300.0))
    counts = []
    with stage_in(made, Life) as stage:
        for step in [("applied", spec), *LIVELY]:
            stage.do(step)
            stage.settle()
        for step in [
            ("said", (0, "working", 1)),
            ("ends", (0, 1)),
            ("start", None),
            ("scale", replicas + 1),
            ("start", None),
        ]:
            stage.judged.clear()
            stage.do(step)
            stage.settle()
            counts.append([*stage.judged])
    return counts


def test_a_beat_an_exit_and_a_scale_have_few_looked_at_however_many_there_are(made_once: Path) -> None:
    few = looked_at(made_once, 5)
    assert all(sum(counts) > 0 for counts in few)
    assert max(map(max, few)) <= 2
    assert looked_at(made_once, 100) == few
