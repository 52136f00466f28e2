"""A plan says in numbers what then happens."""

from __future__ import annotations

import msgspec
import pytest

from marvel import commands, events
from marvel.commands.plan import DURATIONS, Plan, Step
from marvel.manifest.quantities import Duration
from marvel.manifest.table import MANIFEST, Section
from marvel.resources import (
    EndpointSpec,
    HealthcheckSpec,
    Manifest,
    RoleSpec,
    RuntimeSpec,
    ShiftSpec,
    StopSpec,
    TeamKey,
    Template,
)
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
        "healthcheck.timeout: 9s → (default)",
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


def test_durations_are_shown_as_durations_and_a_prompt_by_its_size() -> None:
    before = role(
        stop=StopSpec(grace=10.0), template=Template(runtime=RuntimeSpec(command="a"), prompt="é" * 20)
    )
    after = role(
        stop=StopSpec(grace=90.5), template=Template(runtime=RuntimeSpec(command="a"), prompt="x" * 61)
    )
    after = msgspec.structs.replace(after, max_runtime=5400.0)
    assert step(planned(Story(before), manifest(after))).changes == (
        "max_runtime: (default) → 1h30m",
        "stop.grace: (default) → 90500ms",
        "prompt: changed (40 → 61 bytes)",
    )


def test_every_field_that_a_manifest_has_as_a_duration_is_shown_as_one() -> None:
    def names(section: Section) -> set[str]:
        own = {field.key for field in section.fields if isinstance(field.kind, Duration)}
        return own.union(*map(names, section.sections))

    assert names(MANIFEST) == DURATIONS


def rolled_back() -> tuple[Story, RoleSpec]:
    """A team whose shift to another template was aborted and is run back."""
    good = role(replicas=2, shift=ShiftSpec(min_ready=60.0))
    story = Story(good).run(100.0)
    story.apply(msgspec.structs.replace(good, template=template("bad")))
    story.run()
    fact = events.ShiftAborted(reason="ready-timeout")
    story.add(events.role_ref(AGENTS, 2), fact)
    for _ in range(5):
        story.run(10.0).gone()
    assert ([c.aborted for c in story.cohorts()], story.world.shifts) == ([False, True], {})
    return story, good


def test_after_an_automatic_rollback_a_plan_compares_with_what_runs() -> None:
    story, good = rolled_back()
    back = step(planned(story, manifest(good)))
    assert (back.verb, back.keep, back.replace, back.note) == ("change", 2, 0, "")
    assert planned(story, manifest(good)).disturbed == 0

    same = planned(story, manifest(msgspec.structs.replace(good, template=template("bad"))))
    assert same.changes_nothing
    note = (
        "the shift to generation 2 was aborted: the sessions run the template of generation 1; "
        "marvel shift demo/squad --role agent tries again"
    )
    assert same.told() == f"unchanged\ndemo/squad/agent: {note}\n"
    assert f"    {note}\n" in same.told(whole=True)

    other = step(planned(story, manifest(msgspec.structs.replace(good, template=template("other")))))
    assert (other.replace, other.keep) == (2, 0)


def test_a_plan_over_an_undone_shift_says_that_something_else_runs() -> None:
    story = Story(role(replicas=1)).run()
    story.apply(role(replicas=1, template=template("next")))
    for _ in range(5):
        story.run(10.0).gone()
    assert planned(story, manifest(role(replicas=1, template=template("next")))).told() == "unchanged\n"
    story.record(commands.shift_undo(story.world, TeamKey("demo", "squad")))
    for _ in range(5):
        story.run(10.0).gone()
    plan = planned(story, manifest(role(replicas=1, template=template("next"))))
    assert plan.told() == (
        "unchanged\ndemo/squad/agent: undone: the sessions run the template of generation 1; "
        "marvel shift undo demo/squad --role agent --to 2 goes forward\n"
    )
    story.record(commands.shift_undo(story.world, TeamKey("demo", "squad"), generation=2))
    for _ in range(5):
        story.run(10.0).gone()
    assert planned(story, manifest(role(replicas=1, template=template("next")))).told() == "unchanged\n"


def test_a_plan_over_a_template_that_waits_for_a_shift_by_hand_says_so() -> None:
    manual = ShiftSpec(on_change="manual")
    story = Story(role(replicas=1, shift=manual)).run()
    wanted = role(replicas=1, shift=manual, template=template("next"))
    one = step(planned(story, manifest(wanted)))
    assert (one.keep, one.replace) == (1, 0)
    assert one.note.startswith("on_change is manual: the sessions run the template of generation 1; ")
    story.apply(wanted)
    assert planned(story, manifest(wanted)).notes() == [f"demo/squad/agent: {one.note}"]
