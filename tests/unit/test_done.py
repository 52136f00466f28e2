"""One meaning of done: what everything that waits asks."""

from __future__ import annotations

import pytest

from marvel import commands, events
from marvel.cli import done
from marvel.cli.done import Progress, Seen
from marvel.resources import RoleKey
from tests.given import AGENTS, SQUAD, Story, role, template

OTHER = RoleKey("demo", "squad", "other")


def seen(story: Story) -> Seen:
    world = story.world
    return Seen(
        teams={key: team.roles for key, team in world.teams.items()},
        roles=dict(world.roles),
        cohorts={key: world.cohorts_of(key) for key in world.roles},
        shifts=dict(world.shifts),
        sessions=list(world.sessions.values()),
    )


def progress(story: Story, *keys: RoleKey, declared: bool = True) -> Progress:
    return done.of_roles(seen(story), list(keys or (AGENTS,)), story.now, declared=declared)


def is_done(one: Progress) -> bool:
    return one.done >= one.total and not one.failed


def test_a_role_is_done_when_as_many_are_ready_as_are_wanted() -> None:
    story = Story(role(replicas=2))
    assert not is_done(progress(story))  # no daemon has looked yet
    story.settle()
    assert not is_done(progress(story))
    story.run()
    assert progress(story) == Progress(2, 2, "2 of 2 ready")


def test_the_surplus_of_one_role_hides_no_other() -> None:
    story = Story(role(replicas=2), role("other", replicas=2))
    story.run()
    assert not is_done(progress(story, AGENTS, OTHER))
    assert progress(story, AGENTS, OTHER)[:2] == (2, 4)


@pytest.mark.parametrize("declared", [True, False])
def test_only_the_wanted_generation_counts_and_no_shift_may_be_in_progress(declared: bool) -> None:
    story = Story(role()).run()
    story.apply(role(template=template("another")))
    assert not is_done(progress(story, declared=declared))  # before the daemon has begun
    story.settle()
    assert not is_done(progress(story, declared=declared))
    story.run()  # the new one is ready, the old one still stops
    assert not is_done(progress(story, declared=declared))
    story.gone().run()
    assert is_done(progress(story, declared=declared))


def test_after_an_abort_what_was_kept_is_done_but_not_as_the_manifest_wants_it() -> None:
    story = Story(role()).run()
    story.apply(role(template=template("another")))
    story.settle()
    story.record(commands.shift_abort(story.world, SQUAD))
    assert not is_done(progress(story, declared=False))
    story.run().gone().run()
    assert is_done(progress(story, declared=False))
    assert "was aborted" in progress(story).failed


def test_nothing_wanted_is_done_when_nothing_is_left() -> None:
    story = Story(role()).run()
    story.scale(0)
    story.settle()
    assert progress(story)[:3] == (0, 1, "0 of 1 ready; 1 of agent still stopping")
    story.gone().settle()
    assert is_done(progress(story))


def test_what_was_deleted_meanwhile_is_a_failure_with_that_word() -> None:
    story = Story(role(), role("other")).run()
    story.apply(role())
    assert progress(story, OTHER).failed == "role demo/squad/other was deleted"
    story.record(commands.delete_team(story.world, SQUAD))
    assert progress(story).failed == "team demo/squad was deleted"


@pytest.mark.parametrize(
    ("fields", "exits", "failed"),
    [
        ({"restart_policy": "never"}, [1], "squad-agent-g1-0 is failed (exit 1): crashed"),
        ({"max_restarts": 1}, [1, 1], "squad-agent-g1-0 is failed (exit 1): 1 restarts without a good run"),
        ({"max_runtime": 100.0}, [], "squad-agent-g1-0 is failed (SIGTERM): budget"),
    ],
)
def test_what_can_no_longer_come_fails_with_its_reason(
    fields: dict[str, object], exits: list[int], failed: str
) -> None:
    story = Story(role(**fields)).run()  # type: ignore[arg-type]
    for status in exits:
        story.crash(0, exit_status=status).run()
    if not exits:
        story.later(200).run().gone().run()
    assert progress(story).failed.startswith(failed)


def test_a_session_that_a_shift_is_about_to_replace_does_not_fail_the_wait_for_it() -> None:
    story = Story(role(restart_policy="never")).run()
    story.crash(0).run()
    assert progress(story).failed
    story.record(commands.shift(story.world, SQUAD))
    assert not progress(story).failed  # asked for, not begun: roles shift one after the other
    story.run()
    story.gone().run()
    assert is_done(progress(story))
    story.crash(0).run()
    story.apply(role(restart_policy="never", template=template("another")))
    assert not progress(story).failed


def test_a_missing_command_fails_and_a_task_that_succeeded_is_done() -> None:
    story = Story(role(restart_policy="on-failure")).run()
    story.crash(0, exit_status=0)
    assert is_done(progress(story))
    story = Story(role())
    story.settle()
    story.add(
        events.session_ref(story.slot(0)),
        events.SessionStartFailed(reason="invalid-runtime", detail="no such command: agent"),
    )
    assert progress(story).failed == "squad-agent-g1-0 is failed: no such command: agent"


def test_a_session_that_crashed_twice_is_not_done_though_it_runs_before_it_has_run_well() -> None:
    story = Story(role()).run()
    story.crash(0).run()
    assert is_done(progress(story))  # once may happen to anybody
    story.crash(0).run(2).run()
    assert story.slot(0).ready
    assert progress(story)[:3] == (0, 1, "0 of 1 ready; squad-agent-g1-0 ended 2 times without a good run")
    story.later(100).settle()
    assert is_done(progress(story))
