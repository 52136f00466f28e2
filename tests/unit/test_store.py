"""The one door and the log behind it, on real SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from marvel import commands, events
from marvel.controllers import view_of
from marvel.errors import Rejected
from marvel.events import Draft, Ref
from marvel.resources import Promise
from marvel.settings import Paths
from marvel.store.bell import Bell, ring
from marvel.store.log import Decide, Store
from tests.given import AGENTS, CONTROLLERS, START, manifest, role

DEMO = Ref(workspace="demo")


def created(workspace: str = "demo") -> Decide:
    return lambda *_: [Draft(ref=Ref(workspace=workspace), fact=events.WorkspaceCreated(uid="1"))]


def scaled(*replicas: int) -> Decide:
    ref = events.role_ref(AGENTS)
    return lambda *_: [Draft(ref=ref, fact=events.RoleScaled(replicas=n)) for n in replicas]


@pytest.fixture
def open_store(paths: Paths) -> Iterator[Callable[..., Store]]:
    opened: list[Store] = []

    def make(**options: object) -> Store:
        opened.append(Store(paths, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


def raw(paths: Paths) -> sqlite3.Connection:
    """Somebody else's connection, with no manners of ours."""
    return sqlite3.connect(paths.database, isolation_level=None)


# --- append-only ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'x'",
        "UPDATE events SET position = 99 WHERE position = 1",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events",
        "REPLACE INTO events SELECT * FROM events WHERE position = 1",
        "INSERT INTO events SELECT * FROM events WHERE position = 1 ON CONFLICT DO UPDATE SET actor = 'x'",
    ],
)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_no_event_is_changed_taken_or_replaced_from_whatever_connection(
    store: Store, paths: Paths, statement: str, recursive: str
) -> None:
    connection = raw(paths)
    connection.execute(f"PRAGMA recursive_triggers = {recursive}")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert store.verify() == (1, None)


def test_an_event_that_takes_anothers_place_in_its_stream_is_refused(store: Store, paths: Paths) -> None:
    connection = raw(paths)
    columns = "time, stream, stream_version, kind, schema, actor, payload, hash"
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(f"INSERT OR REPLACE INTO events ({columns}) SELECT {columns} FROM events")  # noqa: S608
    connection.close()
    assert store.verify() == (1, None)


def test_positions_are_gapless_and_versions_count_up_in_each_stream(store: Store, paths: Paths) -> None:
    store.record(scaled(1, 2), actor="t")
    store.record(created(), actor="t")
    store.record(scaled(3), actor="t")
    query = "SELECT position, stream, stream_version FROM events ORDER BY position"
    role_stream = "role/demo/squad/agent"
    with raw(paths) as connection:
        assert connection.execute(query).fetchall() == [
            (1, "log", 1),
            (2, role_stream, 1),
            (3, role_stream, 2),
            (4, "workspace/demo", 1),
            (5, role_stream, 3),
        ]
    connection.close()


# --- the hash chain ----------------------------------------------------------------------------


def tamper(paths: Paths, statement: str, *values: object) -> None:
    connection = raw(paths)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    assert connection.execute(statement, values).rowcount == 1
    connection.close()


COLUMNS = (
    *("time", "stream", "stream_version", "kind", "schema", "workspace", "team", "role", "session", "uid"),
    *("generation", "actor", "command", "cause", "payload", "hash"),
)


