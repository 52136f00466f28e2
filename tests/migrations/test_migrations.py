"""A log of any release opens in this one: the migrations make exactly the tables, whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from marvel import events
from marvel.errors import LogUnavailable
from marvel.events import Draft, Ref
from marvel.settings import Paths
from marvel.store import migrate, schema
from marvel.store.engine import open_engine
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.revisions import HEAD

HERE = Path(__file__).parent
TRIGGERS = {"events_no_update", "events_no_delete", "events_no_replace"}
TRIGGERS_OF_SCHEMA = "SELECT name FROM sqlite_master WHERE type = 'trigger'"

# A revision after the present one, to see how an upgrade goes: `then` is what it does at its end.
NEXT = """
from alembic import op
revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("CREATE TABLE novelty (x TEXT)")
    op.execute("INSERT INTO novelty VALUES ('made')")
    {then}
"""
CUT_SHORT = "raise RuntimeError('the power went')"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(str(tmp_path / "home"))


def restored(paths: Paths, script: Path) -> None:
    """A state directory with the log that an SQL dump holds."""
    os.mkdir(paths.home, 0o700)
    with sqlite3.connect(paths.database) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    connection.close()


def with_a_next_revision(tmp_path: Path, then: str) -> Path:
    """A copy of the migrations with one more."""
    directory = tmp_path / "migrations"
    shutil.copytree(migrate.migrations_directory(), directory, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "versions" / "0003_next.py").write_text(NEXT.format(then=then))
    return directory


def pretend(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """This marvel's newest revision is 0003."""
    monkeypatch.setattr(migrate, "migrations_directory", lambda: directory)
    for module in ("migrate", "revisions"):
        monkeypatch.setattr(f"marvel.store.{module}.HEAD", "0003")


# --- head == tables ------------------------------------------------------------------------------


