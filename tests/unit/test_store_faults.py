"""What goes wrong around the log: each with nothing lost, and a message that says what to do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from marvel import events
from marvel.errors import LogTooNew, LogUnavailable, MarvelError
from marvel.events import Draft, Ref
from marvel.settings import Paths
from marvel.store.append import Appender
from marvel.store.bell import Bell
from marvel.store.faults import in_words
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.revisions import HEAD

WRITERS = 16
EACH = 25  # events per writer
WAIT_SECONDS = 60


def scaled(replicas: int) -> Draft:
    ref = Ref(workspace="demo", team="squad", role="agent")
    return Draft(ref=ref, fact=events.RoleScaled(replicas=replicas))


def append(store: Store, replicas: int = 1) -> None:
    store.record(lambda *_: [scaled(replicas)], actor="test")


def process(code: str, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(running: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        _, errors = running.communicate(timeout=WAIT_SECONDS)
        return running.returncode, errors
    finally:
        running.kill()
        running.communicate()


# --- several processes -----------------------------------------------------------------------------


# Imported once, then forked: an import of SQLAlchemy for each writer would take longer than all they do.
WRITERS_CODE = """
import os, sys
import alembic.command
from marvel.store.log import Store
from marvel.settings import Paths
from marvel import events
home, count, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ref = events.Ref(workspace="demo", team="squad", role="agent")
children = []
for number in range(count):
    child = os.fork()
    if child:
        children.append(child)
        continue
    store = Store(Paths(home), keep_world=number % 2 == 1)
    for n in range(each):
        draft = events.Draft(ref=ref, fact=events.RoleScaled(replicas=n))
        store.record(lambda *_: [draft], actor=f"writer:{number}")
    os._exit(0)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def test_sixteen_writers_of_one_stream_get_gapless_positions_and_nobody_is_locked_out(paths: Paths) -> None:
    assert finish(process(WRITERS_CODE, paths.home, str(WRITERS), str(EACH))) == (0, "")
    store = Store(paths)
    assert store.verify() == (1 + WRITERS * EACH, None)
    assert store.check() == []
    actors = [e.actor for e in store.read(after=1)]
    assert {actors.count(f"writer:{n}") for n in range(WRITERS)} == {EACH}
    store.close()


def test_processes_that_make_the_same_new_log_at_once_make_one_log(paths: Paths) -> None:
    home = f"{paths.home}/deep/new"
    assert finish(process(WRITERS_CODE, home, "8", "1")) == (0, "")
    store = Store(Paths(home))
    assert store.verify() == (9, None)
    assert [e.kind for e in store.read()].count("log.created") == 1
    store.close()


