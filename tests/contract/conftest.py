"""A tmux server of its own for each test. Another implementation of the interface runs the same suite
by being offered here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tmux_rig import Rig


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("t"))
    try:
        yield rig
    finally:
        rig.finish()


@pytest.fixture
def up(rig: Rig) -> Rig:
    rig.open()
    return rig
