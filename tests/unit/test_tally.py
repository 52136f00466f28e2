"""What agents did in a stretch of the log: times by activity, restarts, shifts, context, cost."""

from __future__ import annotations

import pytest

from marvel import commands
from marvel.cli.tally import Agent, Tally
from marvel.cli.times import span
from marvel.daemon import observations
from marvel.runtimes import Signal
from marvel.world import World
from tests.given import SQUAD, Story, role


def told(story: Story, *, after: int = 0) -> list[Agent]:
    """The agents of a story, or of its end."""
    world, since = World(), story.events[0].time
    for event in story.events[:after]:
        world.apply(event)
        since = event.time
    tally = Tally(world, since)
    for event in story.events[after:]:
        tally.add(event)
    return tally.agents(story.now)


def says(story: Story, slot: int = 0, **signal: object) -> None:
    story.see(observations.signaled(story.slot(slot).uid, Signal(**signal)))  # type: ignore[arg-type]


def test_time_is_counted_by_what_the_agent_said_last() -> None:
    story = Story(role()).run(0)
    says(story, activity="working")
    story.later(60)
    says(story, activity="waiting", detail="permission")
    story.later(30)
    says(story, activity="idle")
    story.later(10)
    (agent,) = told(story)
    assert agent.seconds == {"working": 60, "idle": 10, "waiting": 30, "limited": 0}
    assert agent.running == pytest.approx(100, abs=1)
    assert agent.last_words == "waiting: permission"


def test_an_ended_agent_does_nothing_any_more() -> None:
    story = Story(role(restart_policy="never")).run(0)
    says(story, activity="working")
    story.later(5).crash(0).later(500)
    (agent,) = told(story)
    assert (agent.seconds["working"], agent.last_words) == (5, "failed, crashed, exit 1")


def test_restarts_are_of_the_same_agent_and_tell_why() -> None:
    story = Story(role()).run(100)
    story.crash(0).run(100)
    story.kill(0)
    story.gone().run(100)
    story.crash(0).run(100).run()
    (agent,) = told(story)
    assert agent.restarts == {"crashed": 2, "killed": 1}
    assert (agent.sessions, agent.shifts) == (4, 0)


def test_a_successor_in_a_shift_goes_on_with_the_row() -> None:
    story = Story(role(replicas=2)).run()
    story.record(commands.shift(story.world, SQUAD))
    for _ in range(6):
        story.run().gone()
    agents = told(story)
    assert [(a.session.name, a.shifts, a.sessions) for a in agents] == [
        ("squad-agent-g2-0", 1, 2),
        ("squad-agent-g2-1", 1, 2),
    ]


def test_context_and_cost_are_of_the_stretch_alone() -> None:
    story = Story(role()).run(0)
    says(story, activity="working", context_percent=20.0, cost_usd=1.5)
    after = len(story.events)
    story.later(10)
    says(story, context_percent=80.0, cost_usd=2.0)
    says(story, context_percent=30.0, cost_usd=4.0)
    (agent,) = told(story, after=after)
    assert (agent.context_first, agent.context_last, agent.context_peak) == (20, 30, 80)
    assert agent.cost == pytest.approx(2.5)
    assert agent.seconds["working"] == 10


def test_an_agent_that_resumes_a_conversation_is_not_charged_for_it_twice() -> None:
    story = Story(role()).run()
    says(story, activity="working", agent_session_id="abc", cost_usd=3.0, cost_counter="abc")
    story.crash(0).run()
    says(story, activity="working", agent_session_id="abc", cost_usd=5.0, cost_counter="abc")
    (agent,) = told(story)
    assert agent.cost == pytest.approx(5)


def test_a_cost_that_is_counted_by_process_is_summed_over_a_crash_a_resume_and_a_shift() -> None:
    story = Story(role()).run()
    says(story, activity="working", agent_session_id="abc", cost_usd=0.3)
    story.crash(0).run()
    says(story, activity="working", agent_session_id="abc", cost_usd=0.25)
    assert story.slot(0).cost_usd == pytest.approx(0.55)
    story.record(commands.shift(story.world, SQUAD))
    for _ in range(6):
        story.run().gone()
    says(story, activity="working", agent_session_id="def", cost_usd=0.1)
    assert story.slot(0).cost_usd == pytest.approx(0.1)
    (agent,) = told(story)
    assert agent.cost == pytest.approx(0.65)


def test_a_cost_that_a_process_counts_again_from_zero_is_added() -> None:
    story = Story(role()).run()
    for cost in (0.5, 0.8, 0.1, 0.2):
        says(story, activity="working", cost_usd=cost)
    (agent,) = told(story)
    assert agent.cost == pytest.approx(1.0)


def test_the_cost_of_sub_agents_conversations_is_added() -> None:
    story = Story(role()).run()
    for counter, cost in (("main", 0.5), ("child", 0.2), ("main", 0.7), ("child", 0.4)):
        says(story, activity="working", cost_usd=cost, cost_counter=counter)
    (agent,) = told(story)
    assert agent.cost == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "-"), (0.4, "-"), (45, "45s"), (754, "12m34s"), (11_100, "3h05m"), (187_200, "2d04h")],
)
def test_spans_are_told_in_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words
