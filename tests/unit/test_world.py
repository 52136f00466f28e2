"""The fold: given events → these rows."""

import copy

import msgspec
import pytest

from marvel import commands, events
from marvel.events import KINDS, AnyFact, Event, Ref
from marvel.resources import RoleKey, TeamKey
from marvel.world import AUDIT_ONLY, KEPT_PAST_SESSIONS, TABLES, World
from tests.given import AGENTS, SQUAD, Story, role, template
from tests.unit.test_event_kinds import full

SCOPES = {
    "workspace": Ref(workspace="demo"),
    "endpoint": Ref(workspace="demo"),
    "team": Ref(workspace="demo", team="squad"),
    "role": Ref(workspace="demo", team="squad", role="agent"),
    "shift": Ref(workspace="demo", team="squad", role="agent", generation=2),
    "cohort": Ref(workspace="demo", team="squad", role="agent", generation=1),
    "daemon": Ref(),
    "clock": Ref(),
    "tmux": Ref(workspace="demo"),
    "log": Ref(),
    "pane": Ref(workspace="demo"),
}


def lively() -> Story:
    """A world in which every kind of event has something to change."""
    from marvel.resources import EndpointSpec

    story = Story()
    story.apply(role(replicas=2), endpoints=(EndpointSpec(name="name é \x1f", team="squad"),))
    story.run()
    story.add(Ref(), events.DaemonStarted(run_id="run_id é \x1f", pid=1, version="0"))
    story.record(commands.shift(story.world, SQUAD))
    story.settle()
    session = events.session_ref(story.slots()[0])
    story.add(session, events.SessionRetiring(reason="shift", deadline=1.0))
    story.add(session, events.SessionHandoffAsked(text="Write", deadline=1.0))
    return story


def about(story: Story, kind: str) -> Ref:
    noun = kind.partition(".")[0]
    if noun in ("session", "health") or noun not in SCOPES:
        return events.session_ref(story.slots()[0])
    return SCOPES[noun]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_changes_rows_or_is_for_the_audit_only(kind: str) -> None:
    story = lively()
    fact = full(KINDS[kind])
    if kind == "session.scheduled":
        ref = msgspec.structs.replace(about(story, kind), uid="another")
    else:
        ref = about(story, kind)
    event = Event(position=story.world.position + 1, time=story.now, ref=ref, fact=fact, actor="test")
    before = list(story.world.rows())
    made = story.world.apply(event)
    assert (made == []) == isinstance(fact, AUDIT_ONLY)
    assert (list(story.world.rows()) == before) == isinstance(fact, AUDIT_ONLY)
    for change in made:
        assert change.table in TABLES
        if change.row is not None and not kind.startswith("clock"):
            assert change.row.position == event.position


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_event_about_what_is_gone_changes_nothing_or_makes_its_own_resource(kind: str) -> None:
    world, fact = World(), full(KINDS[kind])
    story = lively()
    event = Event(position=1, time=1.0, ref=about(story, kind), fact=fact, actor="test")
    world.apply(event)
    made = {table for table, _key, _row in world.rows()}
    creates = {
        "workspace.created": {"workspaces"},
        "team.applied": {"teams"},
        "role.applied": {"roles"},
        "endpoint.applied": {"endpoints"},
        "cohort.created": {"cohorts", "generations"},
        "session.scheduled": {"sessions"},
        "shift.requested": {"shifts"},
        "shift.started": {"shifts"},
        "daemon.started": {"daemons"},
        "daemon.stalled": {"clocks"},
        "clock.stepped": {"clocks"},
    }
    assert made == creates.get(kind, set())


def test_a_world_made_of_rows_is_the_world_that_made_them() -> None:
    story = lively()
    story.crash(0).run()
    story.scale(1)
    story.run()
    again = World([row for _, _, row in story.world.rows()], position=story.world.position)
    assert _rows(again) == _rows(story.world)
    assert again.role_keys() == story.world.role_keys()
    assert again.past_of(AGENTS) == story.world.past_of(AGENTS)
    assert again.generations == story.world.generations


def _rows(world: World) -> dict[tuple[str, object], object]:
    return {(table, key): row for table, key, row in world.rows()}


# --- what a change keeps and what it gives up ------------------------------------------------------


def test_a_role_applied_again_keeps_its_age_and_the_restart_that_was_asked_for() -> None:
    story = Story(role(replicas=1))
    ref = events.role_ref(AGENTS)
    asked = story.add(ref, events.RoleRestartRequested()).position
    created = story.role().created_at
    story.later(50).apply(role(replicas=2))
    assert (story.role().created_at, story.role().restart_asked) == (created, asked)


def test_generations_outlive_their_role_so_that_no_name_comes_back() -> None:
    from marvel import commands

    story = Story(role(replicas=1)).run()
    story.record(commands.delete_workspace(story.world, "demo", story.now))
    story.settle()
    story.gone().settle()
    assert story.cohorts() == []
    assert story.world.generations == {AGENTS: 1}
    story.apply(role(replicas=1))
    story.settle()
    assert [s.name for s in story.slots()] == ["squad-agent-g2-0"]


def test_how_sessions_end_outlives_the_role_that_said_it() -> None:
    from marvel.resources import StopSpec

    stop = StopSpec(signal="HUP", grace=1.0)
    story = Story(role(replicas=1, stop=stop), role("other")).run()
    story.add(events.role_ref(AGENTS), events.RoleRemoved())
    assert story.view().stop_spec(story.slot(0)) == stop