@pytest.mark.parametrize("column", COLUMNS)
def test_one_byte_changed_in_any_column_is_found_at_its_position(
    store: Store, paths: Paths, column: str
) -> None:
    ref = Ref(workspace="demo", team="squad", role="agent", session="s", uid="u", generation=1)
    for _ in range(3):
        draft = Draft(ref=ref, fact=events.SessionCleared(), cause=1)
        store.record(lambda *_, d=draft: [d], actor="test", command="k")  # type: ignore[misc]
        store.record(lambda *_, d=draft: [d], actor="test")  # type: ignore[misc]
    with raw(paths) as connection:
        (value,) = connection.execute(f"SELECT {column} FROM events WHERE position = 2").fetchone()  # noqa: S608
    connection.close()
    if isinstance(value, int):
        changed: object = value ^ (1 << 20)
    elif isinstance(value, bytes):
        changed = bytes([value[0] ^ 1]) + value[1:]
    else:
        changed = chr(ord(value[0]) ^ 1) + value[1:]
    tamper(paths, f"UPDATE events SET {column} = ? WHERE position = 2", changed)  # noqa: S608
    assert store.verify() == (1, "position 2 was changed after it was recorded")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("team", "\0"),  # was NULL
        ("workspace", None),
        ("actor", b"test"),  # the same bytes, another type
        ("payload", b"{\xff}"),  # no UTF-8
        ("generation", 0),
        ("workspace", "demo\x1f"),
    ],
)
def test_no_change_of_type_or_to_null_goes_unseen(
    store: Store, paths: Paths, column: str, value: object
) -> None:
    store.record(created(), actor="test")
    tamper(paths, f"UPDATE events SET {column} = ? WHERE position = 2", value)  # noqa: S608
    assert store.verify() == (1, "position 2 was changed after it was recorded")


def test_text_that_is_no_utf8_is_found_at_its_position(store: Store, paths: Paths) -> None:
    store.record(created(), actor="test")
    tamper(paths, "UPDATE events SET actor = CAST(x'ff74' AS TEXT) WHERE position = 2")
    assert store.verify() == (1, "position 2 was changed after it was recorded")


def test_values_that_run_into_each_other_have_another_hash(store: Store, paths: Paths) -> None:
    ref = Ref(workspace="a\x1fb", team="c")
    store.record(lambda *_: [Draft(ref=ref, fact=events.TeamDeleted())], actor="test")
    tamper(paths, "UPDATE events SET workspace = 'a', team = ? WHERE position = 2", "b\x1fc")
    assert store.verify()[1] is not None


def test_a_missing_event_is_named(store: Store, paths: Paths) -> None:
    store.record(scaled(1, 2, 3), actor="test")
    tamper(paths, "DELETE FROM events WHERE position = 3")
    assert store.verify() == (2, "position 3 is missing (the next one is 4)")


