"""Passes of the daemon over a log that fails in between."""

from __future__ import annotations

import sqlite3

import pytest

from marvel import commands
from marvel.daemon.observations import stalled
from marvel.daemon.reconciler import CONTROLLERS, Reconciler
from marvel.errors import LogUnavailable
from marvel.resources import Promise
from marvel.settings import Paths
from marvel.store.append import Appender
from marvel.store.log import Store
from tests.given import START, manifest, role


def test_a_pass_that_can_not_be_recorded_changes_nothing_and_the_next_one_reports_all(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, person = (Store(paths, keep_world=kept, clock=lambda: START) for kept in (True, False))
    reconciler = Reconciler(
        store,
        controllers=CONTROLLERS,
        promise=lambda _template: Promise(),
        leases={},
        screens={},
        probes={},
        exits={},
        lingering=(),
    )
    person.record(lambda world, _now: commands.apply(world, manifest(role()), START), actor="user")
    declared = person.head().position
    reconciler.note(stalled(3.0))
    with monkeypatch.context() as patched:

        def refuse(_: Appender) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patched.setattr(Appender, "flush", refuse)
        for _ in range(2):
            with pytest.raises(LogUnavailable):
                reconciler.run(START)
            assert (reconciler.world.position, reconciler.world.sessions) == (declared, {})
    done = reconciler.run(START)
    assert [event.position for event in done.seen] == [*range(2, store.head().position + 1)]
    assert [event.kind for event in done.seen].count("daemon.stalled") == 1
    assert reconciler.run(START).seen == []
    assert store.check() == []
    store.close()
    person.close()
