"""The restart policy, number by number."""

import pytest

from marvel import commands
from marvel.controllers.restarts import JITTER, backoff, streak_reset_at
from marvel.daemon import observations
from marvel.events import SessionBackedOff, SessionGaveUp, is_warning
from marvel.resources import RoleSpec
from tests.given import AGENTS, Story, kinds, role


def running(**fields: object) -> Story:
    return Story(role(replicas=1, **fields)).run()


def crash_and_restart(story: Story) -> float:
    """One crash; how long the slot waited for its next session."""
    crashed_at = story.now
    story.crash(0).settle()
    if story.slot(0).state == "crashloop-backoff":
        story.now = story.wake_at() or story.now
        story.settle()
    waited = story.now - crashed_at
    story.start().settle()
    story.later(1)
    return waited


# --- policy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "exit_status", "then"),
    [
        ("always", 0, "pending"),
        ("always", 1, "pending"),
        ("on-failure", 0, "succeeded"),
        ("on-failure", 1, "pending"),
        ("never", 0, "succeeded"),
        ("never", 1, "failed"),
    ],
)
def test_what_becomes_of_a_slot_by_policy_and_exit_status(policy: str, exit_status: int, then: str) -> None:
    story = running(restart_policy=policy)
    story.crash(0, exit_status=exit_status).settle()
    assert story.states() == [then]
    assert story.settle() == []


@pytest.mark.parametrize(("policy", "then"), [("always", "pending"), ("never", "failed")])
def test_a_session_stopped_as_unhealthy_has_failed_whatever_its_exit_status(policy: str, then: str) -> None:
    from marvel.events import SessionStopping, session_ref

    story = running(restart_policy=policy)
    order = SessionStopping(reason="unhealthy", deadline=story.now + 10, state="failed")
    story.add(session_ref(story.slot(0)), order)
    story.crash(0, exit_status=0)
    ended = story.slot(0)
    assert (ended.state, ended.reason, ended.exit_status) == ("failed", "unhealthy", 0)
    story.settle()
    assert story.states() == [then]


# --- backoff -----------------------------------------------------------------------------------


def test_the_first_restart_is_at_once_then_1_s_doubling_to_60_s_plus_jitter() -> None:
    story = running()
    waits = [crash_and_restart(story) for _ in range(10)]
    assert waits[0] == 0
    for waited, base in zip(waits[1:], [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert base <= waited <= base * (1 + JITTER) + 1e-6


def test_jitter_follows_from_uid_and_count_and_lies_between_0_and_a_quarter() -> None:
    spec = RoleSpec(name="agent")
    draws = [backoff(spec, f"uid{n}", 1) for n in range(500)]
    assert draws == [backoff(spec, f"uid{n}", 1) for n in range(500)]
    assert 1.0 <= min(draws) < 1.01
    assert 1.24 < max(draws) <= 1.25
    assert len({backoff(spec, "uid", streak) / 2 ** (streak - 1) for streak in (1, 2, 3)}) == 3


def test_backoff_fields_are_obeyed_and_a_huge_streak_does_not_overflow() -> None:
    spec = RoleSpec(name="agent", backoff_initial=0.5, backoff_max=3.0)
    assert backoff(spec, "u", 0) == 0.0
    assert 0.5 <= backoff(spec, "u", 1) <= 0.625
    assert 3.0 <= backoff(spec, "u", 10_000) <= 3.75


def test_a_slot_in_backoff_says_until_when_and_waits_exactly_that_long() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0)
    (fact,) = story.settle()
    assert isinstance(fact, SessionBackedOff)
    assert fact.restart_at == story.now + fact.delay
    assert story.wake_at() == fact.restart_at
    story.now = fact.restart_at - 0.001
    assert story.settle() == []
    story.now = fact.restart_at
    assert kinds(story.settle()) == ["session.scheduled"]


def test_a_backoff_counts_from_the_crash_not_from_when_it_was_noticed() -> None:
    story = running()
    crash_and_restart(story)
    crashed_at = story.now
    story.crash(0).later(0.7)
    (fact,) = story.settle()
    assert fact.restart_at == crashed_at + fact.delay


def test_a_backoff_does_not_wait_an_hour_more_when_the_clock_goes_back_an_hour() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0).settle()
    story.later(-3600)
    assert kinds(story.settle()) == ["session.scheduled"]


def test_one_slots_crash_delays_no_other_slot_and_no_scale_up() -> None:
    story = Story(role(replicas=3)).run()
    others = [story.slot(1).uid, story.slot(2).uid]
    for _ in range(3):
        story.crash(0).settle()
        story.now = story.wake_at() or story.now
        story.settle()
        story.start()
    story.crash(0).settle()
    story.scale(4)
    story.run()
    assert story.states() == ["crashloop-backoff", "running", "running", "running"]
    assert [story.slot(1).uid, story.slot(2).uid] == others


# --- streak and budget ---------------------------------------------------------------------------


def test_a_good_run_of_60_s_ends_the_streak_and_that_is_an_event() -> None:
    story = running()
    crash_and_restart(story)
    started = story.slot(0).started_at
    assert story.wake_at() == started + 60
    story.now = started + 59.9
    assert story.settle() == []
    story.now = started + 60
    assert kinds(story.settle()) == ["session.recovered"]
    assert story.wake_at() is None
    assert crash_and_restart(story) == 0