def test_a_log_that_exists_is_opened_and_checked_without_writing_to_it(store: Store, paths: Paths) -> None:
    with closing(sqlite3.connect(paths.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as on a full disk: whatever would write fails
        second = Store(paths, any_triggers=True)
        assert second.verify()[1] is None
        second.close()


def test_a_whole_log_says_how_many_events_it_read(store: Store) -> None:
    store.record(scaled(*range(50)), actor="test")
    assert store.verify() == (51, None)


# --- deciding ------------------------------------------------------------------------------------


def test_a_command_given_twice_is_decided_once(store: Store) -> None:
    first = store.record(scaled(1, 2), actor="t", command="key")
    asked = []

    def never(*_: object) -> list[Draft]:
        asked.append(1)
        return []

    again = store.record(never, actor="t", command="key")
    assert again.events == first.events
    assert asked == []
    assert store.head().position == 3


def test_a_rejected_decision_records_nothing_also_after_it_yielded_some(
    open_store: Callable[..., Store],
) -> None:
    store = open_store(keep_world=True)

    def half(*_: object) -> Iterator[Draft]:
        yield Draft(ref=DEMO, fact=events.WorkspaceCreated(uid="1"))
        raise Rejected("no")

    with pytest.raises(Rejected):
        store.record(half, actor="t")
    assert store.head().position == 1
    recorded = store.record(lambda *_: [], actor="t")
    assert recorded.reloaded
    assert recorded.world.workspaces == {}
    assert store.check() == []


def test_each_draft_is_folded_in_before_the_next_is_asked_for(store: Store) -> None:
    seen = []

    def decide(world: object, now: float) -> Iterator[Draft]:
        yield Draft(ref=DEMO, fact=events.WorkspaceCreated(uid="1"))
        seen.append(list(world.workspaces))  # type: ignore[attr-defined]
        yield Draft(ref=DEMO, fact=events.WorkspaceDeleted())
        seen.append(list(world.workspaces))  # type: ignore[attr-defined]

    store.record(decide, actor="t")
    assert seen == [["demo"], []]
    assert store.check() == []


def test_a_command_may_see_one_workspace_only(store: Store) -> None:
    store.record(created("demo"), actor="t")
    store.record(created("demo2"), actor="t")
    seen = []
    store.record(lambda world, _: seen.append(set(world.workspaces)) or [], actor="t", workspace="demo")
    assert seen == [{"demo"}]


def test_a_look_at_a_log_that_did_not_change_reads_nothing(open_store: Callable[..., Store]) -> None:
    ours, theirs = open_store(keep_world=True), open_store()
    ours.catch_up()
    begun: list[object] = []
    sa.event.listen(ours._engine, "begin", begun.append)
    ours.catch_up()
    ours.record(scaled(5), actor="us")
    assert (ours.catch_up().seen, len(begun)) == ([], 1)  # that of the record
    theirs.record(scaled(6), actor="them")
    assert ([e.kind for e in ours.catch_up().seen], len(begun)) == (["role.scaled"], 2)


def test_a_kept_world_catches_up_with_what_others_recorded(open_store: Callable[..., Store]) -> None:
    ours, theirs = open_store(keep_world=True), open_store()
    ours.catch_up()
    theirs.record(scaled(1), actor="them")
    recorded = ours.record(created(), actor="us")
    assert [e.actor for e in recorded.seen] == ["them", "us"]
    assert [e.actor for e in recorded.events] == ["us"]
    assert not recorded.reloaded
    theirs.record(scaled(2), actor="them")
    assert [e.kind for e in ours.catch_up().seen] == ["role.scaled"]
    assert ours.catch_up().seen == []


def test_a_kept_world_that_was_dropped_does_not_lose_count_of_its_streams(
    open_store: Callable[..., Store],
) -> None:
    ours, theirs = open_store(keep_world=True), open_store()
    ours.record(scaled(1), actor="us")
    ours.rebuild()
    theirs.record(scaled(2), actor="them")
    ours.record(scaled(3), actor="us")
    assert ours.verify() == (4, None)


def test_after_any_failure_the_kept_world_equals_the_rows(
    open_store: Callable[..., Store],
) -> None:
    ours = open_store(keep_world=True)
    ours.record(created(), actor="t")

    def breaks(*_: object) -> Iterator[Draft]:
        yield from scaled(5)()  # type: ignore[call-arg]
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        ours.record(breaks, actor="t")
    caught_up = ours.catch_up()
    assert not caught_up.reloaded
    assert set(caught_up.world.workspaces) == {"demo"}
    assert not ours.catch_up().reloaded


# --- time ----------------------------------------------------------------------------------------


def test_time_never_runs_back_by_a_small_step_and_follows_a_big_one(open_store: Callable[..., Store]) -> None:
    now = [START]
    store = open_store(clock=lambda: now[0])
    times = []
    for at in (START + 10, START + 9.5, START + 9.2, START + 10.1, START + 5, START + 5.1):
        now[0] = at
        times.append(store.record(scaled(1), actor="t").events[0].time - START)
    assert times == pytest.approx([10, 10, 10, 10.1, 5, 5.1])


def test_times_are_whole_microseconds_also_in_memory(open_store: Callable[..., Store]) -> None:
    store = open_store(clock=lambda: START + 0.123456789)
    recorded = store.record(scaled(1), actor="t").events
    assert recorded == list(store.read(after=1))


# --- rows and replay -------------------------------------------------------------------------------


def test_rows_that_were_damaged_are_named_and_rebuilt_from_the_log(store: Store, paths: Paths) -> None:
    store.record(lambda world, now: commands.apply(world, manifest(role()), now), actor="t")
    with raw(paths) as connection:
        connection.execute("UPDATE roles SET data = replace(data, 'agent', 'agenx')")
        connection.execute("UPDATE teams SET workspace = 'elsewhere'")
        connection.execute("DELETE FROM workspaces")
        connection.execute("INSERT INTO endpoints VALUES ('demo/x', 'demo', '{}')")
    connection.close()
    assert store.check() == [
        "endpoints demo/x: row has no event",
        "roles demo/squad/agent: row differs from the log",
        "teams demo/squad: row differs from the log",
        "workspaces demo: row is missing",
    ]
    store.rebuild()
    assert store.check() == []


def test_a_new_projection_number_rebuilds_the_rows_on_the_next_start(
    open_store: Callable[..., Store], paths: Paths
) -> None:
    open_store().record(created(), actor="t")
    with raw(paths) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE name = 'projection'")
        connection.execute("DELETE FROM workspaces")
    connection.close()
    assert open_store().check() == []


def test_reading_goes_on_past_a_batch_and_ends_where_it_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marvel.store.log.READ_BATCH", 7)
    store.record(scaled(*range(30)), actor="t")
    assert [e.position for e in store.read()] == list(range(1, 32))
    assert [e.position for e in store.read(after=3, until=16)] == list(range(4, 17))
    assert store.verify() == (31, None)


def test_controllers_decide_through_the_door_until_nothing_is_left(open_store: Callable[..., Store]) -> None:
    store = open_store(keep_world=True)
    store.record(lambda world, now: commands.apply(world, manifest(role(replicas=3)), now), actor="t")

    def reconcile(world: object, now: float) -> Iterator[Draft]:
        for _ in range(3):
            for act in CONTROLLERS:
                view = view_of(world, AGENTS, leases={}, promise=lambda _: Promise())  # type: ignore[arg-type]
                yield from act(view, now).events

    assert len(store.record(reconcile, actor="daemon").events) == 4
    assert store.record(reconcile, actor="daemon").events == []
    assert store.check() == []


def test_an_unreadable_event_is_named(store: Store, paths: Paths) -> None:
    from marvel.errors import LogUnavailable

    store.record(created(), actor="t")
    tamper(paths, "UPDATE events SET kind = 'session.exploded' WHERE position = 2")
    with pytest.raises(LogUnavailable) as raised:
        list(store.read())
    assert raised.value.message == "event 2 can't be read: unknown event kind 'session.exploded'"
    assert raised.value.hint == "marvel verify tells whether the log is whole"


def test_a_log_keeps_its_id(open_store: Callable[..., Store]) -> None:
    first = open_store()
    assert open_store().log_id == first.log_id
    (event,) = first.read()
    assert event.fact == events.LogCreated(log_id=first.log_id)


def test_leases_keep_the_newest_beat_and_add_up_the_count(store: Store, paths: Paths) -> None:
    store.beat([{"uid": "a", "at": 5_000_000, "context_percent": 40.0, "count": 2}])
    store.beat([{"uid": "a", "at": 6_500_000, "context_percent": None, "count": 3}])
    assert store.leases() == {"a": (6.5, 40.0, None)}
    with raw(paths) as connection:
        assert connection.execute("SELECT count FROM beats").fetchall() == [(5,)]
    connection.close()
    store.rebuild()
    assert store.leases() == {"a": (6.5, 40.0, None)}


# --- the bell ------------------------------------------------------------------------------------


def test_what_is_recorded_rings_and_what_records_nothing_does_not(store: Store, paths: Paths) -> None:
    import select

    bell = Bell(paths.bell)
    store.record(created(), actor="t")
    assert select.select([bell.fileno()], [], [], 5)[0]
    bell.wait(5)
    store.record(lambda *_: [], actor="t")
    assert select.select([bell.fileno()], [], [], 0)[0] == []
    bell.close()
    assert bell.fileno() is None


def test_a_bell_that_is_gone_or_can_not_be_rung_harms_nothing(store: Store, paths: Paths) -> None:
    Path(paths.bell).unlink(missing_ok=True)
    Path(paths.bell).mkdir()
    assert len(store.record(created(), actor="t").events) == 1
    ring("/nowhere/at/all/bell")


def test_without_inotify_a_watcher_polls(store: Store, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marvel.store.bell._inotify", lambda _path: None)
    monkeypatch.setattr("marvel.store.bell.POLL_SECONDS", 0.001)
    bell = Bell(paths.bell)
    assert bell.fileno() is None
    bell.wait(60)
    bell.drain()
    bell.close()
