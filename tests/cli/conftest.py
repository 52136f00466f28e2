"""What the tests of the terminal share: a recorded history, and a way to call marvel in this process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_terminal import Terminal
from recorded import START, small_world

from marvel.events import Ref


@pytest.fixture(scope="session")
def recorded_once() -> Iterator[tuple[Path, dict[str, Ref]]]:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        yield home, small_world(home)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A person who has never used marvel, at a fixed time."""
    home = tmp_path / "home"
    monkeypatch.setenv("MARVEL_HOME", str(home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("time.time", lambda: START + 100)
    return Terminal(home, capsys)


@pytest.fixture
def marvel(empty: Terminal, recorded_once: tuple[Path, dict[str, Ref]]) -> Terminal:
    """A person with the small world of `recorded`, in a copy of its own."""
    home, empty.sessions = recorded_once
    shutil.copytree(home, empty.home)
    return empty
