"""Rubbish that resembles what is real: payloads with the names and words of captured ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).resolve().parent / "fixtures" / "agents"


def names_in(value: Any) -> set[str]:
    """Every key of a payload, however deep."""
    if isinstance(value, dict):
        return set(value).union(*(names_in(inner) for inner in value.values()))
    return set().union(*(names_in(inner) for inner in value)) if isinstance(value, list) else set()


def texts_in(value: Any) -> set[str]:
    """Every text of a payload, however deep."""
    if isinstance(value, dict):
        return set().union(*(texts_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(texts_in(inner) for inner in value))
    return {value} if isinstance(value, str) else set()


def known_names() -> list[str]:
    """Keys that real payloads have: a fuzzer that has to guess them finds nothing."""
    found = {"context_percent", "state", "detail", "ts", "cost_usd", "model", "agent_session_id", "payload"}
    for file in sorted(FIXTURES.glob("*.json")):
        found |= names_in(json.loads(file.read_text()))
    return sorted(name for name in found if len(name) < 40)


def known_words() -> list[str]:
    """Texts that mean something to a parser: names of events, kinds of records."""
    found = {"assistant", "busy", "retry", "rollout"}
    for file in sorted(FIXTURES.glob("*.json")):
        found |= {word for word in texts_in(json.loads(file.read_text())) if len(word) < 40}
    return sorted(found)


letters = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [10**400, -(10**400), 1e308, 2**63, 0, -1, 100, "", "\0", "\x1b[2J", "\ud800", "x" * 5000]
    ),
    st.sampled_from(known_words()),
    letters,
)
keys = st.one_of(st.sampled_from(known_names()), letters)
payloads = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=30,
)
objects = st.dictionaries(keys, payloads, max_size=10)
