"""A short, always equal run of what `just fuzz` does for hours: its targets exist, and take what they get."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.targets import all_targets

INPUTS = 300  # for each target


@pytest.mark.parametrize("name", all_targets())
def test_a_parser_takes_mutated_real_inputs(name: str) -> None:
    done = fuzz(name, INPUTS, "always equal")
    assert not done.failure, done.failure
    assert done.outcomes > 0
