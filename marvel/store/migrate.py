"""Brings a log's tables to the present schema: one IMMEDIATE transaction, a backup before it.

Applied by the daemon and by the first writing command, never by a read. Whether there is anything to
do is seen without importing Alembic, which alone would cost a command a third of a second.
"""

import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from marvel.settings import own_file
from marvel.store.revisions import HEAD, refuse_newer


def migrations_directory() -> Path:
    """`migrations/` of a checkout, or the copy inside an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def known_revisions() -> list[str]:
    """Revisions this marvel can read, by the names of their files."""
    return sorted(file.name[:4] for file in (migrations_directory() / "versions").glob("[0-9]*.py"))


def revision_of(connection: sa.Connection) -> str | None:
    """The schema a log has; None for an empty database."""
    found = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    ).first()
    if found is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def upgrade(engine: sa.Engine, path: str) -> bool:
    """Bring the log to HEAD; returns whether anything was done."""
    with engine.connect() as connection:
        revision = revision_of(connection)
    refuse_newer(path, revision)
    if revision == HEAD:
        return False

    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        revision = revision_of(connection)  # another process may have been quicker
        if revision == HEAD:
            return False
        if revision is not None:
            _back_up(path, revision)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def _back_up(path: str, revision: str) -> None:
    """A copy beside the log, made through SQLite so that it is whole; what is not committed is not in it."""
    target = f"{path}.before-{HEAD}-from-{revision}"
    fresh = f"{target}.new"
    os.close(own_file(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC))
    with sqlite3.connect(path) as source, sqlite3.connect(fresh) as copy:
        source.backup(copy)
    copy.close()
    source.close()
    os.rename(fresh, target)
