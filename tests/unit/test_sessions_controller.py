"""The sessions controller: given a history → when it looks → then these facts."""

from itertools import pairwise
from typing import Any

import pytest

from marvel import commands, events
from marvel.controllers import due, sessions
from marvel.controllers.continuing import CONTINUES_MOST
from marvel.controllers.restarts import BUDGET_GRACE_SECONDS
from marvel.daemon import observations
from marvel.events import CONTROLLER_SESSIONS, Ref, SessionScheduled, SessionStopping
from marvel.resources import Retirement, RoleKey, StopSpec, Template
from tests.given import AGENTS, SQUAD, START, Story, kinds, role, template, with_fields


def look(story: Story) -> list[events.AnyFact]:
    return [draft.fact for draft in story.decide(sessions.reconcile).events]


# --- creates, does nothing, corrects, leaves alone -------------------------------------------------


def test_a_new_cohort_gets_its_sessions_and_only_the_first_may_start() -> None:
    story = Story(role(replicas=3))
    assert kinds(story.settle()) == ["cohort.created", *["session.scheduled"] * 3]
    assert story.states() == ["pending", "held", "held"]
    assert [s.name for s in story.slots()] == ["squad-agent-g1-0", "squad-agent-g1-1", "squad-agent-g1-2"]
    assert {s.reason for s in story.slots()[1:]} == {"template-unproven"}


def test_a_role_that_is_as_it_should_be_is_left_alone() -> None:
    story = Story(role(replicas=3)).run()
    assert story.states() == ["running"] * 3
    assert story.settle() == []
    assert story.wake_at() is None


def test_a_lost_session_is_replaced_in_its_slot_under_its_name_with_another_uid() -> None:
    story = Story(role(replicas=2)).run()
    before = story.slot(1)
    story.crash(1).run()
    after = story.slot(1)
    assert (after.name, after.index, after.state) == (before.name, 1, "running")
    assert after.uid != before.uid
    assert (after.replaces, after.restarts) == (before.uid, 1)


def test_what_it_decides_names_the_event_it_follows_from() -> None:
    story = Story(role()).run()
    story.crash(0)
    ended = story.events[-1].position
    (draft,) = story.decide(sessions.reconcile).events
    assert (draft.cause, draft.actor) == (ended, CONTROLLER_SESSIONS)


def test_one_offs_and_other_roles_are_not_ours() -> None:
    story = Story(role(replicas=1), role("other", replicas=1)).run()
    story.record(commands.run(story.world, AGENTS, Template(), story.now))
    one_off = next(s for s in story.world.sessions.values() if s.one_off)
    story.start_one(one_off.uid)
    assert kinds(story.settle()) == ["session.readied"]
    story.see(observations.ended(one_off.uid, exit_status=3))
    assert story.settle() == []
    assert story.world.sessions[one_off.uid].state == "failed"
    assert story.world.sessions_of(RoleKey("demo", "squad", "other")) == []


def test_a_session_that_came_into_the_world_without_a_cohort_is_stopped() -> None:
    story = Story(role()).run()
    ref = Ref(
        workspace="demo", team="squad", role="agent", session="squad-agent-g9-0", uid="stray", generation=9
    )
    story.add(ref, SessionScheduled(index=0, image="", command="agent"))
    (fact,) = look(story)
    assert isinstance(fact, SessionStopping)
    assert (fact.reason, fact.release) == ("role-removed", True)


# --- slots -------------------------------------------------------------------------------------


def test_scaling_up_waits_for_slots_whose_sessions_still_stop_and_never_skips_one() -> None:
    story = Story(role(replicas=4)).run()
    story.scale(2)
    story.run()
    assert [s.index for s in story.slots() if s.state == "stopping"] == [2, 3]
    story.scale(5)
    story.run()
    assert sorted(s.index for s in story.slots() if s.state == "running") == [0, 1, 4]
    story.gone().run()
    assert [(s.index, s.state) for s in story.slots()] == [(n, "running") for n in range(5)]


def test_a_slot_is_refilled_only_when_the_processes_of_its_session_are_proven_gone() -> None:
    story = Story(role(replicas=2)).run()
    before = story.slot(1)
    story.lingering.add(before.uid)
    story.crash(1)
    assert look(story) == []
    assert story.wake_at() is None  # looked at again when they are gone
    story.lingering.clear()
    story.run()
    assert (story.slot(1).replaces, story.slot(1).state) == (before.uid, "running")


