"""Whatever happens, in whatever order: rows equal a replay, controllers come to rest, slots are held once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marvel import commands, events
from marvel.daemon import observations
from marvel.daemon.reconciler import CONTROLLERS, Reconciler
from marvel.errors import MarvelError
from marvel.events import KINDS, Draft, decode, encode
from marvel.resources import Promise, Resource, RoleKey, RoleSpec, Session, Template
from marvel.rules import current_of
from marvel.runtimes import Signal
from marvel.settings import Paths
from marvel.store.log import Decide, Store
from marvel.world import World
from tests.given import AGENTS, SQUAD, START, manifest, role, template

ADHOC = RoleKey("demo", "adhoc", "adhoc")
IN_MEMORY = Path("/dev/shm")

roles = st.builds(
    lambda replicas, policy, budget, interval, command: role(
        replicas=replicas,
        restart_policy=policy,
        max_restarts=budget,
        start_interval=interval,
        template=template(command),
    ),
    st.integers(0, 4),
    st.sampled_from(["always", "on-failure", "never"]),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from([0.0, 0.0, 2.0]),
    st.sampled_from(["a", "b"]),
)
picks = st.integers(0, 7)
steps = st.one_of(
    st.tuples(st.just("work"), roles),
    st.tuples(st.just("work two"), roles),
    st.tuples(st.just("scale"), st.integers(0, 4)),
    st.tuples(st.sampled_from(["kill", "restart session", "delete session"]), picks),
    st.tuples(
        st.sampled_from(["restart team", "delete team", "delete workspace", "run", "shift", "abort"]),
        st.none(),
    ),
    st.tuples(st.sampled_from(["daemon", "stop", "stop, keep"]), st.none()),
    st.tuples(st.sampled_from(["start", "gone", "tmux lost", "start one failed"]), st.none()),
    st.tuples(st.just("ends"), st.tuples(picks, st.sampled_from([0, 1]))),
    st.tuples(st.just("beat"), picks),
    st.tuples(st.just("later"), st.sampled_from([0.0, 0.01, 0.06, 1.0, 30.0, 3600.0, -0.5, -3600.0])),
)
histories = st.lists(steps, min_size=4, max_size=30)


class Stage:
    """A real log, the daemon's reconciler over it, a clock, and a machine that does what it is told."""

    def __init__(self, paths: Paths) -> None:
        self.now = START
        self.store = Store(paths, keep_world=True, clock=lambda: self.now)
        self.person = Store(paths, clock=lambda: self.now)
        self.reconciler = self._reconciler()
        self.runs = 0
        self.panes = 0

    def _reconciler(self) -> Reconciler:
        return Reconciler(
            self.store,
            controllers=CONTROLLERS,
            promise=lambda _template: Promise(),
            leases={},
            screens={},
            probes={},
            exits={},
            lingering=(),
        )

    @property
    def world(self) -> World:
        return self.reconciler.world

    def ask(self, decide: Decide) -> None:
        """A person's command, refused or not."""
        try:
            self.person.record(decide, actor="user")
        except MarvelError:
            return

    def see(self, observation: observations.Observation) -> None:
        self.reconciler.note(observation)

    def settle(self) -> int:
        """Passes until nothing is due now; the events they appended."""
        return self.reconciler.run(self.now).appended

    def sessions(self, *states: str) -> list[Session]:
        found = [s for s in self.world.sessions.values() if s.state in states]
        return sorted(found, key=lambda s: s.uid)

    def picked(self, pick: int) -> str:
        found = sorted(self.world.sessions)
        return found[pick % len(found)] if found else "nobody"

    def do(self, step: tuple[str, Any]) -> None:
        what, value = step
        match what:
            case "later":
                self.now += value
                if value < -1:  # as the daemon notices it
                    self.see(observations.clock_stepped(value))
            case "start" | "gone" | "tmux lost" | "start one failed" | "ends" | "beat":
                self._machine(what, value)
            case "daemon":
                self.runs += 1
                self.reconciler = self._reconciler()
                self.see(observations.daemon_started(f"run{self.runs}", self.runs, "0"))
            case _:
                self._person(what, value)

    def _person(self, what: str, value: Any) -> None:
        uid = self.picked(value) if isinstance(value, int) else ""
        run_id, key = f"run{self.runs}", AGENTS
        asked: dict[str, Decide] = {
            "work": lambda world, now: commands.apply(world, manifest(value), now, prune=True),
            "work two": lambda world, now: commands.apply(world, _two(value), now),
            "scale": lambda world, now: commands.scale(world, key, value),
            "kill": lambda world, now: commands.kill(world, uid, now),
            "restart session": lambda world, now: commands.restart_session(world, uid, now),
            "delete session": lambda world, now: commands.delete_session(world, uid, now),
            "restart team": lambda world, now: commands.restart_team(world, SQUAD),
            "delete team": lambda world, now: commands.delete_team(world, SQUAD),
            "delete workspace": lambda world, now: commands.delete_workspace(world, "demo", now),
            "shift": lambda world, now: commands.shift(world, SQUAD),
            "abort": lambda world, now: commands.shift_abort(world, SQUAD),
            "run": lambda world, now: commands.run(world, ADHOC, Template(), now),
            "stop": lambda world, now: commands.stop_daemon(world, run_id),
            "stop, keep": lambda world, now: commands.stop_daemon(world, run_id, keep_sessions=True),
        }
        self.ask(asked[what])

    def _machine(self, what: str, value: Any) -> None:
        match what:
            case "start":
                for session in self.sessions("pending"):
                    if not session.held:
                        self.panes += 1
                        pane, pid = f"%{self.panes}", 1000 + self.panes
                        self.see(
                            observations.started(session.uid, server="1/2", pane=pane, pid=pid, pid_start=7)
                        )
            case "start one failed":
                ready = [s for s in self.sessions("pending") if not s.held]
                for session in ready[:1]:
                    self.see(observations.start_failed(session.uid, "invalid-runtime", "no such command"))
            case "gone":
                for session in self.sessions("stopping"):
                    self.see(observations.ended(session.uid, signal="TERM"))
            case "tmux lost":
                self.see(observations.server_lost("demo", "1/2", 1))
                for session in self.sessions("running", "stopping"):
                    self.see(observations.ended(session.uid, reason="tmux-server-lost"))
            case "ends":
                running = self.sessions("running")
                if running:
                    uid = running[value[0] % len(running)].uid
                    self.see(observations.ended(uid, exit_status=value[1]))
            case "beat":
                signal = Signal(activity="working", context_percent=value * 10.0)
                self.see(observations.signaled(self.picked(value), signal))


