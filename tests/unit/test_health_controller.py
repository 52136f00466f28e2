"""Readiness: when a session may take over."""

import pytest

from marvel import commands, events
from marvel.controllers import Probed, Screen, health
from marvel.daemon import observations
from marvel.events import SessionReadied
from marvel.resources import HealthcheckSpec, RoleKey, ShiftSpec, Template
from tests.given import Story, role

BEATS = HealthcheckSpec(type="heartbeat")


def look(story: Story) -> list[events.AnyFact]:
    return [draft.fact for draft in story.decide(health.reconcile).events]


def started(*, promise: str = "none", replicas: int = 1, **fields: object) -> Story:
    """A role whose first session has just started."""
    story = Story(role(replicas=replicas, **fields), promise=promise)  # type: ignore[arg-type]
    story.settle()
    return story.start()


def test_without_a_check_a_running_session_is_ready_at_once_and_said_so_once() -> None:
    story = started()
    assert look(story) == [SessionReadied(ready=True)]
    story.settle()
    assert story.slot(0).ready
    assert look(story) == []


def test_what_is_not_running_is_left_alone() -> None:
    story = Story(role(replicas=2))
    story.settle()
    assert look(story) == []
    story.start().crash(0)
    assert look(story) == []


def test_min_ready_is_waited_for_from_the_start_and_never_longer_than_itself() -> None:
    story = started(shift=ShiftSpec(min_ready=5.0))
    began = story.now
    assert story.decide(health.reconcile)[:2] == ([], began + 5.0)
    story.now = began + 5.0
    assert look(story) == [SessionReadied(ready=True)]
    story.now = began - 3600
    assert look(story) == [SessionReadied(ready=True)]


def test_min_ready_is_2_seconds_unless_a_manifest_says_otherwise() -> None:
    story = started(shift=ShiftSpec())
    assert story.decide(health.reconcile)[:2] == ([], story.now + 2.0)


def test_with_a_dialog_on_its_screen_no_session_is_ready_by_time() -> None:
    story = started(shift=ShiftSpec(min_ready=2.0))
    uid = story.slot(0).uid
    story.later(10)
    story.screens[uid] = Screen(story.now, story.now, story.now, "trust")
    assert story.decide(health.reconcile)[:2] == ([], None)
    story.screens[uid] = Screen(story.now, story.now, story.now, "")
    assert look(story) == [SessionReadied(ready=True)]


@pytest.mark.parametrize("result", [None, (5.0, False), (5.0, None), (-1.0, True)])
def test_with_an_exec_check_a_session_is_ready_with_its_first_pass(
    result: tuple[float, bool | None] | None,
) -> None:
    check = HealthcheckSpec(type="exec", command=("true",))
    story = started(healthcheck=check)
    began, uid = story.now, story.slot(0).uid
    story.later(60)
    if result is not None:
        story.probes[uid] = Probed(began + result[0], result[1], "why")
    assert SessionReadied(ready=True) not in look(story)
    story.probes[uid] = Probed(story.now, True)
    assert look(story) == [SessionReadied(ready=True)]


def test_from_start_a_session_is_ready_with_its_first_beat() -> None:
    story = started(healthcheck=BEATS, promise="from-start")
    story.later(29)
    assert look(story) == []
    story.beat(0)
    assert look(story) == [SessionReadied(ready=True)]


def test_once_seen_nobody_waits_for_beats_until_one_of_the_role_has_beaten() -> None:
    story = started(healthcheck=BEATS, promise="once-seen", replicas=2)
    assert look(story) == [SessionReadied(ready=True)]
    story.run()
    story.beat(0).crash(1).settle()
    story.start()
    assert look(story) == []
    story.beat(1)
    assert look(story) == [SessionReadied(ready=True)]


def test_what_beats_not_at_all_is_ready_by_time() -> None:
    assert look(started(healthcheck=BEATS, promise="none")) == [SessionReadied(ready=True)]


def test_one_offs_are_ready_at_once_and_other_roles_are_not_ours() -> None:
    story = started(healthcheck=BEATS, promise="from-start")
    key = RoleKey("demo", "adhoc", "adhoc")
    story.record(commands.run(story.world, key, Template(), story.now))
    story.start_one(story.events[-1].ref.uid or "")
    assert look(story) == []
    (draft,) = story.decide(health.reconcile, key).events
    assert draft.fact == SessionReadied(ready=True)


def test_a_session_that_ends_is_no_longer_ready() -> None:
    story = started()
    story.settle()
    story.see(observations.ended(story.slot(0).uid, exit_status=0))
    assert not story.world.sessions_of(story.slot(0).role_key)[0].ready


def test_a_promised_stream_that_stays_away_is_told_once_and_never_restarts_the_agent() -> None:
    story = started(healthcheck=BEATS, promise="from-start")
    story.later(75)
    away = observations.degraded(story.slot(0).uid, "no-stream", "its event stream does not open")
    story.see(away)
    story.see(away)
    degraded = [one for one in story.events if isinstance(one.fact, events.SessionDegraded)]
    assert [one.fact for one in degraded] == [
        events.SessionDegraded(reason="no-stream", detail="its event stream does not open")
    ]
    assert story.slot(0).attention == "no-beat"
    story.settle()
    for _ in range(5):  # far longer than three missed beats
        story.later(60).settle()
    assert story.slot(0).state == "running"
    assert story.slot(0).health == "healthy"  # judged by its process alone
    assert story.slot(0).restarts == 0