def test_an_index_whose_old_processes_linger_is_given_to_nobody() -> None:
    story = Story(role(replicas=2)).run()
    story.lingering.add(story.slot(1).uid)
    story.crash(1)
    story.scale(1)
    story.run()
    story.scale(2)
    story.run()
    assert [s.index for s in story.slots()] == [0]
    story.lingering.clear()
    story.run()
    assert [s.index for s in story.slots()] == [0, 1]


def test_scaling_down_takes_the_indexes_that_the_role_no_longer_has() -> None:
    story = Story(role(replicas=3, restart_policy="never")).run()
    story.crash(0)
    story.scale(2)
    story.run()
    assert [s.index for s in story.slots() if s.state == "stopping"] == [2]
    assert [s.index for s in story.slots() if s.stop is None] == [0, 1]


def test_a_slot_scheduled_twice_at_one_time_gives_two_uids() -> None:
    story = Story(role(replicas=1))
    story.settle()
    story.scale(0)
    story.settle()
    story.gone().settle()
    story.scale(1)
    story.settle()
    scheduled = [e.ref.uid for e in story.events if e.kind == "session.scheduled"]
    assert len(scheduled) == len(set(scheduled)) == 2


def test_too_many_go_in_order_retiring_failed_unhealthy_pending_then_highest_index() -> None:
    story = Story(role(replicas=7, restart_policy="never")).run()
    story.crash(2).settle()
    mark = Retirement(reason="age", at=story.now, deadline=story.now)
    for index, fields in {
        0: {"retirement": mark},
        1: {"health": "unhealthy"},
        3: {"state": "pending", "started_at": None},
    }.items():
        session = story.slot(index)
        story.world._put("sessions", (session.uid,), with_fields(session, **fields))
    index_of = {s.uid: s.index for s in story.slots()}
    gone: list[int] = []
    for count in range(6, 0, -1):
        story.add(events.role_ref(AGENTS, 1), events.CohortScaled(count=count))
        drafts = story.decide(sessions.reconcile).events
        leave = {index_of[d.ref.uid] for d in drafts if getattr(d.fact, "release", True)}  # type: ignore[index]
        gone += leave - set(gone)
    assert gone == [0, 2, 1, 3, 6, 5]


def _replaced(session: object, **fields: object) -> object:
    import msgspec

    return msgspec.structs.replace(session, **fields)  # type: ignore[type-var]


def test_an_ended_session_whose_slot_is_no_longer_wanted_is_released_not_stopped() -> None:
    story = Story(role(replicas=2, restart_policy="never")).run()
    story.crash(1).scale(1)
    assert kinds(story.settle()) == ["cohort.scaled", "session.released"]
    assert [s.index for s in story.slots()] == [0]


def test_a_removed_role_stops_as_it_was_declared_and_then_its_cohort_goes() -> None:
    stop = StopSpec(signal="INT", grace=3.0, keys=("C-c",))
    story = Story(role(replicas=1, stop=stop), role("other")).run()
    story.apply(role("other"))
    order = next(f for f in story.settle() if isinstance(f, SessionStopping))
    assert (order.reason, order.signal, order.keys) == ("role-removed", "INT", ("C-c",))
    assert order.deadline == story.now + 5.0
    story.gone()
    assert kinds(story.settle()) == ["cohort.removed"]
    assert next(iter(story.view().sessions)).state == "stopped"


def test_a_changed_template_stops_the_old_generation_and_starts_the_new() -> None:
    story = Story(role(replicas=2)).run()
    story.apply(role(replicas=2, template=template("other")))
    story.run()
    assert [s.generation for s in story.slots() if s.state == "running"] == [2, 2]
    assert {s.reason for s in story.slots() if s.generation == 1} == {"replaced"}
    story.gone().settle()
    assert [c.generation for c in story.cohorts()] == [2]


# --- an unproven template ----------------------------------------------------------------------


