"""Old events in a file beside the log: both are whole, and what is left goes on as before."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from marvel.errors import LogUnavailable
from marvel.events import Draft, Ref, WorkspaceCreated, WorkspaceDeleted
from marvel.resources import HealthcheckSpec
from marvel.settings import Paths
from marvel.store import archive, snapshots
from marvel.store.chain import check_file
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.rows import events_after, world_at
from marvel.world import World
from tests.given import START, Story, role


@pytest.fixture
def store(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A log of some hundred events, with snapshots every hundred."""
    monkeypatch.setattr(snapshots, "EVERY", 100)
    story = Story(role(replicas=5, healthcheck=HealthcheckSpec()))
    for turn in range(24):
        story.run().crash(turn % 3).run(turn)
        story.scale(4 + turn % 3)
        story.run().gone().run()
    store = Store(paths, clock=lambda: START)
    for event in story.events:
        draft = Draft(ref=event.ref, fact=event.fact, cause=event.cause, actor=event.actor)
        store.record(lambda *_, draft=draft: [draft], actor="test")  # type: ignore[misc]
    return store


def archived(store: Store, paths: Paths, last: int) -> Path:
    with Reader(paths) as reader:
        first = reader.first()
    made = archive.write_file(paths, first, last)
    store.record(lambda *_: [made.draft()], actor="test", and_then=lambda c: archive.cut(c, made))
    return Path(paths.home) / made.file


def contents(world: World) -> dict[object, object]:
    return {(table, key): row for table, key, row in world.rows()}


def test_both_parts_are_whole_and_the_log_goes_on(store: Store, paths: Paths) -> None:
    head = store.head()
    file = archived(store, paths, 150)
    assert check_file(str(file)).position == 150
    assert store.verify() == (head.position - 150 + 1, None)
    assert store.check() == []
    store.rebuild()
    assert store.check() == []
    store.record(lambda *_: [Draft(ref=Ref(workspace="x"), fact=WorkspaceCreated(uid="1"))], actor="t")
    assert store.verify()[1] is None


def test_the_world_at_what_is_left_is_what_it_was(store: Store, paths: Paths) -> None:
    positions = (150, 151, 199, 200, 250)
    with Reader(paths) as reader:
        before = {at: contents(world_at(reader, at)) for at in positions}
    archived(store, paths, 150)
    with Reader(paths) as reader:
        assert {at: contents(world_at(reader, at)) for at in positions} == before
        with pytest.raises(LogUnavailable, match="event 1 is not in the log"):
            world_at(reader, 149)


def test_no_version_of_a_stream_is_used_twice(store: Store, paths: Paths) -> None:
    ref = Ref(workspace="rare")
    store.record(lambda *_: [Draft(ref=ref, fact=WorkspaceCreated(uid="1"))], actor="t")
    at = store.head().position
    store.record(lambda *_: [Draft(ref=Ref(workspace="other"), fact=WorkspaceCreated(uid="2"))], actor="t")
    archived(store, paths, at)
    store.record(lambda *_: [Draft(ref=ref, fact=WorkspaceDeleted())], actor="t")
    with sqlite3.connect(paths.database) as log:
        query = "SELECT stream_version FROM events WHERE stream = 'workspace/rare'"
        assert log.execute(query).fetchall() == [(2,)]
    log.close()


def test_events_can_be_archived_again_and_each_file_is_whole(store: Store, paths: Paths) -> None:
    first, second = archived(store, paths, 100), archived(store, paths, 220)
    assert [file.name for file in (first, second)] == ["archive-1-100.db", "archive-101-220.db"]
    assert [check_file(str(file)).position for file in (first, second)] == [100, 220]
    assert store.verify()[1] is None
    assert store.check() == []
    with Reader(paths) as reader:
        assert reader.archives() == [(1, 100, first.name), (101, 220, second.name)]


def test_an_archive_opens_as_the_log_it_was(store: Store, paths: Paths, tmp_path: Path) -> None:
    with Reader(paths) as reader:
        before = contents(world_at(reader, 150))
    file = archived(store, paths, 150)
    old = Paths(str(tmp_path / "old"))
    (tmp_path / "old").mkdir(mode=0o700)
    shutil.move(file, old.database)
    with Reader(old) as reader:
        assert len(reader.rows("sessions")) > 5
    again = Store(old)
    assert (again.log_id, again.head().position) == (store.log_id, 150)
    assert again.check() == []
    with Reader(old) as reader:
        assert contents(world_at(reader, 150)) == before
        assert len(list(events_after(reader, 0, until=150))) == 150
    again.close()


