"""What a person may ask: given a world → when this command → then these drafts, nothing, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marvel import commands, events
from marvel.daemon import observations
from marvel.errors import DaemonUnavailable, MarvelError, NotFound, Rejected
from marvel.events import Draft, Ref, SessionStopping
from marvel.resources import EndpointSpec, RoleKey, RuntimeSpec, StopSpec, TeamKey, Template
from tests.given import AGENTS, SQUAD, Story, manifest, role, template, with_fields

ADHOC = RoleKey("default", "adhoc", "adhoc")


def refused(command: Callable[[], object], kind: type[MarvelError] = Rejected) -> tuple[str, str]:
    """The message and hint of a refusal."""
    with pytest.raises(kind) as raised:
        command()
    assert type(raised.value) is kind
    return raised.value.message, raised.value.hint


def kinds(drafts: list[Draft]) -> list[str]:
    return [draft.fact.kind for draft in drafts]


# --- work --------------------------------------------------------------------------------------


def test_a_first_manifest_creates_what_it_names_in_order() -> None:
    wanted = manifest(role(replicas=3), role("lead"), endpoints=(EndpointSpec(name="svc", team="squad"),))
    drafts = commands.apply(Story().world, wanted, 1.0)
    assert kinds(drafts) == [
        "workspace.created",
        "team.applied",
        "role.applied",
        "role.applied",
        "endpoint.applied",
    ]
    assert drafts[1].fact == events.TeamApplied(uid=drafts[1].fact.uid, roles=("agent", "lead"))
    assert drafts[2].fact.replicas == 3


def test_applying_the_same_manifest_again_appends_nothing_whatever_happened_meanwhile() -> None:
    endpoint = EndpointSpec(name="svc", team="squad", role="agent")
    wanted = manifest(role(replicas=2), role("lead"), endpoints=(endpoint,))
    story = Story()
    story.record(commands.apply(story.world, wanted, story.now))
    story.run()
    story.crash(0).run()
    story.scale(5)
    story.kill(1)
    assert commands.apply(story.world, wanted, story.now) == []


def test_only_what_changed_is_applied_and_keeps_its_uid() -> None:
    story = Story(role(replicas=1), role("lead"))
    uid = story.role().uid
    made = story.later(9).apply(role(replicas=1, max_restarts=3), role("lead"))
    assert [(e.ref.role, e.kind) for e in made] == [("agent", "role.applied")]
    assert story.role().uid == uid
    assert story.role().spec.max_restarts == 3


def test_roles_dropped_from_a_team_go_and_another_order_is_a_change() -> None:
    story = Story(role(), role("lead"))
    assert [e.kind for e in story.apply(role("lead"))] == ["team.applied", "role.removed"]
    assert AGENTS not in story.world.roles
    story.apply(role("lead"), role())
    assert [e.kind for e in story.apply(role(), role("lead"))] == ["team.applied"]


def test_teams_that_a_manifest_does_not_name_stay_but_for_prune() -> None:
    story = Story(role())
    story.apply(role(), team="crew")
    story.apply(role(), team="squad", workspace="demo2")
    only = manifest(role(), team="crew")
    assert commands.apply(story.world, only, 1.0) == []
    drafts = commands.apply(story.world, only, 1.0, prune=True)
    assert [(d.ref.workspace, d.ref.team, d.fact.kind) for d in drafts] == [
        ("demo", "squad", "role.removed"),
        ("demo", "squad", "team.deleted"),
    ]
    story.record(drafts)
    assert commands.apply(story.world, only, 1.0, prune=True) == []
    assert TeamKey("demo2", "squad") in story.world.teams


@pytest.mark.parametrize(
    ("before", "declared", "after", "replicas"),
    [
        (3, 3, 5, 5),  # the manifest is as it was: the scaled count stands
        (3, 4, 5, 4),  # the manifest's own number changed: it wins
        (3, 5, 5, 5),
        (3, 3, 0, 0),
    ],
)
def test_a_scaled_count_stands_while_the_manifests_own_number_does_not_change(
    before: int, declared: int, after: int, replicas: int
) -> None:
    story = Story(role(replicas=before))
    story.scale(after)
    story.apply(role(replicas=declared, max_restarts=7))
    assert story.role().replicas == replicas
    assert story.role().spec.max_restarts == 7
    assert story.apply(role(replicas=declared, max_restarts=7)) == []


def test_stars_keep_the_recorded_value_of_env_and_need_one() -> None:
    story = Story(role(template=template(env={"TOKEN": "old", "PLAIN": "1"})))
    masked = role(template=template(env={"TOKEN": "***", "PLAIN": "***"}))
    assert story.apply(masked) == []
    story.apply(role(template=template(env={"TOKEN": "***", "PLAIN": "2"})))
    assert story.role().spec.template.runtime.env == {"TOKEN": "old", "PLAIN": "2"}
    message = "demo/squad/agent: env OTHER is ***, which keeps the recorded value, and there is none"
    hint = "give the value itself, or use env_from"
    other = manifest(role(template=template(env={"OTHER": "***"})))
    assert refused(lambda: commands.apply(story.world, other, 1.0)) == (message, hint)
    assert refused(lambda: commands.apply(Story().world, other, 1.0)) == (message, hint)


def test_endpoints_change_leave_with_their_teams_manifest_and_survive_others() -> None:
    svc, all_of = (
        EndpointSpec(name="svc", team="squad", role="agent"),
        EndpointSpec(name="all", team="squad"),
    )
    story = Story()
    story.apply(role(), endpoints=(svc, all_of))
    changed = with_fields(svc, role="")
    assert [e.kind for e in story.apply(role(), endpoints=(changed, all_of))] == ["endpoint.applied"]
    assert story.apply(role(), team="crew") != []
    assert set(story.world.endpoints) == {("demo", "svc"), ("demo", "all")}
    made = story.apply(role(), endpoints=(changed,))
    assert [(e.kind, e.fact.name) for e in made] == [("endpoint.removed", "all")]


# --- scale -------------------------------------------------------------------------------------


def test_scaling_to_the_count_there_is_does_nothing() -> None:
    story = Story(role(replicas=2))
    assert commands.scale(story.world, AGENTS, 2) == []
    (draft,) = commands.scale(story.world, AGENTS, 0)
    assert draft.fact == events.RoleScaled(replicas=0)


def test_scale_refuses_what_makes_no_sense() -> None:
    story = Story(role(), role("lead"))
    scale = commands.scale
    assert refused(lambda: scale(story.world, AGENTS, -1)) == ("replicas must be at least 0, is -1", "")
    assert refused(lambda: scale(story.world, AGENTS, 1001)) == (
        "1001 sessions of demo/squad/agent are more than 1000",
        "--force-large if you mean it",
    )
    assert kinds(scale(story.world, AGENTS, 1001, force_large=True)) == ["role.scaled"]
    assert kinds(scale(story.world, AGENTS, 1000)) == ["role.scaled"]
    assert refused(lambda: scale(story.world, RoleKey("demo", "squad", "x"), 1), NotFound) == (
        "team demo/squad has no role x",
        "its roles: agent, lead",
    )
    assert refused(lambda: scale(story.world, RoleKey("demo", "x", "x"), 1), NotFound) == (
        "no such team: demo/x",
        "marvel get teams lists what there is",
    )


# --- run ---------------------------------------------------------------------------------------


def test_a_one_off_makes_its_workspace_and_takes_the_lowest_free_number() -> None:
    story = Story()
    made = story.record(commands.run(story.world, ADHOC, Template(), story.now))
    assert [e.kind for e in made] == ["workspace.created", "session.scheduled"]
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    assert [s.name for s in story.world.sessions.values()] == ["adhoc-0", "adhoc-1", "adhoc-2"]
    middle = next(s for s in story.world.sessions.values() if s.name == "adhoc-1")
    story.see(observations.ended(middle.uid, exit_status=0))
    story.record(commands.delete_session(story.world, middle.uid, story.now))
    (draft,) = commands.run(story.world, ADHOC, Template(), story.now)
    assert draft.ref.session == "adhoc-1"
    assert draft.ref.uid != middle.uid


def test_a_one_off_keeps_its_own_template_and_promise() -> None:
    wanted = Template(runtime=RuntimeSpec(image="claude", command="zclaude", args=("a b", "$(id)")))
    (*_, draft) = commands.run(Story().world, ADHOC, wanted, 1.0, heartbeat="once-seen")
    assert (draft.fact.template, draft.fact.heartbeat, draft.fact.one_off) == (wanted, "once-seen", True)
    assert (draft.fact.image, draft.fact.command) == ("claude", "zclaude")


# --- kill, restart, delete of a session -------------------------------------------------------


def test_killing_orders_a_stop_as_the_role_says_and_asking_again_changes_nothing() -> None:
    story = Story(role(stop=StopSpec(signal="INT", grace=4.0, keys=("C-c",)))).run()
    uid = story.slot(0).uid
    (draft,) = commands.kill(story.world, uid, story.now)
    assert draft.fact == SessionStopping(reason="killed", deadline=story.now + 6, signal="INT", keys=("C-c",))
    assert draft.cause == story.slot(0).position
    story.record([draft])
    assert commands.kill(story.world, uid, story.now) == []


def test_killing_what_has_ended_or_never_was_is_refused() -> None:
    story = Story(role(restart_policy="never")).run()
    uid = story.slot(0).uid
    story.crash(0)
    assert refused(lambda: commands.kill(story.world, uid, 1.0)) == (
        "demo/squad-agent-g1-0 is not running: failed",
        "marvel restart demo/squad-agent-g1-0 starts it again",
    )
    assert refused(lambda: commands.kill(story.world, "nope", 1.0), NotFound) == (
        "no such session: nope",
        "marvel get sessions lists what there is",
    )


def test_restarting_a_session_replaces_a_live_one_and_wakes_an_ended_one_once() -> None:
    story = Story(role(restart_policy="never")).run()
    uid = story.slot(0).uid
    (draft,) = commands.restart_session(story.world, uid, story.now)
    assert (draft.fact.reason, draft.fact.release) == ("restarted", False)
    story.crash(0)
    story.record(commands.restart_session(story.world, uid, story.now))
    assert story.events[-1].kind == "session.restart-requested"
    assert commands.restart_session(story.world, uid, story.now) == []


def test_restarting_what_has_no_slot_is_refused() -> None:
    story = Story(role()).run()
    old = story.slot(0).uid
    story.crash(0).run()
    assert refused(lambda: commands.restart_session(story.world, old, 1.0)) == (
        "demo/squad-agent-g1-0 no longer has a slot to start in",
        "",
    )
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    uid = story.events[-1].ref.uid or ""
    assert refused(lambda: commands.restart_session(story.world, uid, 1.0)) == (
        "default/adhoc-0 is a one-off: nothing restarts it",
        "start another: marvel run …",
    )


def test_deleting_a_session_kills_forgets_or_refills_by_what_it_is() -> None:
    story = Story(role(restart_policy="never")).run()
    assert kinds(commands.delete_session(story.world, story.slot(0).uid, 1.0)) == ["session.stopping"]
    story.crash(0)
    assert kinds(commands.delete_session(story.world, story.slot(0).uid, 1.0)) == [
        "session.restart-requested"
    ]
    story.record(commands.run(story.world, ADHOC, Template(), story.now))
    uid = story.events[-1].ref.uid or ""
    (draft,) = commands.delete_session(story.world, uid, 1.0)
    assert (draft.fact.kind, draft.fact.release) == ("session.stopping", True)
    story.see(observations.ended(uid, exit_status=0))
    assert kinds(commands.delete_session(story.world, uid, 1.0)) == ["session.forgotten"]


def test_restarting_a_team_asks_for_each_of_its_roles() -> None:
    story = Story(role(), role("lead"))
    drafts = commands.restart_team(story.world, SQUAD)
    assert [(d.ref.role, d.fact.kind) for d in drafts] == [
        ("agent", "role.restart-requested"),
        ("lead", "role.restart-requested"),
    ]
    assert refused(lambda: commands.restart_team(story.world, TeamKey("demo", "x")), NotFound)[0] == (
        "no such team: demo/x"
    )


# --- delete ------------------------------------------------------------------------------------


def two_workspaces() -> Story:
    story = Story()
    for workspace in ("demo", "demo2"):
        endpoints = (EndpointSpec(name="svc", team="squad"),)
        story.apply(role(), workspace=workspace, endpoints=endpoints)
        story.apply(role(), workspace=workspace, team="crew")
        key = RoleKey(workspace, "adhoc", "adhoc")
        story.record(commands.run(story.world, key, Template(), story.now))
    return story


def test_deleting_a_workspace_takes_all_that_is_in_it_and_nothing_of_its_namesake() -> None:
    story = two_workspaces()
    drafts = commands.delete_workspace(story.world, "demo", story.now)
    assert kinds(drafts) == [
        "endpoint.removed",
        *("role.removed", "team.deleted") * 2,
        "session.stopping",
        "workspace.deleted",
    ]
    assert {draft.ref.workspace for draft in drafts} == {"demo"}
    story.record(drafts)
    assert set(story.world.workspaces) == {"demo2"}
    assert {key.workspace for key in story.world.teams} == {"demo2"}
    assert refused(lambda: commands.delete_workspace(story.world, "demo", 1.0), NotFound) == (
        "no such workspace: demo",
        "marvel get workspaces",
    )


def test_deleting_a_team_takes_its_endpoints_and_roles() -> None:
    story = two_workspaces()
    drafts = commands.delete_team(story.world, TeamKey("demo", "squad"))
    assert kinds(drafts) == ["endpoint.removed", "role.removed", "team.deleted"]
    assert refused(lambda: commands.delete_team(story.world, TeamKey("demo", "x")), NotFound)[0] == (
        "no such team: demo/x"
    )


def test_deleting_an_endpoint_touches_nothing_else() -> None:
    story = two_workspaces()
    (draft,) = commands.delete_endpoint(story.world, "demo", "svc")
    assert (draft.ref, draft.fact) == (Ref(workspace="demo"), events.EndpointRemoved(name="svc"))
    assert refused(lambda: commands.delete_endpoint(story.world, "demo", "x"), NotFound) == (
        "no such endpoint: demo/x",
        "marvel get endpoints",
    )


# --- stop ----------------------------------------------------------------------------------------


def test_only_the_daemon_of_that_run_is_asked_to_end_and_only_once() -> None:
    story = Story()
    gone = ("that daemon no longer runs", "")
    assert refused(lambda: commands.stop_daemon(story.world, "run"), DaemonUnavailable) == gone
    story.see(observations.daemon_started("run", 1, "0"))
    assert refused(lambda: commands.stop_daemon(story.world, "before"), DaemonUnavailable) == gone
    story.record(commands.stop_daemon(story.world, "run"))
    assert story.world.daemon.stop_requested
    assert commands.stop_daemon(story.world, "run") == []
    story.see(observations.daemon_stopped("run", "stop"))
    assert refused(lambda: commands.stop_daemon(story.world, "run"), DaemonUnavailable) == gone


def test_every_command_leaves_the_world_it_was_given_as_it_was() -> None:
    story = two_workspaces()
    before: Any = list(story.world.rows())
    uid = next(iter(story.world.sessions))
    commands.apply(story.world, manifest(role(replicas=9)), 1.0, prune=True)
    commands.scale(story.world, AGENTS, 4)
    commands.kill(story.world, uid, 1.0)
    commands.delete_workspace(story.world, "demo", 1.0)
    assert list(story.world.rows()) == before