def test_the_others_start_together_once_the_first_has_lived_50_ms() -> None:
    story = Story(role(replicas=4))
    story.settle()
    story.start().settle()
    story.later(0.04)
    assert story.settle() == []
    assert story.wake_at() == story.slot(0).started_at + sessions.PROVEN_AFTER_SECONDS
    story.now = story.wake_at()
    assert kinds(story.settle()) == ["cohort.proven", *["session.cleared"] * 3]


def test_a_first_session_that_exits_0_at_once_proves_its_template() -> None:
    story = Story(role(replicas=2, restart_policy="on-failure"))
    story.settle()
    story.start().crash(0, exit_status=0)
    assert kinds(story.settle()) == ["cohort.proven", "session.cleared"]


def test_a_broken_command_is_tried_by_one_slot_with_backoff_while_the_others_wait() -> None:
    story = Story(role(replicas=5))
    story.settle()
    for _ in range(5):
        story.start().later(0.01).crash(0).settle()
        assert story.states()[1:] == ["held"] * 4
        story.now = story.wake_at() or story.now
        story.settle()
    assert story.slot(0).restarts == 5
    assert all(s.restarts == 0 for s in story.slots()[1:])


def test_a_slot_that_gave_up_hands_the_try_to_the_next() -> None:
    story = Story(role(replicas=3, restart_policy="never"))
    story.settle()
    for tried in range(3):
        story.start().later(0.01).crash(tried).settle()
    assert story.states() == ["failed"] * 3
    assert story.settle() == []
    assert sum(1 for e in story.events if e.kind == "session.started") == 3


def test_a_spent_budget_hands_the_try_on_too() -> None:
    story = Story(role(replicas=2, max_restarts=1))
    story.settle()
    story.start().later(0.01).crash(0).settle()
    story.start().later(0.01).crash(0).settle()
    assert (story.slot(0).state, story.slot(0).reason) == ("failed", "restart-budget")
    assert story.states() == ["failed", "pending"]


def test_a_missing_command_is_tried_once_and_by_nobody_else() -> None:
    story = Story(role(replicas=5))
    story.settle()
    story.see(observations.start_failed(story.slot(0).uid, "invalid-runtime", "command nope does not exist"))
    assert story.settle() == []
    assert story.states() == ["failed", *["held"] * 4]
    assert story.wake_at() is None


def test_a_missing_directory_of_one_slot_does_not_keep_the_others_from_starting() -> None:
    story = Story(role(replicas=3, template=Template(runtime=_runtime("/tmp/{index}"))))
    story.settle()
    story.see(observations.start_failed(story.slot(0).uid, "invalid-runtime", "cwd /tmp/0 does not exist"))
    story.run()
    assert story.states() == ["failed", "running", "running"]


def _runtime(cwd: str) -> object:
    from marvel.resources import RuntimeSpec

    return RuntimeSpec(command="agent", cwd=cwd)


def test_killing_a_waiting_session_makes_no_second_try() -> None:
    story = Story(role(replicas=3))
    story.settle()
    story.kill(2)
    story.gone().settle()
    assert story.states() == ["pending", "held", "held"]


def test_an_unproven_template_does_not_hold_another_generation_or_role() -> None:
    story = Story(role(replicas=2), role("other", replicas=2)).run()
    story.apply(role(replicas=2, template=template("broken")), role("other", replicas=2))
    story.settle()
    other = RoleKey("demo", "squad", "other")
    story.settle(other)
    assert [s.state for s in story.slots(other)] == ["pending", "pending"]
    assert not story.slots(other)[0].held


# --- start interval ----------------------------------------------------------------------------


def test_mass_starts_keep_the_start_interval() -> None:
    story = Story(role(replicas=3, start_interval=5.0))
    times = _start_times(story, 3)
    assert [round(b - a, 3) for a, b in pairwise(times)] == [5.0, 5.0]


def test_refills_after_a_dead_tmux_keep_the_start_interval_too() -> None:
    story = Story(role(replicas=3, start_interval=5.0))
    _start_times(story, 3)
    for session in story.slots():
        story.see(observations.ended(session.uid, reason="tmux-server-lost"))
    assert len(_start_times(story, 3)) == 3
    assert {s.streak for s in story.slots()} == {0}


def test_a_start_interval_is_kept_after_the_clock_went_back_an_hour() -> None:
    story = Story(role(replicas=4, start_interval=5.0))
    _start_times(story, 2)
    story.later(-3600)
    times = _start_times(story, 2)
    assert times[0] <= START - 3600 + 10
    assert times[1] - times[0] >= 5.0