AnyStage = TypeVar("AnyStage", bound=Stage)


def _two(spec: RoleSpec) -> Any:
    return manifest(spec, role("lead", replicas=1))


@contextmanager
def stage_in(made: Path, kind: type[AnyStage] = Stage) -> Iterator[AnyStage]:  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(prefix="mv", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as directory:
        home = Path(directory) / "home"
        shutil.copytree(made, home)
        stage = kind(Paths(str(home)))
        try:
            yield stage
        finally:
            stage.store.close()
            stage.person.close()


def rows(world: World) -> dict[tuple[str, object], Resource]:
    return {(table, key): row for table, key, row in world.rows()}


def replayed(store: Store) -> World:
    world = World()
    for event in store.read():
        world.apply(event)
    return world


def assert_slots_are_held_once(stage: Stage) -> None:
    held: set[object] = set()
    names: set[str] = set()
    for session in stage.world.sessions.values():
        if session.current and not session.one_off:
            slot = (session.role_key, session.generation, session.index)
            assert slot not in held, f"two sessions hold {slot}"
            held.add(slot)
        if session.alive:
            assert session.key not in names, f"two live sessions are named {session.key}"
            names.add(session.key)


def assert_history_is_sound(store: Store) -> None:
    uids: set[str | None] = set()
    generations: dict[RoleKey, int] = {}
    for event in store.read():
        ref = event.ref
        if event.kind == "session.scheduled":
            assert ref.uid not in uids, f"uid {ref.uid} was given twice"
            uids.add(ref.uid)
        if event.kind == "cohort.created":
            key = RoleKey(ref.workspace or "", ref.team or "", ref.role or "")
            assert (ref.generation or 0) > generations.get(key, 0), f"generations of {key} went back"
            generations[key] = ref.generation or 0
        assert decode(event.kind, event.fact.schema, encode(event.fact)) == event.fact


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
@example(history=[("work", role(replicas=4)), ("start", None), ("later", -3600.0), ("restart team", None)])
def test_any_history_keeps_the_log_the_rows_and_the_controllers_together(
    made_once: Path, history: list[tuple[str, Any]]
) -> None:
    with stage_in(made_once) as stage:
        for step in history:
            stage.do(step)
            stage.settle()
            assert stage.person.check() == []
            assert rows(stage.world) == rows(replayed(stage.person))
            assert_slots_are_held_once(stage)
            stage.reconciler.touch_all()
            assert stage.settle() == 0, f"after {step}: the controllers do not come to rest"
        assert_history_is_sound(stage.person)
        assert stage.person.verify() == (stage.person.head().position, None)
        before = rows(stage.world)
        assert rows(stage.person.rebuild()) == before
        assert stage.person.check() == []


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, last=roles)
def test_when_faults_stop_every_role_gets_what_it_wants_or_says_why_not(
    made_once: Path, history: list[tuple[str, Any]], last: RoleSpec
) -> None:
    with stage_in(made_once) as stage:
        for step in [*history, ("daemon", None), ("work", last), ("restart team", None)]:
            stage.do(step)
            stage.settle()
        for _ in range(40):
            for calm in ("start", "gone"):
                stage.do((calm, None))
                stage.settle()
            stage.now += 5.0
            stage.settle()
        wanted = stage.world.roles[AGENTS].replicas
        current = [s for s in stage.world.sessions_of(AGENTS) if s.current and not s.one_off]
        assert [s.state for s in current] == ["running"] * wanted
        cohort = current_of(stage.world.cohorts_of(AGENTS), None)
        assert cohort is not None
        assert cohort.template == last.template
        assert {s.generation for s in current} <= {cohort.generation}
        assert stage.settle() == 0