def test_a_log_that_was_archived_from_is_append_only_still(store: Store, paths: Paths) -> None:
    archived(store, paths, 150)
    with sqlite3.connect(paths.database) as log:
        for statement in ("DELETE FROM events", "UPDATE events SET actor = 'me'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                log.execute(statement)
    log.close()


def test_a_changed_base_is_found(store: Store, paths: Paths) -> None:
    archived(store, paths, 150)
    with sqlite3.connect(paths.database) as log:
        log.execute("UPDATE archives SET world = x'00'")
    log.close()
    assert "was changed after they were archived" in (store.verify()[1] or "")
    with sqlite3.connect(paths.database) as log:
        log.execute("UPDATE archives SET hash = x'00'")
    log.close()
    assert store.verify() == (0, "position 151 was changed after it was recorded")


def test_a_kept_world_that_had_not_seen_what_was_archived_is_read_anew(store: Store, paths: Paths) -> None:
    daemon = Store(paths, keep_world=True)
    daemon.catch_up()
    at = daemon.head().position
    for number in range(3):
        fact = WorkspaceCreated(uid=str(number))
        store.record(
            lambda *_, n=number, fact=fact: [Draft(ref=Ref(workspace=f"w{n}"), fact=fact)], actor="t"
        )  # type: ignore[misc]
    archived(store, paths, at + 2)
    recorded = daemon.catch_up()
    assert recorded.reloaded
    assert {"w0", "w1", "w2"} <= set(recorded.world.workspaces)
    daemon.close()


def test_a_crash_before_the_cut_leaves_the_log_as_it_was(store: Store, paths: Paths) -> None:
    head = store.head()
    made = archive.write_file(paths, 1, 150)

    def cut_short(connection: object) -> None:
        archive.cut(connection, made)  # type: ignore[arg-type]
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        store.record(lambda *_: [made.draft()], actor="t", and_then=cut_short)
    assert store.head() == head
    assert store.verify() == (head.position, None)
    assert archived(store, paths, 150).exists()  # and it can be done again


def test_a_file_of_another_history_is_never_written_over(store: Store, paths: Paths) -> None:
    other = Path(paths.home) / "archive-1-150.db"
    other.write_text("mine")
    assert archived(store, paths, 150).name == "archive-1-150-2.db"
    assert other.read_text() == "mine"


def test_what_was_archived_meanwhile_is_not_cut_off_twice(store: Store, paths: Paths) -> None:
    late = archive.write_file(paths, 1, 220)
    archived(store, paths, 150)
    head = store.head()
    with pytest.raises(LogUnavailable, match="the log has changed since archive-1-220"):
        store.record(lambda *_: [late.draft()], actor="test", and_then=lambda c: archive.cut(c, late))
    assert store.head() == head
    assert store.verify()[1] is None


def test_a_failed_archive_leaves_no_file(store: Store, paths: Paths) -> None:
    with pytest.raises(LogUnavailable):
        archive.write_file(paths, 1, store.head().position + 1)
    assert list(Path(paths.home).glob("archive*")) == []


def test_room_is_given_back_beside_another_reader_and_writer(paths: Paths) -> None:
    store, daemon = Store(paths), Store(paths, keep_world=True)
    for number in range(30):
        fact = WorkspaceCreated(uid="x" * 200)
        drafts = [Draft(ref=Ref(workspace=f"w{number}-{n}"), fact=fact) for n in range(100)]
        store.record(lambda *_, drafts=drafts: drafts, actor="test")  # type: ignore[misc]
    store.shrink()
    before = Path(paths.database).stat().st_size
    archived(store, paths, 2_900)
    assert store.shrink()
    assert Path(paths.database).stat().st_size < before - 800_000
    daemon.record(lambda *_: [Draft(ref=Ref(workspace="x"), fact=WorkspaceCreated(uid="1"))], actor="t")
    assert store.verify()[1] is None
    daemon.close()


def test_a_log_of_an_earlier_marvel_is_rewritten_once_so_that_it_can_shrink(paths: Paths) -> None:
    store = Store(paths)
    store.close()
    with sqlite3.connect(paths.database) as log:
        log.execute("PRAGMA auto_vacuum=NONE")
        log.execute("VACUUM")
    log.close()
    store = Store(paths)
    assert store.shrink()
    with sqlite3.connect(paths.database) as log:
        assert log.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    log.close()
    assert store.verify()[1] is None


def test_a_session_whose_events_are_archived_is_still_known(store: Store, paths: Paths) -> None:
    uid = next(event.ref.uid for event in store.read() if event.ref.uid)
    with sqlite3.connect(paths.database) as log:
        query = "SELECT max(position) FROM events WHERE uid = ?"
        (last,) = log.execute(query, (uid,)).fetchone()
    log.close()
    assert uid is not None
    file = archived(store, paths, last)
    assert store.knows(uid)
    assert not store.knows("nobody")
    file.unlink()
    assert not store.knows(uid)
