"""A fresh log for each test that wants one, made quickly."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.settings import Paths
from marvel.store.log import Store

IN_MEMORY = Path("/dev/shm")  # where it is to be had: on a disk each log costs its syncs


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A fresh log: making one takes Alembic a quarter of a second."""
    with tempfile.TemporaryDirectory(prefix="mv") as directory:
        home = Path(directory) / "home"
        Store(Paths(str(home))).close()
        yield home


@pytest.fixture
def paths(made_once: Path) -> Iterator[Paths]:
    """A state directory with a log that holds its first event."""
    with tempfile.TemporaryDirectory(prefix="mv", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as directory:
        home = Path(directory) / "home"
        shutil.copytree(made_once, home)
        yield Paths(str(home))