# --- every fact --------------------------------------------------------------------------------


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Anything a field of this type may hold."""
    info: Any = kind
    match type(info).__name__:
        case "IntType":
            return st.integers(-(2**63), 2**63 - 1)
        case "FloatType":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "StrType":
            return st.text(st.characters(codec="utf-8"), max_size=8)
        case "BoolType":
            return st.booleans()
        case "NoneType":
            return st.none()
        case "LiteralType":
            return st.sampled_from(info.values)
        case "UnionType":
            return st.one_of(*(_values(one) for one in info.types))
        case "VarTupleType":
            return st.lists(_values(info.item_type), max_size=3).map(tuple)
        case "DictType":
            return st.dictionaries(_values(info.key_type), _values(info.value_type), max_size=3)
        case "StructType":
            return st.builds(info.cls, **{f.name: _values(f.type) for f in info.fields})
        case other:
            raise AssertionError(f"no values for {other}")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_any_fact_is_read_as_it_was_written(kind: str) -> None:
    facts = _values(msgspec.inspect.type_info(KINDS[kind]))

    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
    @given(fact=facts)
    def check(fact: Any) -> None:
        text = encode(fact)
        again = decode(kind, fact.schema, text)
        assert again == fact
        assert encode(again) == text
        assert Draft(ref=events.NOWHERE, fact=fact).fact is fact

    check()
