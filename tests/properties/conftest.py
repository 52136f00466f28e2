"""The same examples in every run: a failure is found by all or by nobody.

HYPOTHESIS_PROFILE=fuzz draws others in each run, and very many.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from marvel.settings import Paths
from marvel.store.log import Store

settings.register_profile("marvel", derandomize=True, deadline=None, database=None)
settings.register_profile("fuzz", deadline=None, database=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "marvel"))


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A state directory with a new log, to be copied."""
    with tempfile.TemporaryDirectory(prefix="mv") as directory:
        home = Path(directory) / "home"
        Store(Paths(str(home))).close()
        yield home
