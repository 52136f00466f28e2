"""Cohort counts while no shift runs: the newest generation has the role's replicas."""

from marvel import commands, events
from marvel.controllers import shifts
from marvel.events import CONTROLLER_SHIFTS
from tests.given import AGENTS, SQUAD, Story, kinds, role, template


def look(story: Story) -> list[events.AnyFact]:
    return [draft.fact for draft in story.decide(shifts.reconcile).events]


def test_a_new_role_gets_its_first_generation_with_its_replicas() -> None:
    story = Story(role(replicas=3))
    (draft,) = story.decide(shifts.reconcile).events
    assert draft.fact == events.CohortCreated(template=template(), count=3)
    assert (draft.ref.generation, draft.cause, draft.actor) == (1, story.role().position, CONTROLLER_SHIFTS)


def test_counts_that_are_as_wanted_are_left_alone_whatever_the_sessions_do() -> None:
    story = Story(role(replicas=2)).run()
    story.crash(0)
    story.kill(1)
    assert look(story) == []


def test_a_scaled_role_scales_its_newest_generation() -> None:
    story = Story(role(replicas=2)).run()
    story.scale(5)
    assert look(story) == [events.CohortScaled(count=5)]


def test_a_live_field_makes_no_generation() -> None:
    story = Story(role(replicas=2)).run()
    story.apply(role(replicas=2, max_restarts=3, start_interval=1.0, restart_policy="never"))
    assert look(story) == []


def test_generations_count_on_also_after_the_role_was_deleted() -> None:
    story = Story(role(replicas=1)).run()
    for command in ("b", "c"):
        story.apply(role(replicas=1, template=template(command)))
        story.run().gone().run()
    assert [c.generation for c in story.cohorts()] == [3]
    story.record(commands.delete_team(story.world, SQUAD))
    story.settle()
    story.gone().settle()
    assert story.cohorts() == []
    story.apply(role(replicas=1))
    assert kinds(story.settle())[0] == "cohort.created"
    assert [c.generation for c in story.cohorts()] == [4]


def test_an_old_generation_stays_until_its_last_session_is_proven_gone() -> None:
    story = Story(role(replicas=1)).run()
    story.record(commands.delete_team(story.world, SQUAD))
    assert kinds(story.settle()) == ["cohort.scaled", "session.stopping"]
    assert look(story) == []
    story.gone()
    assert look(story) == [events.CohortRemoved()]


def test_a_role_that_comes_back_before_it_was_gone_begins_anew() -> None:
    story = Story(role(replicas=1)).run()
    story.record(commands.delete_team(story.world, SQUAD))
    story.settle()
    story.apply(role(replicas=2))
    assert [(type(fact), fact.count) for fact in look(story)] == [(events.CohortCreated, 2)]
    story.run().gone().run()
    assert [s.generation for s in story.slots() if s.state == "running"] == [2, 2]


def test_other_roles_cohorts_are_not_ours() -> None:
    story = Story(role(replicas=1), role("lead", replicas=1)).run()
    story.scale(4, AGENTS._replace(role="lead"))
    assert look(story) == []