def shape(engine: sa.Engine) -> dict[str, object]:
    """Everything SQLAlchemy can tell of a database, in an order of its own."""
    inspector = sa.inspect(engine)
    found: dict[str, object] = {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        columns = {
            column["name"]: (
                str(column["type"]),
                column["nullable"],
                column["default"],
                column["primary_key"],
            )
            for column in inspector.get_columns(table)
        }
        indexes = {
            (index["name"], tuple(index["column_names"]), bool(index["unique"]), _where(index))
            for index in inspector.get_indexes(table)
        }
        unique = {
            (constraint["name"], tuple(constraint["column_names"]))
            for constraint in inspector.get_unique_constraints(table)
        }
        found[table] = (list(columns), columns, indexes, unique, inspector.get_pk_constraint(table))
    return found


def _where(index: object) -> str:
    return str(index.get("dialect_options", {}).get("sqlite_where", ""))  # type: ignore[attr-defined]


def test_all_migrations_together_make_exactly_the_tables_of_the_schema(paths: Paths, tmp_path: Path) -> None:
    Store(paths).close()
    declared = sa.create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    schema.metadata.create_all(declared)
    migrated = open_engine(paths.database)
    assert shape(migrated) == shape(declared)
    assert "AUTOINCREMENT" in _sql_of(migrated, "events")
    assert "AUTOINCREMENT" in _sql_of(declared, "events")
    with migrated.connect() as connection:
        assert {name for (name,) in connection.exec_driver_sql(TRIGGERS_OF_SCHEMA)} == TRIGGERS
    migrated.dispose()
    declared.dispose()


def _sql_of(engine: sa.Engine, table: str) -> str:
    with engine.connect() as connection:
        query = "SELECT sql FROM sqlite_master WHERE name = ?"
        return str(connection.exec_driver_sql(query, (table,)).scalar())


def test_the_newest_revision_is_the_one_that_readers_know() -> None:
    assert migrate.known_revisions()[-1] == HEAD
    assert migrate.known_revisions() == sorted(set(migrate.known_revisions()))


def test_revisions_are_a_chain_in_the_order_of_their_files() -> None:
    before = None
    for file in sorted((migrate.migrations_directory() / "versions").glob("[0-9]*.py")):
        text = file.read_text(encoding="utf-8")
        assert re.search(r'^revision = "(.*)"$', text, re.MULTILINE)[1] == file.name[:4]  # type: ignore[index]
        down = re.search(r'^down_revision = (?:None|"(.*)")$', text, re.MULTILINE)
        assert down is not None
        assert down[1] == before
        before = file.name[:4]


# --- logs of earlier releases ----------------------------------------------------------------------


@pytest.mark.parametrize("script", sorted(HERE.glob("log-*.sql")), ids=lambda path: path.stem)
def test_a_log_of_each_revision_opens_verifies_and_replays(paths: Paths, script: Path) -> None:
    restored(paths, script)
    store = Store(paths)
    count, wrong = store.verify()
    assert wrong is None
    assert count == store.head().position > 10
    rows = {(table, key): row for table, key, row in store.rebuild().rows()}
    assert store.check() == []
    assert ("workspaces", ("demo",)) in rows
    assert sum(1 for table, _ in rows if table == "sessions") == 9
    store.record(lambda *_: [Draft(ref=Ref(workspace="x"), fact=events.WorkspaceCreated(uid="1"))], actor="t")
    assert store.verify() == (count + 1, None)
    store.close()


def test_there_is_a_kept_log_of_every_revision() -> None:
    assert [path.stem[-4:] for path in sorted(HERE.glob("log-*.sql"))] == migrate.known_revisions()


# --- upgrading -------------------------------------------------------------------------------------


def test_an_upgrade_keeps_a_whole_copy_of_the_log_before_it(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored(paths, HERE / "log-0002.sql")
    before = _dump(paths.database)
    pretend(monkeypatch, with_a_next_revision(tmp_path, "pass"))
    store = Store(paths)
    assert _tables(paths.database) >= {"novelty"}
    backup = f"{paths.database}.before-0003-from-0002"
    assert os.stat(backup).st_mode & 0o777 == 0o600
    assert _dump(backup) == before
    assert store.verify()[1] is None
    store.close()
    stamp = os.stat(backup).st_mtime_ns
    Store(paths).close()
    assert os.stat(backup).st_mtime_ns == stamp


def test_an_upgrade_cut_short_leaves_the_log_as_it_was_and_can_be_done_again(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored(paths, HERE / "log-0002.sql")
    before = _dump(paths.database)
    directory = with_a_next_revision(tmp_path, CUT_SHORT)
    with monkeypatch.context() as patch:
        pretend(patch, directory)
        with pytest.raises(RuntimeError, match="the power went"):
            Store(paths)
    assert _dump(paths.database) == before
    store = Store(paths)
    assert store.verify()[1] is None
    store.close()
    (directory / "versions" / "0003_next.py").write_text(NEXT.format(then="pass"))
    pretend(monkeypatch, directory)
    Store(paths).close()
    assert _tables(paths.database) >= {"novelty"}


UPGRADE = """
import os, sys
from pathlib import Path
import alembic.command
from marvel.settings import Paths
from marvel.store import migrate, revisions
from marvel.store.log import Store
home, directory, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
migrate.migrations_directory = lambda: directory
migrate.HEAD = revisions.HEAD = "0003"
children = []
for number in range(count):
    child = os.fork()
    if child:
        children.append(child)
        continue
    Store(Paths(home)).close()
    os._exit(0)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def test_processes_that_upgrade_at_once_upgrade_once_and_keep_the_old_copy(
    paths: Paths, tmp_path: Path
) -> None:
    restored(paths, HERE / "log-0002.sql")
    before = _dump(paths.database)
    assert _upgrade(paths, with_a_next_revision(tmp_path, "pass"), 6) == "[0, 0, 0, 0, 0, 0]\n"
    with sqlite3.connect(paths.database) as connection:
        assert connection.execute("SELECT * FROM novelty").fetchall() == [("made",)]
    connection.close()
    assert _dump(f"{paths.database}.before-0003-from-0002") == before


def test_a_process_killed_in_the_middle_of_an_upgrade_leaves_the_log_as_it_was(
    paths: Paths, tmp_path: Path
) -> None:
    restored(paths, HERE / "log-0002.sql")
    before = _dump(paths.database)
    assert _upgrade(paths, with_a_next_revision(tmp_path, KILLED), 1) == "[-9]\n"
    assert _dump(paths.database) == before
    Store(paths).close()


def _upgrade(paths: Paths, directory: Path, count: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE, paths.home, str(directory), str(count)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_read_never_upgrades(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restored(paths, HERE / "log-0002.sql")
    before = _dump(paths.database)
    pretend(monkeypatch, with_a_next_revision(tmp_path, "pass"))
    with Reader(paths) as reader:
        assert len(reader.rows("sessions")) == 9
    assert _dump(paths.database) == before


def test_tables_of_something_else_are_not_taken_for_a_log(paths: Paths) -> None:
    os.mkdir(paths.home, 0o700)
    with sqlite3.connect(paths.database) as connection:
        connection.execute("CREATE TABLE events (mine TEXT)")
    connection.close()
    with pytest.raises(LogUnavailable):
        Store(paths)
    assert _tables(paths.database) == {"events"}


def _dump(database: str) -> list[str]:
    with sqlite3.connect(database) as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines


def _tables(database: str) -> set[str]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    return {name for (name,) in rows if not name.startswith("sqlite_")}
