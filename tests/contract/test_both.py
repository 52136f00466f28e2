"""One suite, two tmuxes: what the simulation's fake does, the real one does too."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from sim_rig import SimRig
from tmux_rig import Rig, running

from marvel.tmux import Failed, Pane, PaneSpec

LIVES = {
    "mute": ("sleep", "1000"),
    "stubborn": ("sh", "-c", 'trap "" TERM HUP; echo ready; exec sleep 1000'),
    "told": ("sh", "-c", 'read status; exit "$status"'),
}


class RealRig(Rig):
    """The real one, with the words of the simulation for what befalls it."""

    def spec(self, life: str, uid: str = "", **_: Any) -> PaneSpec:  # type: ignore[override]
        return super().spec(*LIVES[life], uid=uid)

    def create(self, life: str, uid: str = "", **_: Any) -> Pane:  # type: ignore[override]
        return super().create(life, uid=uid)

    def exit(self, pane: Pane, status: int) -> None:
        keys = (str(status), "Enter")
        assert self.ask(lambda done: self.server.send_keys(pane.pane, pane.uid, keys, done)) is None

    def kill(self, pane: Pane) -> None:
        os.kill(pane.pid, signal.SIGKILL)

    def runs(self, pid: int) -> bool:
        return running(pid)

    def foreign(self) -> str:
        return self.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", "--", "sleep", "1000").strip()

    def end_server(self) -> None:
        os.kill(self.server.pid or 0, signal.SIGKILL)

    def stop_server(self) -> None:
        os.kill(self.server.pid or 0, signal.SIGSTOP)

    def continue_server(self) -> None:
        os.kill(self.server.pid or 0, signal.SIGCONT)

    def kill_client(self) -> None:
        os.kill(self.client(), signal.SIGKILL)


@pytest.fixture(params=["real", "simulated"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    rig: Any = RealRig(tmp_path_factory.mktemp("t")) if request.param == "real" else SimRig()
    try:
        rig.open()
        yield rig
    finally:
        rig.finish()


def test_a_pane_is_made_once_for_a_uid_and_says_who_it_is(both: Any) -> None:
    pane = both.create("mute", "u-1")
    assert (pane.uid, pane.log_id, pane.dead) == ("u-1", "log-1", False)
    assert both.runs(pane.pid)
    again = both.create("mute", "u-1")
    assert (again.pane, again.pid) == (pane.pane, pane.pid)
    assert [shown.uid for shown in both.panes().values()] == ["u-1"]


@pytest.mark.parametrize("status", [0, 7])
def test_an_exit_leaves_a_dead_pane_with_its_status(both: Any, status: int) -> None:
    kept, pane = both.create("mute"), both.create("told")
    both.exit(pane, status)
    both.until(lambda: both.panes()[pane.pane].dead)
    dead = both.panes(dead_only=True)
    assert list(dead) == [pane.pane]
    assert (dead[pane.pane].exit_status, dead[pane.pane].signal) == (status, None)
    assert not both.panes()[kept.pane].dead


def test_a_death_by_signal_is_told_by_its_name(both: Any) -> None:
    pane = both.create("mute")
    both.kill(pane)
    both.until(lambda: both.panes()[pane.pane].dead)
    found = both.panes()[pane.pane]
    if found.signal is not None:  # tmux before 3.3 can't tell
        assert (found.exit_status, found.signal) == (None, "KILL")


def test_a_closed_pane_is_gone_and_its_process_got_a_hup(both: Any) -> None:
    polite, stubborn = both.create("mute"), both.create("stubborn")
    both.until(lambda: both.ask(lambda done: both.server.capture(stubborn.pane, stubborn.uid, done)).strip())
    for pane in (polite, stubborn):
        assert both.ask(lambda done, p=pane: both.server.kill_pane(p.pane, p.uid, done)) is None
    assert both.panes() == {}
    both.until(lambda: not both.runs(polite.pid))
    assert both.runs(stubborn.pid)
    both.kill(stubborn)


def test_what_is_asked_of_a_pane_with_another_stamp_is_refused(both: Any) -> None:
    pane = both.create("mute", "u-1")
    refused = both.ask(lambda done: both.server.kill_pane(pane.pane, "u-2", done))
    assert isinstance(refused, Failed)
    assert refused.reason == "gone"
    assert list(both.panes()) == [pane.pane]


def test_keys_for_a_dead_pane_are_refused(both: Any) -> None:
    pane = both.create("told")
    both.exit(pane, 0)
    both.until(lambda: both.panes()[pane.pane].dead)
    refused = both.ask(lambda done: both.server.send_keys(pane.pane, pane.uid, ("Enter",), done))
    assert isinstance(refused, Failed)


def test_panes_of_others_are_listed_without_a_stamp(both: Any) -> None:
    name = both.foreign()
    both.until(lambda: name in both.panes())
    found = both.panes()[name]
    assert (found.uid, found.log_id) == ("", "")


def test_requests_without_a_connection_fail_later(both: Any) -> None:
    other = both.connect()
    failed = both.ask(other.panes, other)
    assert failed.reason == "lost"


def test_a_server_that_ends_takes_its_panes_along_and_is_noticed(both: Any) -> None:
    pane = both.create("mute")
    before = both.server.identity
    both.end_server()
    both.until(lambda: both.server.state == "down")
    assert both.server.gone
    assert len(both.downs) == 1
    both.until(lambda: not both.runs(pane.pid))
    both.open()
    assert both.server.identity != before
    assert both.panes() == {}


def test_a_server_that_hangs_only_makes_requests_time_out_and_does_them_when_it_goes_on(both: Any) -> None:
    both.stop_server()
    failed = both.ask(lambda done: both.server.create(both.spec("mute", "u-9"), done))
    assert failed.reason == "timeout"
    both.continue_server()
    both.until(lambda: [pane.uid for pane in both.panes().values()] == ["u-9"])


def test_a_lost_client_comes_back_to_the_same_server(both: Any) -> None:
    pane = both.create("mute")
    before = both.server.identity
    both.kill_client()
    both.until(lambda: len(both.ups) == 2)
    assert both.server.identity == before
    assert list(both.panes()) == [pane.pane]
    assert both.downs == []


def test_shutdown_ends_an_empty_server_and_is_no_loss(both: Any) -> None:
    pane = both.create("mute")
    both.ask(lambda done: both.server.kill_pane(pane.pane, pane.uid, done))
    assert both.ask(both.server.shutdown) is None
    assert (both.server.state, both.server.gone, both.downs) == ("down", True, [])


def test_a_server_with_a_pane_in_it_is_not_shut_down(both: Any) -> None:
    pane = both.create("mute")
    assert both.ask(both.server.shutdown).reason == "refused"
    assert (both.server.state, list(both.panes())) == ("up", [pane.pane])
    assert both.runs(pane.pid)
    both.kill_client()
    both.until(lambda: len(both.ups) == 2)  # it is not on its way to its end any more