def test_an_unproven_try_that_waits_for_its_interval_says_so() -> None:
    story = Story(role(replicas=2, start_interval=5.0))
    story.settle()
    story.start().later(0.01).crash(0).settle()
    assert (story.slot(0).state, story.slot(0).reason) == ("pending", "start-interval")
    story.now = story.wake_at() or story.now
    assert kinds(story.settle()) == ["session.cleared"]
    assert story.states() == ["pending", "held"]


def _start_times(story: Story, wanted: int) -> list[float]:
    """Start what may start, and follow the controller's own wakes, until so many have started."""
    times: list[float] = []
    for _ in range(50):
        story.settle()
        for session in story.slots():
            if session.state == "pending" and not session.held:
                story.start_one(session.uid)
                times.append(story.now)
        if len(times) >= wanted:
            return times
        story.now = story.wake_at() or story.now
    raise AssertionError(f"only {len(times)} started")


# --- a rolling restart ---------------------------------------------------------------------------


def restart(story: Story) -> None:
    story.record(commands.restart_team(story.world, SQUAD))


def test_a_rolling_restart_takes_one_session_at_a_time() -> None:
    story = Story(role(replicas=3)).run()
    old = {s.uid for s in story.slots()}
    restart(story)
    for left in (2, 1, 0):
        story.later(0.1).settle()
        assert story.states().count("stopping") == 1
        assert story.settle() == []
        story.gone().run()
        assert len(old & {s.uid for s in story.slots()}) == left or story.states().count("stopping") == 1
    story.settle()
    assert old.isdisjoint({s.uid for s in story.slots()})
    assert story.settle() == []
    assert {s.streak for s in story.slots()} == {0}


def test_a_rolling_restart_waits_until_the_new_one_is_ready() -> None:
    from marvel.resources import HealthcheckSpec

    story = Story(role(replicas=2, healthcheck=HealthcheckSpec()), promise="from-start").run()
    story.beat(0).beat(1).settle()
    restart(story)
    story.later(0.1).settle()
    story.gone().settle()
    story.start().later(29)
    assert "stopping" not in story.states()
    assert story.settle() == []
    new = next(s for s in story.slots() if s.restarts == 1)
    story.beat(new.index).settle()
    assert story.states().count("stopping") == 1


def test_a_rolling_restart_goes_on_past_a_session_that_succeeded() -> None:
    story = Story(role(replicas=2, restart_policy="on-failure")).run()
    restart(story)
    story.later(0.1).settle()
    story.gone().settle()
    story.start()
    first = next(s for s in story.slots() if s.restarts == 1)
    story.later(1).crash(first.index, exit_status=0).settle()
    assert sorted(story.states()) == ["stopping", "succeeded"]


def test_a_rolling_restart_ends_although_the_clock_went_back_an_hour() -> None:
    story = Story(role(replicas=2)).run()
    restart(story)
    story.later(-3600)
    for _ in range(6):
        story.run()
        story.gone()
    story.run()
    assert [s.restarts for s in story.slots()] == [1, 1]
    assert story.settle() == []


def test_what_had_not_started_when_a_restart_was_asked_for_is_started_once() -> None:
    story = Story(role(replicas=2))
    story.settle()
    restart(story)
    story.later(1).run()
    assert [s.restarts for s in story.slots()] == [0, 0]


def test_a_restart_starts_what_was_left_ended() -> None:
    story = Story(role(replicas=1, restart_policy="never")).run()
    story.crash(0).settle()
    assert story.settle() == []
    story.later(1)
    restart(story)
    story.run()
    assert story.states() == ["running"]


# --- draining ------------------------------------------------------------------------------------


def drained() -> Story:
    story = Story(role(replicas=2))
    story.see(observations.daemon_started("run", 1, "0"))
    story.run()
    story.record(commands.stop_daemon(story.world, "run"))
    return story


def test_draining_stops_everything_and_starts_nothing() -> None:
    story = drained()
    story.record(commands.run(story.world, RoleKey("demo", "adhoc", "adhoc"), Template(), story.now))
    assert kinds(story.settle()) == ["session.stopping"] * 2
    story.gone()
    assert story.settle() == []
    assert story.states() == ["stopped", "stopped"]
    (one_off,) = story.settle(RoleKey("demo", "adhoc", "adhoc"))
    assert (one_off.reason, one_off.release) == ("daemon-stop", True)


