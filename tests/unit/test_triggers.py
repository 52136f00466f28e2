"""The triggers that keep events as they are: looked at when a log is opened for writing, and in copies."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from marvel import events
from marvel.errors import LogUnavailable
from marvel.events import Draft, Ref
from marvel.settings import Paths
from marvel.store import triggers
from marvel.store.chain import check_file
from marvel.store.log import Store
from marvel.store.query import Reader

SPOILT = {
    "trigger events_no_update is missing": "DROP TRIGGER events_no_update",
    "trigger theirs is not marvel's": (
        "CREATE TRIGGER theirs AFTER INSERT ON events BEGIN DELETE FROM beats; END"
    ),
    "trigger events_no_delete was changed": (
        "DROP TRIGGER events_no_delete;"
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN 0 BEGIN SELECT 1; END"
    ),
}


@pytest.fixture
def log(paths: Paths) -> Paths:
    store = Store(paths)
    created = Draft(ref=Ref(workspace="demo"), fact=events.WorkspaceCreated(uid="uid"))
    store.record(lambda *_: [created], actor="test")
    store.close()
    return paths


def test_the_triggers_that_are_expected_are_those_that_the_migrations_make(log: Paths) -> None:
    with closing(sqlite3.connect(log.database)) as connection:
        assert dict(connection.execute(triggers.QUERY)) == triggers.EXPECTED
    check_file(log.database)


@pytest.mark.parametrize("problem", SPOILT)
def test_a_log_with_other_triggers_is_refused_told_and_put_right(log: Paths, problem: str) -> None:
    with closing(sqlite3.connect(log.database)) as connection:
        connection.executescript(SPOILT[problem])
    with pytest.raises(LogUnavailable) as raised:
        Store(log)
    assert raised.value.message.endswith(problem)
    assert "marvel rebuild" in raised.value.hint
    with pytest.raises(LogUnavailable, match=problem):
        check_file(log.database)
    with Reader(log) as reader:
        assert reader.trigger_problem() == problem
    store = Store(log, any_triggers=True)
    assert store.verify() == (2, problem)
    assert store.check() == [problem]
    store.rebuild()
    assert (store.verify(), store.check()) == ((2, None), [])
    store.close()
    Store(log).close()
