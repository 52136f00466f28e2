"""A plan says in numbers what then happens."""

from __future__ import annotations

import pytest

from marvel import commands, events
from marvel.commands.plan import Plan, Step
from marvel.resources import EndpointSpec, HealthcheckSpec, Manifest, RoleSpec
from tests.given import AGENTS, Story, manifest, role, template


def planned(story: Story, wanted: Manifest, *, prune: bool = False) -> Plan:
    drafts = commands.apply(story.world, wanted, story.now, prune=prune)
    return commands.plan(story.world, wanted, drafts)


def step(plan: Plan, kind: str = "role", key: str = "demo/squad/agent") -> Step:
    (found,) = [one for one in plan.steps if (one.kind, one.key) == (kind, key)]
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (role(replicas=2), role(replicas=5)),
        (role(replicas=5), role(replicas=2)),
        (role(replicas=3), role(replicas=3, max_restarts=1)),
        (role(replicas=3), role(replicas=3, template=template("next"))),
        (role(replicas=3), role(replicas=5, template=template("next"))),
        (role(replicas=5), role(replicas=3, template=template("next"))),
        (role(replicas=2), role(replicas=2)),
        (role(replicas=2), role(replicas=0)),
        (role(replicas=0), role(replicas=2)),
    ],
)
def test_what_a_plan_counts_is_what_then_happens(before: RoleSpec, after: RoleSpec) -> None:
    story = Story(before).run()
    old = {s.uid for s in story.alive()}
    one = step(planned(story, manifest(after)))
    story.apply(after)
    for _ in old:  # one of them at a time, at the slowest
        story.run().gone()
    story.run()
    new = {s.uid for s in story.alive()}
    assert one.keep == len(old & new)
    assert one.stop + one.replace == len(old - new)
    assert one.start + one.replace == len(new - old)


def test_a_new_role_starts_a_removed_one_stops_and_an_unchanged_one_is_kept() -> None:
    story = Story(role(replicas=2), role("lead", replicas=1)).run()
    plan = planned(story, manifest(role("lead", replicas=1), role("scribe", replicas=4)))
    assert plan.steps == (
        Step("create", "role", "demo/squad/scribe", start=4),
        Step("remove", "role", "demo/squad/agent", stop=2),
        Step("keep", "role", "demo/squad/lead", keep=1),
    )
    assert plan.disturbed == 2
    assert not plan.changes_nothing


def test_the_plan_of_an_unchanged_manifest_changes_nothing_also_after_a_scale() -> None:
    story = Story(role(replicas=2)).run()
    story.scale(5)
    plan = planned(story, manifest(role(replicas=2)))
    assert plan.changes_nothing
    assert plan.steps == (Step("keep", "role", "demo/squad/agent", keep=5),)


def test_a_manifest_that_wins_over_a_scaled_count_says_so() -> None:
    story = Story(role(replicas=2)).run()
    story.scale(5)
    story.run()
    one = step(planned(story, manifest(role(replicas=3))))
    assert one.changes == ("replicas: 2 → 3", "replicas: 5 (set by scale) → 3")
    assert (one.stop, one.keep) == (2, 3)


def test_changes_are_named_by_their_manifest_path_with_old_and_new() -> None:
    story = Story(role(replicas=1, healthcheck=HealthcheckSpec(timeout=9.0)))
    wanted = role(replicas=1, max_restarts=3, template=template("next", args=("-x",)))
    one = step(planned(story, manifest(wanted)))
    assert one.changes == (
        "healthcheck.timeout: 9.0 → (default)",
        "healthcheck.type: heartbeat → (default)",
        "max_restarts: (default) → 3",
        "runtime.args: (default) → ['-x']",
        "runtime.command: agent → next",
    )


def test_values_of_env_are_never_shown_but_that_one_changed_is() -> None:
    story = Story(role(template=template(env={"TOKEN": "old", "SAME": "x", "GONE": "y"})))
    one = step(planned(story, manifest(role(template=template(env={"TOKEN": "new", "SAME": "x", "N": "z"})))))
    assert one.changes == (
        "runtime.env.GONE: *** → (default)",
        "runtime.env.N: (default) → ***",
        "runtime.env.TOKEN: *** → ***",
    )


def test_working_agents_among_the_disturbed_are_counted() -> None:
    story = Story(role(replicas=3)).run()
    for slot in (1, 2):
        ref = events.session_ref(story.slot(slot))
        story.add(ref, events.SessionSignaled(activity="working"))
    assert planned(story, manifest(role(replicas=3, template=template("next")))).working == 2
    assert planned(story, manifest(role("other"))).working == 2
    assert planned(story, manifest(role(replicas=3, max_restarts=1))).working == 0
    assert planned(story, manifest(role(replicas=2))).working == 1
    assert planned(story, manifest(role(replicas=0))).working == 2


def test_teams_workspaces_and_endpoints_have_steps_of_their_own() -> None:
    endpoint = EndpointSpec(name="svc", team="squad")
    plan = planned(Story(), manifest(role(replicas=1), endpoints=(endpoint,)))
    assert [(s.verb, s.kind, s.key) for s in plan.steps] == [
        ("create", "workspace", "demo"),
        ("create", "team", "demo/squad"),
        ("create", "role", "demo/squad/agent"),
        ("create", "endpoint", "demo/svc"),
    ]
    story = Story(role("a"), role("b"))
    (order, *_) = planned(story, manifest(role("b"), role("a"))).steps
    assert order.changes == ("order of roles: a, b → b, a",)
    pruned = planned(story, manifest(role(), team="crew"), prune=True)
    assert ("remove", "team", "demo/squad") in [(s.verb, s.kind, s.key) for s in pruned.steps]
    assert step(pruned, key="demo/squad/a").stop == 0


def test_a_session_already_on_its_way_out_is_not_stopped_by_the_plan() -> None:
    story = Story(role(replicas=2)).run()
    story.scale(1)
    story.settle()
    assert step(planned(story, manifest(role("other")))).stop == 1
    assert AGENTS in story.world.roles
