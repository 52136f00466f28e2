"""Fixtures for all rooms of tests."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.settings import Paths
from marvel.store.log import Store
from tests.integration.home import Home


def pytest_configure() -> None:
    """Have everything find the tmux that MARVEL_TMUX names, on the PATH as a user would put it there."""
    program = os.environ.pop("MARVEL_TMUX", "")
    if not program:
        return
    directory = tempfile.mkdtemp(prefix="mvtmux")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.symlink(os.path.abspath(program), os.path.join(directory, "tmux"))
    os.environ["PATH"] = f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh state directory; whatever runs in it is ended afterwards."""
    made = Home()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A fresh log: making one takes Alembic a quarter of a second."""
    with tempfile.TemporaryDirectory(prefix="mv") as directory:
        home = Path(directory) / "home"
        Store(Paths(str(home))).close()
        yield home