def test_the_next_daemon_brings_the_sessions_back_with_a_clean_record() -> None:
    story = drained()
    story.settle()
    story.gone().settle()
    story.see(observations.daemon_stopped("run", "stop"))
    story.see(observations.daemon_started("later", 2, "0"))
    story.run()
    assert story.states() == ["running", "running"]
    assert {s.streak for s in story.slots()} == {0}


def test_a_stop_that_keeps_the_sessions_drains_nothing() -> None:
    story = Story(role(replicas=2))
    story.see(observations.daemon_started("run", 1, "0"))
    story.run()
    story.record(commands.stop_daemon(story.world, "run", keep_sessions=True))
    assert story.settle() == []


# --- one-offs --------------------------------------------------------------------------------------


ADHOC = RoleKey("default", "adhoc", "adhoc")


def test_an_ended_one_off_is_forgotten_after_an_hour_and_never_replaced() -> None:
    story = Story()
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    uid = story.events[-1].ref.uid or ""
    story.start_one(uid)
    story.see(observations.ended(uid, exit_status=1))
    assert story.settle(ADHOC) == []
    assert story.wake_at(ADHOC) == story.now + 3600
    story.later(3600)
    assert kinds(story.settle(ADHOC)) == ["session.forgotten"]
    assert story.world.sessions == {}


def test_an_ended_one_off_does_not_stay_longer_because_the_clock_went_back() -> None:
    story = Story()
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    uid = story.events[-1].ref.uid or ""
    story.start_one(uid)
    story.see(observations.ended(uid, exit_status=1))
    story.later(-1)
    assert kinds(story.settle(ADHOC)) == ["session.forgotten"]


def test_a_deadline_never_waits_longer_than_its_own_length() -> None:
    assert not due(START + 10, 10, START)
    assert not due(START + 10, 10, START + 9.9)
    assert due(START + 10, 10, START + 10)
    assert due(START + 10, 10, START - 0.1)
    assert due(START + 10, 10, START - 3600)


def test_an_agent_still_limited_after_its_reset_is_told_to_go_on_once() -> None:
    story = Story(role(replicas=1)).run()
    ref, until = events.session_ref(story.slot(0)), story.now + 100
    story.add(ref, events.SessionSignaled(activity="limited", resets_at=until))
    assert kinds(story.settle()) == ["session.attention"]
    assert story.wake_at() == until + 30
    story.later(131)
    assert kinds(story.settle()) == ["session.continued"]
    assert story.slot(0).typing is not None
    assert story.slot(0).typing.text == "Continue."
    story.add(ref, events.SessionTyped(purpose="resume"))
    story.later(1000)
    assert story.settle() == []


def test_an_agent_that_goes_on_by_itself_after_its_reset_is_left_alone() -> None:
    story = Story(role(replicas=1)).run()
    ref = events.session_ref(story.slot(0))
    story.add(ref, events.SessionSignaled(activity="limited", resets_at=story.now + 100))
    story.later(110).add(ref, events.SessionSignaled(activity="working"))
    story.later(100)
    assert story.settle() == []


# --- budgets and turns -------------------------------------------------------------------------


def told(story: Story, **fields: object) -> None:
    story.add(events.session_ref(story.slot(0)), events.SessionSignaled(**fields))  # type: ignore[arg-type]


def test_a_budget_is_enforced_at_once_on_an_idle_agent() -> None:
    story = Story(role(replicas=1, max_runtime=100.0)).run()
    told(story, activity="idle")
    story.later(100)
    assert kinds(story.settle()) == ["session.stopping"]


@pytest.mark.parametrize(
    "turn", [{"activity": "working"}, {"activity": "waiting"}, {"activity": "idle", "background_tasks": 1}]
)
def test_a_budget_waits_for_the_end_of_a_turn(turn: dict[str, object]) -> None:
    story = Story(role(replicas=1, max_cost_usd=1.0)).run()
    told(story, cost_usd=1.5, **turn)
    assert kinds(story.settle())[-1] == "session.overspent"
    assert story.wake_at() == story.now + BUDGET_GRACE_SECONDS
    told(story, activity="idle", background_tasks=0)
    assert kinds(story.settle()) == ["session.stopping"]
    story.gone()
    assert (story.slot(0).state, story.slot(0).reason) == ("failed", "budget")
    assert story.settle() == []


