"""A fresh log for each test that wants one, made quickly."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.settings import Paths

IN_MEMORY = Path("/dev/shm")  # where it is to be had: on a disk each log costs its syncs


@pytest.fixture
def paths(made_once: Path) -> Iterator[Paths]:
    """A state directory with a log that holds its first event."""
    with tempfile.TemporaryDirectory(prefix="mv", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as directory:
        home = Path(directory) / "home"
        shutil.copytree(made_once, home)
        yield Paths(str(home))