def test_who_opens_a_log_that_another_is_just_making_waits_for_it(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Paths(f"{paths.home}/new")
    os.mkdir(new.home, 0o700)
    other = sqlite3.connect(new.database, isolation_level=None)  # in SQLite's first mode, as a new file is
    other.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if other.in_transaction and len(pauses) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr("marvel.store.engine.time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    store = Store(new)
    assert len(pauses) == 3
    assert store.head().position == 1
    store.close()
    other.close()


KILLED = """
import os, signal, sys
from marvel.store.log import Store
from marvel.settings import Paths
from marvel import events
store = Store(Paths(sys.argv[1]))
def decide(world, now):
    for n in range(3):
        ref = events.Ref(workspace="demo", team="squad", role="agent")
        yield events.Draft(ref=ref, fact=events.RoleScaled(replicas=n))
    if sys.argv[2] == "decide":
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "project":
    from marvel.store import projections
    projections.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store.record(decide, actor="killed")
"""


@pytest.mark.parametrize("moment", ["decide", "project"])
def test_a_writer_killed_inside_a_transaction_loses_nothing_and_blocks_nobody(
    paths: Paths, moment: str
) -> None:
    store = Store(paths)
    append(store)
    assert finish(process(KILLED, paths.home, moment))[0] == -signal.SIGKILL
    append(store)
    assert store.verify() == (3, None)
    assert store.check() == []
    store.close()


def test_a_ring_from_another_process_wakes_a_watcher(paths: Paths) -> None:
    store = Store(paths)
    bell = Bell(paths.bell)
    cursor = store.head().position
    running = process(WRITERS_CODE, paths.home, "1", "3")
    seen: list[int] = []
    for _ in range(100):
        seen += [e.position for e in store.read(after=seen[-1] if seen else cursor)]
        if len(seen) == 3:
            break
        bell.wait(WAIT_SECONDS)
    assert finish(running) == (0, "")
    assert seen == [2, 3, 4]
    bell.close()
    store.close()


# --- the file ------------------------------------------------------------------------------------


def test_a_database_held_by_another_program_says_so_and_works_again(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marvel.store.engine.BUSY_TIMEOUT_SECONDS", 0.05)
    store = Store(paths, keep_world=True)
    append(store)
    other = sqlite3.connect(paths.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable) as raised:
        append(store)
    assert raised.value.message == f"event log {paths.database} is locked by another program"
    assert raised.value.hint == f"see which one holds it: fuser -v {paths.database}"
    assert store.head().position == 2
    with Reader(paths) as reader:
        assert len(list(reader.events())) == 2
    other.execute("ROLLBACK")
    other.close()
    recorded = store.record(lambda *_: [scaled(1)], actor="test")
    assert (recorded.reloaded, recorded.events[0].position) == (False, 3)
    assert store.verify() == (3, None)
    store.close()


def test_a_full_disk_says_so_loses_nothing_and_works_again(paths: Paths) -> None:
    store = Store(paths, keep_world=True)
    append(store)
    connection = store._engine.raw_connection()
    (pages,) = connection.cursor().execute("PRAGMA page_count").fetchone()
    connection.cursor().execute(f"PRAGMA max_page_count = {pages}")
    long = Draft(ref=Ref(workspace="demo"), fact=events.WorkspaceCreated(uid="x" * 100_000))
    with pytest.raises(LogUnavailable) as raised:
        store.record(lambda *_: [long], actor="test")
    assert raised.value.message == f"event log {paths.database} can't grow: the disk is full"
    assert raised.value.hint == "free some space; nothing was lost"
    connection.cursor().execute("PRAGMA max_page_count = 1000000")
    connection.close()
    recorded = store.record(lambda *_: [long], actor="test")
    assert (recorded.reloaded, recorded.events[0].position) == (False, 3)
    assert store.verify() == (3, None)
    assert store.check() == []
    store.close()


@pytest.mark.parametrize("moment", ["flush", "commit"])
def test_a_refused_transaction_leaves_the_kept_world_where_the_log_is(
    paths: Paths, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(paths, keep_world=True), Store(paths)
    append(store)
    world = store.catch_up().world
    created = Draft(ref=Ref(workspace="demo"), fact=events.WorkspaceCreated(uid="uid"))
    other.record(lambda *_: [created], actor="another")
    full = sqlite3.OperationalError("database or disk is full")
    where, name = (Appender, "flush") if moment == "flush" else (sa.engine.RootTransaction, "commit")
    with monkeypatch.context() as patched:

        def refuse(*_: object) -> None:
            raise full

        patched.setattr(where, name, refuse)
        gone = Draft(ref=Ref(workspace="demo"), fact=events.WorkspaceDeleted())
        with pytest.raises(LogUnavailable):
            store.record(lambda *_: [gone], actor="test")
    assert (world.position, list(world.workspaces)) == (2, [])
    recorded = store.record(lambda *_: [scaled(1)], actor="test")
    assert recorded.world is world
    assert [e.kind for e in recorded.seen] == ["workspace.created", "role.scaled"]
    assert list(world.workspaces) == ["demo"]
    assert store.check() == []
    store.close()
    other.close()


FULL = """
import resource, sys
from marvel.errors import LogUnavailable
from marvel.store.log import Store
from marvel.settings import Paths
from marvel import events
store = Store(Paths(sys.argv[1]), keep_world=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, resource.RLIM_INFINITY))
recorded = 0
try:
    while True:
        fact = events.WorkspaceCreated(uid="x" * 10_000)
        store.record(lambda *_: [events.Draft(ref=events.Ref(workspace="demo"), fact=fact)], actor="t")
        recorded += 1
except LogUnavailable as error:
    print(error.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.record(lambda *_: [events.Draft(ref=events.Ref(workspace="demo"), fact=fact)], actor="t")
assert store.verify() == (recorded + 2, None), (store.verify(), recorded)
assert store.check() == []
"""


def test_a_file_that_can_not_grow_any_more_loses_only_what_was_refused(paths: Paths) -> None:
    running = process(FULL, paths.home)
    output, errors = running.communicate(timeout=WAIT_SECONDS)
    assert (running.returncode, errors) == (0, "")
    assert output.startswith(f"event log {paths.database} ")
    assert "I/O error" in output or "disk is full" in output


def test_what_is_no_database_is_refused_and_left_as_it_is(paths: Paths) -> None:
    garbage = b"This is my diary, not a log. " * 1000
    for suffix in ("-wal", "-shm"):
        Path(paths.database + suffix).unlink(missing_ok=True)
    Path(paths.database).write_bytes(garbage)
    for act in (lambda: Store(paths), lambda: Reader(paths)):
        with pytest.raises(LogUnavailable) as raised:
            act()
        assert raised.value.message == f"event log {paths.database} is not a database"
        assert raised.value.hint == "it was left as it is; restore a backup: marvel restore FILE"
    assert Path(paths.database).read_bytes() == garbage


def test_a_damaged_page_is_reported_as_damage(paths: Paths) -> None:
    store = Store(paths)
    for _ in range(100):
        append(store)
    store.close()
    for suffix in ("-wal", "-shm"):
        Path(paths.database + suffix).unlink(missing_ok=True)
    with open(paths.database, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(paths.database) - 4096))
    with pytest.raises(LogUnavailable, match="is damaged"):
        Store(paths).verify()


@pytest.mark.parametrize("newer", ["0003", "9999", "1a2b"])
def test_a_newer_schema_is_refused_for_reads_and_writes_alike(paths: Paths, newer: str) -> None:
    assert newer > HEAD
    with sqlite3.connect(paths.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (newer,))
    connection.close()
    for act in (lambda: Store(paths), lambda: Reader(paths)):
        with pytest.raises(LogTooNew) as raised:
            act()
        assert raised.value.message == (
            f"event log {paths.database} has schema {newer}, newer than this marvel's {HEAD}"
        )
        assert raised.value.hint == "upgrade marvel, or point MARVEL_HOME elsewhere"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".bell"])
def test_our_files_are_ours_alone(paths: Paths, suffix: str) -> None:
    store = Store(paths)
    append(store)
    assert os.stat(paths.home).st_mode & 0o777 == 0o700
    assert os.stat(paths.database + suffix).st_mode & 0o077 == 0
    store.close()


def test_a_state_directory_open_to_others_is_refused(paths: Paths) -> None:
    os.chmod(paths.home, 0o755)
    with pytest.raises(MarvelError) as raised:
        Store(paths)
    assert raised.value.message == f"state directory {paths.home} is open to others (mode 0755)"
    assert raised.value.hint == f"chmod 700 {paths.home}"


def test_a_directory_in_place_of_the_log_or_of_its_parent_is_named(paths: Paths, tmp_path: Path) -> None:
    os.unlink(paths.database)
    os.mkdir(paths.database)
    with pytest.raises(LogUnavailable) as raised:
        Store(paths)
    assert raised.value.message == f"event log {paths.database}: Is a directory"
    (tmp_path / "file").write_text("")
    with pytest.raises(MarvelError, match="Not a directory"):
        Store(Paths(str(tmp_path / "file" / "home")))


READ_ONLY = """
import ctypes, os, sys
from marvel.errors import MarvelError
from marvel.store.log import Store
from marvel.settings import Paths
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Store(Paths(sys.argv[1]))
except MarvelError as error:
    print(error.message)
"""


def test_a_state_directory_of_somebody_else_is_refused(paths: Paths) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    running = process(READ_ONLY, paths.home)
    output, _ = running.communicate(timeout=WAIT_SECONDS)
    assert output in (
        f"state directory {paths.home} belongs to uid 0, not to you\n",
        f"state directory {paths.home}: Permission denied\n",
    )


def test_sqlites_words_for_a_read_only_place_become_ours() -> None:
    def message(name: str) -> str:
        error = sqlite3.OperationalError("raw")
        error.sqlite_errorname = name  # type: ignore[misc]
        return in_words("/s/marvel.db", error).message

    assert message("SQLITE_READONLY") == "event log /s/marvel.db is read-only"
    assert message("SQLITE_READONLY_DBMOVED") == "event log /s/marvel.db is read-only"
    assert message("SQLITE_READONLY_DIRECTORY") == (
        "event log /s/marvel.db is in a directory that can't be written: /s"
    )
    assert message("SQLITE_IOERR_FSYNC") == "event log /s/marvel.db can't be read or written: I/O error"
    assert message("SQLITE_BUSY_SNAPSHOT") == "event log /s/marvel.db is locked by another program"
    assert message("SQLITE_TOOBIG") == "event log /s/marvel.db: raw"


def test_a_read_never_creates_anything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Reader(Paths(str(home))) as reader:
        assert list(reader.events()) == []
    assert not home.exists()
    home.mkdir(mode=0o700)
    with Reader(Paths(str(home))) as reader:
        assert reader.daemon() is None
    assert list(home.iterdir()) == []
