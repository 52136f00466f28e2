"""Beats by file: every touch counts once, whatever happens to the directory."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.controllers import Lease
from marvel.daemon import beats
from marvel.daemon.beats import Beats
from marvel.daemon.poller import Poller
from marvel.tmux.timers import Timers


class Watch:
    """The directory, who beat, and a clock that need not be waited for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 0.0
        self.heard: list[str] = []
        self.leases: dict[str, Lease] = {}
        self.poller = Poller()
        self.timers = Timers(lambda: self.now)
        self.beats = self.open()

    def open(self) -> Beats:
        return Beats(
            str(self.directory),
            poller=self.poller,
            timers=self.timers,
            leases=self.leases,
            touched=self._touched,
        )

    def _touched(self, uid: str, wall: float) -> bool:
        self.leases[uid] = Lease(wall, None)
        self.heard.append(uid)
        return uid != "gone"

    def touch(self, uid: str, at: float) -> None:
        path = self.directory / uid
        path.touch()
        os.utime(path, (at, at))

    def turn(self) -> list[str]:
        """What was heard since the last turn."""
        self.poller.wait(0)
        self.now += beats.REST_SECONDS
        self.timers.run(self.now)
        heard, self.heard = self.heard, []
        return heard


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path / "beats")
    yield made
    made.beats.close()
    made.poller.close()


def test_each_touch_is_one_beat_however_many_events_it_makes(watch: Watch) -> None:
    now = time.time()
    for second in range(3):
        watch.touch("a", now - 10 + second)
        watch.touch("b", now - 10 + second)
        assert watch.turn() == ["a", "b"]
    assert watch.turn() == []


def test_a_burst_is_read_once_and_then_rests(watch: Watch) -> None:
    watch.touch("a", 1000.0)
    watch.poller.wait(0)
    watch.touch("a", 1001.0)
    watch.touch("b", 1001.0)
    watch.poller.wait(0)
    assert watch.heard == ["a"]
    watch.turn()
    assert watch.turn() == ["a", "b"]


def test_what_has_other_reasons_than_a_touch_is_no_beat(watch: Watch) -> None:
    watch.touch("a", 1000.0)
    watch.turn()
    (watch.directory / "a").chmod(0o644)
    assert watch.turn() == []


def test_a_scan_finds_what_was_touched_while_nobody_looked_and_only_that(watch: Watch) -> None:
    watch.touch("old", 1000.0)
    watch.touch("new", 2000.0)
    watch.touch("future", time.time() + 9999)
    watch.leases |= {"old": Lease(1000.5, None), "new": Lease(1500.0, None)}
    watch.beats.scan()
    assert sorted(watch.heard) == ["future", "new"]
    assert watch.leases["new"].at == 2000.0
    assert watch.leases["future"].at <= time.time()


def test_files_of_nobody_are_removed(watch: Watch) -> None:
    watch.touch("gone", 1000.0)
    watch.turn()
    watch.now += beats.FORGET_SECONDS
    watch.turn()
    assert list(watch.directory.iterdir()) == []


def test_a_removed_directory_is_made_anew(watch: Watch) -> None:
    watch.touch("a", 1000.0)
    watch.turn()
    shutil.rmtree(watch.directory)
    watch.turn()
    watch.beats.check()
    watch.touch("a", 2000.0)
    assert watch.turn() == ["a"]