@pytest.mark.parametrize("budget", [{"max_runtime": 100.0}, {"max_cost_usd": 1.0}])
def test_a_budget_is_enforced_after_its_grace_on_who_never_says_anything_but_working(
    budget: dict[str, float],
) -> None:
    story = Story(role(replicas=1, **budget)).run()
    told(story, activity="working", cost_usd=1.5)
    story.later(100).settle()
    story.later(BUDGET_GRACE_SECONDS - 1)
    assert story.settle() == []
    story.later(1)
    assert kinds(story.settle()) == ["session.stopping"]


def test_a_raised_budget_that_is_passed_again_gets_a_grace_of_its_own() -> None:
    story = Story(role(replicas=1, max_cost_usd=1.0)).run()
    told(story, activity="working", cost_usd=1.5)
    story.settle()
    story.apply(role(replicas=1, max_cost_usd=2.0))
    story.later(BUDGET_GRACE_SECONDS + 1)
    assert story.settle() == []
    told(story, cost_usd=2.5)
    assert kinds(story.settle()) == ["session.overspent"]


# --- failed turns ---------------------------------------------------------------------------------


def failed(story: Story, failure: Any, activity: Any = "idle") -> None:
    """A turn that begins, and ends in an error."""
    ref = events.session_ref(story.slot(0))
    story.add(ref, events.SessionSignaled(activity="working"))
    story.add(ref, events.SessionSignaled(activity=activity, failure=failure, detail="why"))


def told_to_go_on(story: Story) -> float:
    """The seconds until the agent is told to go on; its turn is typed."""
    began = story.now
    while "session.continued" not in kinds(story.settle()):
        at = story.wake_at()
        assert at is not None
        story.later(at - story.now)
    story.add(events.session_ref(story.slot(0)), events.SessionTyped(purpose="resume"))
    return story.now - began


def test_a_turn_that_failed_for_a_reason_that_passes_is_told_to_go_on_after_growing_pauses() -> None:
    story = Story(role(replicas=1)).run()
    for pause in (60, 120, 240, 480, 960, 1800, 1800):
        failed(story, "server")
        assert pause <= told_to_go_on(story) <= pause * 1.25


def test_a_turn_that_ended_well_makes_the_next_pause_short_again() -> None:
    story = Story(role(replicas=1)).run()
    for _ in range(3):
        failed(story, "server")
        told_to_go_on(story)
    story.add(events.session_ref(story.slot(0)), events.SessionSignaled(activity="working"))
    story.add(events.session_ref(story.slot(0)), events.SessionSignaled(activity="idle"))
    failed(story, "server")
    assert told_to_go_on(story) <= 75


def test_an_agent_is_told_to_go_on_a_bounded_number_of_times() -> None:
    story = Story(role(replicas=1)).run()
    for _ in range(CONTINUES_MOST):
        failed(story, "limit", "limited")
        told_to_go_on(story)
    failed(story, "limit", "limited")
    assert "session.continued" not in kinds(story.settle())
    assert story.wake_at() is None


@pytest.mark.parametrize(
    ("failure", "activity", "attention"),
    [
        ("login", "waiting", "waiting"),
        ("credit", "idle", "turn-failed"),
        ("too-long", "idle", "turn-failed"),
        ("request", "idle", "turn-failed"),
        ("server", "idle", "turn-failed"),
        ("limit", "limited", "limited"),
    ],
)
def test_a_failed_turn_needs_a_person_and_only_what_passes_is_tried_again(
    failure: str, activity: str, attention: str
) -> None:
    story = Story(role(replicas=1)).run()
    failed(story, failure, activity)
    assert kinds(story.settle()) == ["session.attention"]
    assert story.slot(0).attention == attention
    assert (story.wake_at() is not None) == (failure in ("server", "limit"))
    story.add(events.session_ref(story.slot(0)), events.SessionSignaled(activity="working"))
    assert (story.slot(0).failure, story.slot(0).attention) == ("", "")
