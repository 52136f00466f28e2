"""Shifts in virtual time: what happens, and what never does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from town import BRIEF, BROKEN, CHECKS, CRASHING, GOOD, START, TEAM, Town, role

from marvel import commands
from marvel.errors import Rejected
from marvel.events import ShiftAborted
from marvel.resources import RoleKey, RoleSpec, ShiftSpec

ONE_BY_ONE = ShiftSpec(max_surge=1)


def other(life: str = GOOD, **fields: object) -> RoleSpec:
    """The same role with another template."""
    made = role(life=life, **fields)  # type: ignore[arg-type]
    return replace(made, template=replace(made.template, prompt="another"))


def settled(*roles: RoleSpec) -> Town:
    town = Town(*(roles or (role(),)))
    town.run(1)
    return town


@pytest.mark.parametrize(
    "spec", [ShiftSpec(), ONE_BY_ONE, ShiftSpec(max_surge=0, max_unavailable=1), ShiftSpec(max_unavailable=2)]
)
def test_a_shift_replaces_every_session_within_its_bounds(spec: ShiftSpec) -> None:
    town = settled(role(replicas=5, shift=spec))
    town.shift()
    town.run(5)
    assert (town.generations(), len(town.ready()), town.phase()) == ([2], 5, None)
    assert town.kinds("shift.")[-1] == "shift.completed"


def test_workers_shift_before_the_supervisor_in_manifest_order() -> None:
    town = settled(role("supervisor", replicas=1), role("z"), role("a"))
    town.shift()
    town.run(5)
    started = [e.ref.role for e in town.log if e.kind == "shift.started"]
    assert started == ["z", "a", "supervisor"]
    assert all(town.generations(name) == [2] for name in started)


def test_roles_changed_by_one_manifest_shift_one_after_the_other_in_manifest_order() -> None:
    town = settled(role("z"), role("a"))
    town.work(*(replace(other(), name=name) for name in ("z", "a")))
    town.run(5)
    assert [e.ref.role for e in town.log if e.kind == "shift.started"] == ["z", "a"]


def test_a_role_shifted_alone_and_then_with_the_team_is_on_its_own_newest_generation() -> None:
    town = settled(role("a"), role("b"))
    town.shift("a")
    town.run(3)
    town.shift()
    town.run(5)
    assert (town.generations("a"), town.generations("b")) == ([3], [2])


def test_a_second_shift_is_refused_while_one_runs() -> None:
    town = settled()
    town.shift()
    with pytest.raises(Rejected, match="a shift of w/t/a is in progress"):
        town.shift()


def test_a_template_that_never_gets_ready_aborts_and_is_not_tried_again() -> None:
    town = settled()
    town.work(other(BROKEN))
    town.leap(299 - 2)
    assert town.phase() == "launching"
    town.leap(10)
    assert (town.generations(), len(town.ready()), town.phase()) == ([1], 3, None)
    ends = [kind for kind in town.kinds("shift.") if kind != "shift.progressed"]
    assert ends == ["shift.started", "shift.aborted", "shift.rolled-back"]
    town.leap(1000)
    assert town.kinds("shift.").count("shift.started") == 1
    town.work(role(life=GOOD))
    town.run(3)
    assert town.generations() == [1]


def test_an_abort_after_a_partial_drain_brings_the_old_sessions_back_with_the_daemon_killed_between() -> None:
    town = settled(role(replicas=4, shift=ShiftSpec(max_surge=1, max_unavailable=1)))
    town.work(other(GOOD, replicas=4, shift=ShiftSpec(max_surge=1, max_unavailable=1)))
    while len([s for s in town.ready() if s.generation == 2]) < 2:
        town.run(0.1)
    town.do(commands.shift_abort(town.world, TEAM))
    town.die()
    town.run(20, step=5)
    town.rise()
    town.run(5)
    assert (town.generations(), len(town.ready()), town.phase()) == ([1], 4, None)


def test_a_deadline_is_kept_over_a_daemons_death() -> None:
    town = settled()
    town.work(other(BROKEN))
    town.run(2)
    town.die()
    town.run(400, step=50)
    town.rise()
    assert town.phase() == "launching"  # a new daemon first looks what became ready meanwhile
    town.run(10)
    assert (town.generations(), town.phase()) == ([1], None)


def test_undo_makes_a_new_generation_with_the_old_template_until_the_manifest_changes() -> None:
    town = settled()
    before = town.world.roles[RoleKey(*TEAM, "a")].template
    town.work(other())
    town.run(3)
    town.do(commands.shift_undo(town.world, TEAM))
    town.run(3)
    assert town.generations() == [3]
    assert town.world.cohorts_of(RoleKey(*TEAM, "a"))[-1].template == before
    town.work(other())  # the same manifest: what was undone stays
    town.run(3)
    assert town.generations() == [3]
    town.work(other(BROKEN))
    assert town.phase() == "launching"


def test_undo_after_an_abort_keeps_what_runs_and_never_tries_again() -> None:
    town = settled()
    town.work(other(BROKEN))
    town.leap(310)
    town.do(commands.shift_undo(town.world, TEAM))
    town.leap(400)
    assert (town.generations(), town.kinds("shift.").count("shift.started")) == ([1], 1)


def test_undo_to_a_generation_goes_back_to_it_and_undo_with_nothing_before_is_refused() -> None:
    town = settled()
    with pytest.raises(Rejected, match="no earlier template"):
        commands.shift_undo(town.world, TEAM)
    town.shift()
    town.run(3)
    town.do(commands.shift_undo(town.world, TEAM, generation=1))
    town.run(3)
    assert town.generations() == [3]


def test_manual_waits_for_a_person() -> None:
    manual = ShiftSpec(on_change="manual")
    town = settled(role(shift=manual))
    town.work(other(shift=manual))
    town.run(3)
    assert town.generations() == [1]
    town.shift()
    town.run(3)
    assert town.generations() == [2]
    assert town.world.cohorts_of(RoleKey(*TEAM, "a"))[-1].template.prompt == "another"


def test_a_changed_template_in_the_middle_supersedes() -> None:
    town = settled(role(shift=ONE_BY_ONE))
    town.work(other(BROKEN, shift=ONE_BY_ONE))
    town.run(2)
    town.work(other(GOOD, shift=ONE_BY_ONE))
    town.run(6)
    assert (town.generations(), town.phase()) == ([3], None)
    assert "shift.superseded" in town.kinds()


def test_a_template_changed_back_in_the_middle_runs_the_shift_backwards() -> None:
    town = settled()
    town.work(other(BROKEN))
    town.run(2)
    town.work(role())
    town.run(3)
    assert (town.generations(), town.phase()) == ([1], None)


@pytest.mark.parametrize("replicas", [0, 1, 8])
def test_a_scale_in_the_middle_is_what_the_shift_goes_on_towards(replicas: int) -> None:
    town = settled(role(replicas=4, shift=ONE_BY_ONE))
    town.shift()
    town.run(0.4)
    town.scale(replicas)
    town.run(12)
    assert (len(town.ready()), town.phase()) == (replicas, None)
    assert town.generations() == ([2] if replicas else [])


def test_a_paused_shift_moves_nothing_and_resumes_with_a_full_time_to_get_ready() -> None:
    town = settled(role(replicas=4, shift=ONE_BY_ONE))
    town.shift()
    town.run(0.5)
    town.do(commands.shift_pause(town.world, TEAM))
    before = sorted(s.uid for s in town.alive() if s.state == "running")
    town.leap(1000)
    assert town.phase() == "paused"
    assert set(before) <= {s.uid for s in town.of()}
    town.do(commands.shift_resume(town.world, TEAM))
    town.run(10)
    assert (town.generations(), town.phase()) == ([2], None)


def test_a_removed_role_or_a_deleted_team_ends_its_shift() -> None:
    town = settled(role("a"), role("b"))
    town.shift()
    town.run(0.3)
    town.work(role("b"))
    town.run(5)
    assert (town.alive("a"), town.generations("b"), town.world.shifts) == ([], [2], {})
    town.shift()
    town.do(commands.delete_team(town.world, TEAM))
    town.run(5)
    assert (town.alive("b"), town.world.shifts, town.world.cohorts_of(RoleKey(*TEAM, "b"))) == ([], {}, [])


def test_an_aborted_role_drops_those_that_wait_behind_it() -> None:
    town = settled(role("a"), role("b"))
    town.shift()
    town.do(commands.shift_abort(town.world, TEAM))
    town.run(5)
    assert (town.generations("a"), town.generations("b"), town.world.shifts) == ([1], [1], {})
    assert "shift.rolled-back" in town.kinds()


def test_a_working_session_is_replaced_at_its_turn_boundary_or_when_its_time_is_up() -> None:
    town = settled(role(replicas=2))
    first, second = sorted(town.ready(), key=lambda s: s.index)
    town.signal(first, activity="working")
    town.signal(second, activity="working")
    town.shift()
    town.run(5)
    assert town.generations() == [1, 2]
    town.signal(town.world.sessions[first.uid], activity="idle")
    town.run(2)
    assert not town.world.sessions[first.uid].alive
    assert town.world.sessions[second.uid].state == "running"
    town.leap(600)
    assert (town.generations(), town.phase()) == ([2], None)


@pytest.mark.parametrize("turn", [{"activity": "waiting"}, {"activity": "idle", "background_tasks": 2}])
def test_who_waits_in_a_turn_or_has_background_tasks_is_replaced_after_them(turn: dict[str, object]) -> None:
    town = settled(role(replicas=2))
    busy, idle = sorted(town.ready(), key=lambda s: s.index)
    town.signal(busy, **turn)
    town.shift()
    town.run(5)
    assert (town.world.sessions[busy.uid].state, town.world.sessions[idle.uid].alive) == ("running", False)
    town.signal(town.world.sessions[busy.uid], activity="idle", background_tasks=0)
    town.run(2)
    assert (town.generations(), town.phase()) == ([2], None)


@pytest.mark.parametrize(
    "spec", [ShiftSpec(max_age=50, drain_timeout=60), ShiftSpec(context_percent=80, drain_timeout=60)]
)
def test_a_turn_without_end_holds_a_trigger_up_no_longer_than_drain_timeout(spec: ShiftSpec) -> None:
    town = settled(role(replicas=1, shift=spec))
    [old] = town.ready()
    town.signal(old, activity="working", context_percent=85.0)
    town.run(55, step=1)
    assert "session.triggered" not in town.kinds()
    town.run(60, step=1)
    assert "session.triggered" in town.kinds()
    town.run(70, step=1)
    assert not town.world.sessions[old.uid].alive


def test_a_full_session_is_replaced_inside_its_cohort_once_per_reading() -> None:
    town = settled(role(shift=ShiftSpec(context_percent=80)))
    full = town.ready()[0]
    town.signal(full, context_percent=85.0)
    town.run(3)
    assert (town.generations(), len(town.alive())) == ([1], 3)
    heir = next(s for s in town.alive() if s.predecessor == full.uid)
    assert heir.generation == 1
    assert not town.world.sessions[full.uid].alive
    assert town.kinds().count("session.triggered") == 1
    triggered = next(e for e in town.log if e.kind == "session.triggered")
    scaled = [e for e in town.log if e.kind == "cohort.scaled"]
    assert scaled[0].cause == triggered.position


@pytest.mark.parametrize(
    "spec", [ShiftSpec(), ONE_BY_ONE, ShiftSpec(max_surge=2), ShiftSpec(max_surge=0, max_unavailable=1)]
)
def test_one_that_is_full_when_the_successor_of_another_gets_ready_is_replaced_too(spec: ShiftSpec) -> None:
    town = settled(role(replicas=2, shift=replace(spec, context_percent=80)))
    first, second = town.ready()
    town.fill(first)
    town.live()  # its successor is in its pane, and beats for the first time …
    town.fill(second)  # … just when the other is full
    town.run(5)
    assert not {first.uid, second.uid} & {s.uid for s in town.alive()}
    assert len(town.ready()) == 2
    assert "session.kept" not in town.kinds()


def test_who_has_run_longest_is_replaced_first_when_all_are_full_as_soon_as_they_run() -> None:
    town = settled(role(replicas=4, shift=ShiftSpec(context_percent=80, max_surge=1)))
    first = {session.uid for session in town.ready()}
    for _ in range(100):
        town.fill(*town.ready())
        town.run(0.2)
    assert not first & {session.uid for session in town.alive()}


def test_old_sessions_are_replaced_by_max_age() -> None:
    town = settled(role(shift=ShiftSpec(max_age=100, max_surge=1)))
    before = {s.uid for s in town.alive()}
    town.run(125, step=0.5)
    assert len(town.ready()) == 3
    assert not before & {s.uid for s in town.alive()}


def test_a_handoff_is_asked_for_passed_on_and_then_the_old_session_goes() -> None:
    spec = ShiftSpec(handoff="Write $MARVEL_HANDOFF", handoff_timeout=30)
    town = settled(role(replicas=1, shift=spec))
    old = town.ready()[0]
    town.shift()
    town.run(2)
    assert town.world.sessions[old.uid].typing is not None
    assert town.world.sessions[old.uid].state == "running"
    town.run(31, step=0.5)
    heir = next(s for s in town.alive() if s.predecessor == old.uid)
    assert heir.typing is not None
    assert "$MARVEL_HANDOFF_FROM" in heir.typing.text
    assert (town.generations(), town.phase()) == ([2], None)


def test_every_session_of_the_new_generation_has_the_predecessor_whose_slot_it_takes() -> None:
    town = settled()
    before = {s.uid: s.index for s in town.alive()}
    town.shift()
    town.run(3)
    assert {s.predecessor: s.index for s in town.alive()} == before


def test_a_converged_team_appends_nothing() -> None:
    town = settled(role(shift=ShiftSpec(context_percent=80, max_age=1000)))
    town.shift()
    town.run(5)
    count = len(town.log)
    town.run(60, step=1)
    assert len(town.log) == count


def test_neither_generation_gets_ready_what_is_ready_is_kept_and_a_person_is_told() -> None:
    town = settled(role(replicas=2, shift=ShiftSpec(max_surge=1)))
    town.shift()
    while not [s for s in town.ready() if s.generation == 2]:
        town.run(0.1)
    town._life = lambda s: GOOD if s.generation == 2 else BROKEN  # type: ignore[method-assign]
    for session in [s for s in town.alive() if s.generation == 1 and s.state == "running"]:
        town.crash(session)
    town.do(commands.shift_abort(town.world, TEAM))
    town.leap(400)
    assert [s.generation for s in town.ready()] == [2]
    assert "shift.stuck" in town.kinds()
    assert sum(isinstance(e.fact, ShiftAborted) for e in town.log) == 1


# --- ready means ready ---------------------------------------------------------------------------

SPECS = [ShiftSpec(ready_timeout=60), ShiftSpec(max_surge=1, ready_timeout=60)]


@pytest.mark.parametrize("policy", ["always", "on-failure", "never"])
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("life", [BROKEN, CRASHING, BRIEF])
@pytest.mark.parametrize("spec", SPECS)
def test_a_shift_to_a_bad_template_never_costs_the_team(
    spec: ShiftSpec, life: str, check: str, policy: str
) -> None:
    """Whatever judges it, and however it fails: at most one is lost, and the shift runs itself backwards."""
    if life == BROKEN and check in ("process-alive", "none"):
        pytest.skip("nothing tells that it is broken")
    fields = {"replicas": 4, "check": check, "shift": spec, "min_ready": 2.0, "restart_policy": policy}
    town = settled(role(**fields))  # type: ignore[arg-type]
    town.run(2)
    old = {s.uid for s in town.ready()}
    assert len(old) == 4
    town.work(other(life, **fields))
    for _ in range(70):
        town.run(1)
        kept = [s for s in town.ready() if s.generation == 1]
        assert len(kept) >= 3, f"only {len(kept)} are left after {town.now - START:.0f} s"
    town.run(60, step=0.5)
    assert (town.generations(), len(town.ready()), town.phase()) == ([1], 4, None)
    assert len(old & {s.uid for s in town.ready()}) >= 3
    assert town.kinds("shift.")[-1] == "shift.rolled-back"


@pytest.mark.parametrize("check", CHECKS)
def test_a_shift_drains_no_faster_than_min_ready(check: str) -> None:
    town = settled(role(replicas=4, check=check, min_ready=3.0))
    town.run(3)
    began = town.now
    town.shift()
    town.run(15)
    drained = [e.time - began for e in town.log if e.kind == "session.dismissed"]
    assert (town.generations(), len(drained), town.phase()) == ([2], 4, None)
    assert min(drained) >= 3.0
    assert [at for at in drained if at >= 6.0] == sorted(drained)[1:]


def test_a_successor_by_a_trigger_that_dies_soon_takes_over_from_nobody() -> None:
    town = settled(role(replicas=2, shift=ShiftSpec(context_percent=80, ready_timeout=60), min_ready=2.0))
    town.run(2)
    full, _ = town.ready()
    town._life = lambda s: BRIEF if s.predecessor else GOOD  # type: ignore[method-assign]
    town.signal(full, context_percent=85.0)
    town.run(50)
    assert town.world.sessions[full.uid].state == "running"
    town.run(30)
    assert "session.kept" in town.kinds()
    assert len(town.ready()) == 2


def test_a_restarted_team_goes_no_further_than_one_that_dies_soon() -> None:
    town = settled(role(replicas=3, min_ready=2.0))
    town.run(2)
    old = {s.uid for s in town.ready()}
    town._life = lambda s: GOOD if s.uid in old else BRIEF  # type: ignore[method-assign]
    town.do(commands.restart_team(town.world, TEAM))
    town.run(60, step=0.25)
    assert len(old & {s.uid for s in town.ready()}) == 2