def test_after_a_long_backoff_the_good_run_must_be_twice_as_long() -> None:
    story = running()
    for _ in range(9):
        crash_and_restart(story)
    session = story.slot(0)
    assert session.delay >= 60
    assert streak_reset_at(session) == session.started_at + 2 * session.delay


def test_a_spent_budget_is_a_failure_that_says_so_and_a_restart_clears_it() -> None:
    story = running(max_restarts=2)
    crash_and_restart(story)
    crash_and_restart(story)
    story.crash(0)
    (fact,) = story.settle()
    assert isinstance(fact, SessionGaveUp)
    assert is_warning(fact)
    session = story.slot(0)
    assert (session.state, session.reason) == ("failed", "restart-budget")
    assert session.detail == ("2 restarts without a good run; marvel restart demo/squad-agent-g1-0 clears it")
    assert story.later(3600).settle() == []
    story.record(commands.restart_session(story.world, session.uid, story.now))
    story.run()
    assert story.states() == ["running"]
    assert story.slot(0).streak == 0


def test_a_good_run_gives_the_whole_budget_back() -> None:
    story = running(max_restarts=1)
    for _ in range(4):
        crash_and_restart(story)
        story.later(60).settle()
    assert story.states() == ["running"]


def test_a_raised_budget_applies_to_a_slot_that_had_given_up() -> None:
    story = running(max_restarts=1)
    crash_and_restart(story)
    story.crash(0).settle()
    story.apply(role(replicas=1, max_restarts=5))
    story.later(10).settle()
    story.settle()
    assert story.states() == ["pending"]


# --- what is not charged -------------------------------------------------------------------------


def test_a_kill_is_refilled_at_once_and_nothing_is_charged() -> None:
    story = running(max_restarts=2)
    crash_and_restart(story)
    streak, delay = story.slot(0).streak, story.slot(0).delay
    story.kill(0)
    assert story.settle() == []
    story.gone()
    assert kinds(story.settle()) == ["session.scheduled"]
    assert (story.slot(0).streak, story.slot(0).delay) == (streak, delay)


def test_a_kill_under_never_stays_ended_until_a_person_restarts_it() -> None:
    story = running(restart_policy="never")
    story.kill(0)
    story.gone()
    assert story.settle() == []
    assert story.states() == ["stopped"]
    story.record(commands.restart_session(story.world, story.slot(0).uid, story.now))
    story.run()
    assert story.states() == ["running"]


def test_a_dead_tmux_is_one_incident_all_back_at_once_and_no_budget_charged() -> None:
    story = Story(role(replicas=3, max_restarts=1)).run()
    for _ in range(3):
        for session in story.slots():
            story.see(observations.ended(session.uid, reason="tmux-server-lost"))
        assert kinds(story.settle()) == ["session.scheduled"] * 3
        story.start().later(0.1)
    assert {s.streak for s in story.slots()} == {0}


def test_a_dead_tmux_leaves_never_failed_with_the_reason() -> None:
    story = running(restart_policy="never")
    story.see(observations.ended(story.slot(0).uid, reason="tmux-server-lost"))
    assert story.settle() == []
    assert (story.slot(0).state, story.slot(0).reason) == ("failed", "tmux-server-lost")


# --- nothing to run ------------------------------------------------------------------------------


def test_invalid_runtime_does_not_loop_until_the_template_changes_or_a_person_restarts() -> None:
    from tests.given import template

    story = Story(role(replicas=1))
    story.settle()
    story.see(observations.start_failed(story.slot(0).uid, "invalid-runtime", "command x does not exist"))
    assert story.later(3600).settle() == []
    story.apply(role(replicas=1, max_restarts=9))
    assert story.settle() == []
    story.record(commands.restart_session(story.world, story.slot(0).uid, story.now))
    assert kinds(story.settle()) == ["session.scheduled"]
    story.see(observations.start_failed(story.slot(0).uid, "invalid-runtime", "command x does not exist"))
    story.apply(role(replicas=1, template=template("y")))
    story.run()
    assert [s.state for s in story.slots() if s.generation == 2] == ["running"]


# --- a policy that changes in the middle -----------------------------------------------------------


def test_never_in_the_middle_of_a_backoff_ends_the_wait() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0).settle()
    story.apply(role(replicas=1, restart_policy="never"))
    story.settle()
    assert (story.slot(0).state, story.slot(0).reason) == ("failed", "crashed")
    assert story.wake_at() is None


def test_on_failure_in_the_middle_of_a_backoff_leaves_a_success_succeeded() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0, exit_status=0).settle()
    assert story.states() == ["crashloop-backoff"]
    story.apply(role(replicas=1, restart_policy="on-failure"))
    story.settle()
    assert story.states() == ["succeeded"]
    assert story.settle() == []


def test_always_in_place_of_never_fills_the_slot_again() -> None:
    story = running(restart_policy="never")
    story.crash(0).settle()
    story.apply(role(replicas=1, restart_policy="always"))
    story.settle()
    assert story.states() == ["pending"]


def test_a_restarted_slot_in_backoff_starts_at_once() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0).settle()
    story.record(commands.restart_session(story.world, story.slot(0).uid, story.now))
    assert kinds(story.settle()) == ["session.scheduled"]
    assert story.slot(0).streak == 0


def test_a_backoff_ends_with_its_slot_when_the_role_is_scaled_down() -> None:
    story = running()
    crash_and_restart(story)
    story.crash(0).settle()
    story.scale(0)
    assert kinds(story.settle()) == ["cohort.scaled", "session.released"]
    assert [s.state for s in story.world.sessions_of(AGENTS)][-1] == "failed"