def test_a_session_started_while_it_is_asked_to_end_stays_stopping() -> None:
    story = Story(role(replicas=1))
    story.settle()
    story.kill(0)
    story.start_one(story.slot(0).uid)
    assert (story.slot(0).state, story.slot(0).reason) == ("stopping", "killed")


def test_a_second_stop_order_never_takes_a_slot_back_that_was_given_up() -> None:
    story = Story(role(replicas=1)).run()
    story.scale(0)
    story.settle()
    order = events.SessionStopping(reason="killed", deadline=story.now + 1)
    story.add(events.session_ref(story.slot(0)), order)
    assert story.slot(0).stop.release
    story.gone()
    assert story.slots() == []


def test_requests_to_another_run_of_the_daemon_are_void() -> None:
    story = Story()
    story.add(Ref(), events.DaemonStarted(run_id="now", pid=1, version="0"))
    story.add(Ref(), events.DaemonStopRequested(run_id="before"))
    story.add(Ref(), events.DaemonStopped(run_id="before", reason="stop"))
    assert not story.world.daemon.stop_requested
    assert story.world.daemon.stopped_at is None
    story.add(Ref(), events.DaemonStopRequested(run_id="now"))
    assert story.world.daemon.stop_requested
    story.add(Ref(), events.DaemonStarted(run_id="next", pid=2, version="0"))
    assert not story.world.daemon.stop_requested


def test_a_beat_that_says_nothing_new_only_tells_that_the_first_was_seen() -> None:
    story = Story(role(replicas=1)).run()
    ref = events.session_ref(story.slot(0))
    story.add(ref, events.SessionSignaled(activity="idle", context_percent=0.0, agent_session_id="a"))
    first = story.slot(0)
    assert (first.context_percent, first.signaled_at) == (0.0, story.now)
    story.later(9).add(ref, events.SessionSignaled(activity="idle"))
    again = story.slot(0)
    assert (again.activity, again.activity_since, again.signaled_at) == (
        "idle",
        first.activity_since,
        first.signaled_at,
    )
    assert (again.context_percent, again.agent_session_id) == (0.0, "a")


def test_only_ten_past_sessions_of_a_role_are_kept_the_newest_ones() -> None:
    story = Story(role(replicas=1), role("other", replicas=1)).run()
    uids = [story.slot(0).uid]
    for _ in range(KEPT_PAST_SESSIONS + 5):
        story.later(100).settle()
        story.crash(0).run()
        uids.append(story.slot(0).uid)
    assert story.world.past_of(AGENTS) == uids[-KEPT_PAST_SESSIONS - 1 : -1]
    assert set(story.world.sessions) == set(uids[-KEPT_PAST_SESSIONS - 1 :])
    other = RoleKey("demo", "squad", "other")
    story.settle(other)
    assert len(story.world.sessions_of(other)) == 1


def test_a_session_on_its_way_out_is_never_pruned() -> None:
    story = Story(role(replicas=1)).run()
    stopping = story.slot(0).uid
    story.apply(role(replicas=1, template=template("next")))
    story.run()
    for _ in range(KEPT_PAST_SESSIONS + 3):
        story.later(100).settle()
        story.crash(0).run()
    assert story.world.sessions[stopping].state == "stopping"


def held(world: World) -> dict[str, object]:
    """Everything a world holds, in an order in which two worlds can be compared."""
    plain = {name: value for name, value in vars(world).items() if name not in ("_rosters", "_undo")}
    rosters = {key: {**vars(roster), "past": list(roster.past)} for key, roster in world._rosters.items()}
    return copy.deepcopy({**plain, "rosters": rosters})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_world_that_is_rolled_back_is_what_it_was(kind: str) -> None:
    story = lively()
    for _ in range(KEPT_PAST_SESSIONS + 1):
        story.later(100).settle()
        story.crash(0).run()
    world, before = story.world, held(story.world)
    world.begin()
    for ref in (about(story, kind), msgspec.structs.replace(about(story, kind), uid="another")):
        fact = full(KINDS[kind])
        world.apply(Event(position=world.position + 1, time=story.now, ref=ref, fact=fact, actor="test"))
    world.rollback()
    assert held(world) == before


def test_a_world_that_was_settled_is_rolled_back_to_where_it_was_settled() -> None:
    story = Story(role("b"))
    story.world.begin()
    story.add(Ref(workspace="other"), events.WorkspaceCreated(uid="uid"))
    story.world.settle()
    story.world.rollback()
    assert "other" in story.world.workspaces


def test_deleting_takes_the_rows_and_teams_list_roles_in_manifest_order() -> None:
    story = Story(role("b"), role("a"))
    assert [r.name for r in story.world.roles_of(TeamKey("demo", "squad"))] == ["b", "a"]
    gone: list[tuple[Ref, AnyFact]] = [
        (events.role_ref(RoleKey("demo", "squad", "a")), events.RoleRemoved()),
        (events.role_ref(RoleKey("demo", "squad", "b")), events.RoleRemoved()),
        (Ref(workspace="demo", team="squad"), events.TeamDeleted()),
        (Ref(workspace="demo"), events.WorkspaceDeleted()),
    ]
    for ref, fact in gone:
        story.add(ref, fact)
    assert list(story.world.rows()) == []
    assert story.world.role_keys() == set()
