"""Fixtures for tests on real tmux and real processes."""

from collections.abc import Iterator

import pytest

from tests.integration.home import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh state directory; whatever runs in it is ended afterwards."""
    made = Home()
    try:
        yield made
    finally:
        made.close()
