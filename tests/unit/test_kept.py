"""Which directories of ended sessions stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marvel.daemon import kept
from marvel.daemon.kept import MAX_BYTES, MAX_DEPTH, MAX_DIRECTORIES, Directory, Kept, surplus
from marvel.tmux.timers import Timers
from tests.given import Story, role


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.timers = Timers(lambda: self.now)

    def run(self, seconds: float) -> None:
        self.now += seconds
        self.timers.run(self.now)


def made(sessions: Path, name: str, age: float, size: int = 10) -> Path:
    directory = sessions / name
    (directory / "sub").mkdir(parents=True)
    (directory / "output.log").write_bytes(b"x" * size)
    (directory / "sub" / "note").write_text("x")
    aged(directory, age)
    return directory


def aged(directory: Path, age: float) -> None:
    os.utime(directory, (1e9 - age, 1e9 - age))


def test_a_few_small_ones_stay() -> None:
    assert surplus([Directory(str(n), n) for n in range(MAX_DIRECTORIES)], lambda _: 1000) == []


def test_the_newest_stay_up_to_the_number_and_the_oldest_goes_first() -> None:
    found = surplus([Directory(str(n), n) for n in range(MAX_DIRECTORIES + 3)], lambda _: 0)
    assert [directory.path for directory in found] == ["0", "1", "2"]


def test_the_newest_stay_up_to_the_size() -> None:
    third = MAX_BYTES // 3
    found = surplus([Directory(str(n), n) for n in range(5)], lambda _: third)
    assert [directory.path for directory in found] == ["0", "1"]
    assert [one.path for one in surplus([Directory("huge", 1)], lambda _: MAX_BYTES + 1)] == ["huge"]


def test_old_ones_are_removed_and_what_is_in_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_DIRECTORIES", 2)
    story = Story(role()).run()
    alive = made(tmp_path, story.slot(0).uid, age=1000)
    ended = [made(tmp_path, f"ended-{age}", age) for age in range(5)]
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "precious").write_text("x")
    (ended[4] / "link").symlink_to(outside)
    aged(ended[4], 4)
    (tmp_path / "elsewhere").symlink_to(outside)
    clock = Clock()
    keeper = Kept(str(tmp_path), timers=clock.timers, world=lambda: story.world)
    keeper.plan()
    keeper.plan()
    assert all(directory.exists() for directory in ended)
    clock.run(kept.LOOK_SECONDS + 1)
    assert [directory.exists() for directory in ended] == [True, True, False, False, False]
    assert alive.exists()
    assert (outside / "precious").exists()
    assert clock.timers.next() is None  # nothing more is looked at until a session ends


def test_one_look_is_bounded_and_the_next_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_DIRECTORIES", 0)
    monkeypatch.setattr(kept, "MAX_REMOVED", 10)
    many = made(tmp_path, "many", 1)
    for number in range(25):
        (many / str(number)).touch()
    deep = many
    for _ in range(MAX_DEPTH // 2):
        deep = deep / "d"
        deep.mkdir()
    clock = Clock()
    keeper = Kept(str(tmp_path), timers=clock.timers, world=lambda: Story(role()).world)
    keeper.plan()
    looks = 0
    while clock.timers.next() is not None:
        clock.run(kept.LOOK_SECONDS + 1)
        looks += 1
        assert looks < 50
    assert not many.exists()
    assert looks > 2


def test_a_directory_of_very_many_files_counts_as_very_big(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_COUNTED", 3)
    many = made(tmp_path, "many", 1)
    (many / "more").touch()
    (many / "yet more").touch()
    aged(many, 1)
    clock = Clock()
    Kept(str(tmp_path), timers=clock.timers, world=lambda: Story(role()).world).plan()
    made(tmp_path, "newer", 0)
    clock.run(kept.LOOK_SECONDS + 1)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["newer"]
