"""Fixtures for all rooms of tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.settings import Paths
from marvel.store.log import Store
from tests.integration.home import Home


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
