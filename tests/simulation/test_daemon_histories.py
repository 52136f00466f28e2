"""The daemon in virtual time under faults (daemon.py). `just sim --seed N --steps M` runs many more."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.daemon import RULES, History, fresh_home, role, simulate

# Histories that once failed, by what they showed.
NAMED = {
    "what an ended session left running is ended by the next daemon": 61,
    "an order to end that is given anew after the clock went back ends in time": 1001,
    "a daemon that stood still past the time of a KILL sends it before it gives up": 1436,
    "a pane that a hanging tmux makes late leaves no process behind": 5800,
    "so is what a forgotten session left running": 20557,
    "a restart that is due at a fraction of a microsecond is due": 0,
    "a pane that somebody makes while a server is about to be ended spares it": 400560,
    "an agent whose failed start can not be recorded yet is not started a second time": 800155,
}
SEEDS = range(1000, 1040)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("seed", [*NAMED.values(), *SEEDS])
def test_nothing_is_lost_or_doubled_and_all_comes_to_rest(seed: int) -> None:
    assert simulate(seed).total() > 0


def test_every_rule_is_drawn() -> None:
    names = {name for name, _ in RULES}
    drawn: set[str] = set()
    for seed in range(2000, 2006):
        drawn |= set(simulate(seed, steps=60))
    assert names <= drawn | {"stop"}


def test_a_process_that_has_ended_proves_nothing_while_tmux_is_asked_how_it_ended() -> None:
    with fresh_home() as home:
        history = History(home, 0)
        machine = history.machine
        history.work(role("a", 3, "mute", 0))
        while not machine.main_pids():
            history.run(0.001)
        history.run(0.01)  # its start is recorded
        machine.servers["w"].wedged = True
        machine.end(machine.main_pids()[0], status=1)
        history.run(1.0)
        machine.servers["w"].go_on()
        history.run(0.02)
        kinds = [event.kind for event in history.person.read()]
        history.bury()
    assert "session.ended" in kinds
    assert "cohort.proven" not in kinds


def _missing(path: str) -> int:
    raise FileNotFoundError(2, "No such file or directory", path)


def test_a_log_that_is_missing_for_a_moment_ends_nothing_and_one_that_stays_away_ends_the_daemon() -> None:
    with fresh_home() as home:
        history = History(home, 0)
        history.run(1.0)
        looked, machine = history.machine.inode, history.machine
        for seconds, lives in ((0.1, True), (5.0, False)):
            machine.inode = _missing  # type: ignore[method-assign]
            history.work(role("a", 1, "mute", int(seconds)))
            history.run(seconds)
            machine.inode = looked  # type: ignore[method-assign]
            history.run(2.0)
            assert (history.loop is not None) is lives
        history.bury()


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_nothing_ends_nor_begins_while_nothing_can_be_looked_at(error: int) -> None:
    with fresh_home() as home:
        history = History(home, 0)
        history.work(role("a", 3, "mute", 0))
        history.run(5.0)
        before = history.machine.main_pids()
        history.machine.blind = error
        history.run(65.0)
        assert history.machine.main_pids() == before
        history.machine.end(before[0], status=1)
        history.run(65.0)
        assert history.loop is not None
        history.machine.blind = None
        history.run(10.0)
        assert len(history.machine.main_pids()) == 3
        history.check(thorough=True)
        history.bury()
