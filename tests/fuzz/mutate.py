"""Mutates inputs that are real: bytes, and the JSON inside them.

A parser's rare branches need inputs that are almost right. So every input starts as a captured one, and is
changed in a few places: bytes are flipped, cut, doubled and spliced, values of JSON are replaced by values
that parsers are known to trip over. Everything is drawn from one seeded generator, so a seed repeats a run.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

MAX_BYTES = 4096  # of one input; longer ones only repeat what shorter ones show
TOKENS = (
    b"", b"\0", b"\n", b"\r\n", b"|", b"%", b"%0", b"%99", b"@1", b":", b";", b"{", b"}", b'"', b"\\", b"#{",
    b"-", b"--x",
    b"-1", b"0", b"1", b"00", b"1e999", b"NaN", b"Infinity", b"\xff", b"\xc2\x9b", b"\xe2\x80\xae",
    b"\xc2\xb2", b"\xd9\xa3",
    b"\x1b]0;", b"\x1bc", b"9" * 40, b"9" * 5000, b"%begin 1 2 1\n", b"%end 1 2 1\n", b"%error 1 2 1\n",
    b"data: {}\n\n",
    b"HTTP/1.1 200 OK\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"[" * 200, b"null", b"true",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 100, 101, 2**63, -(2**63), 10**400, 1e308, -1e308, 0.1, "", "\0", "\n",
    "\x1b[2J", "\ud800",
    "--dangerously-skip-permissions", "../../x", "x" * 5000, "\u202e", "\u200b", "²",
    [], {}, [None], {"": None}, ["x"] * 300,
)  # fmt: skip


class Mutator:
    """Draws inputs from seeds; `keep` adds one that led somewhere new."""

    def __init__(self, seeds: Sequence[bytes], draw: random.Random) -> None:
        self._seeds = list(seeds)
        self._draw = draw
        self._names = sorted({name for seed in seeds for name in _names(_document(seed))}) or ["x"]

    def keep(self, data: bytes) -> None:
        """Start from this input, too."""
        self._seeds.append(data)

    def next(self) -> bytes:
        """One input."""
        draw = self._draw
        data = draw.choice(self._seeds)
        if draw.random() < 0.5:
            data = self._changed_document(data)
        while draw.random() < 0.6:
            data = self._changed_bytes(data)
        return data[:MAX_BYTES]

    def _changed_bytes(self, data: bytes) -> bytes:
        draw = self._draw
        at = draw.randint(0, len(data))
        end = min(len(data), at + draw.choice((1, 1, 2, 4, 16, 64)))
        match draw.randrange(6):
            case 0:
                return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
            case 1:
                return data[:at] + data[end:]
            case 2:
                return data[:at] + draw.choice(TOKENS) + data[at:]
            case 3:
                return data[:at] + draw.choice(TOKENS) + data[end:]
            case 4:
                return data[:end] + data[at:]
            case _:
                other = draw.choice(self._seeds)
                return data[:at] + other[draw.randint(0, len(other)) :]

    def _changed_document(self, data: bytes) -> bytes:
        document = _document(data)
        if not isinstance(document, dict | list) or not document:
            return data
        self._change_within(document)
        return json.dumps(document).encode()

    def _change_within(self, document: dict[str, Any] | list[Any]) -> None:
        draw = self._draw
        within: Any = document
        while True:
            places = list(within) if isinstance(within, dict) else list(range(len(within)))
            place = draw.choice(places)
            inner = within[place]
            if not isinstance(inner, dict | list) or not inner or draw.random() < 0.3:
                break
            within = inner
        match draw.randrange(4):
            case 0 if isinstance(within, dict):
                within[draw.choice(self._names)] = draw.choice(VALUES)
            case 1:
                del within[place]
            case 2 if isinstance(within, dict):
                within[draw.choice(self._names)] = within[place]
            case _:
                within[place] = draw.choice(VALUES)


def _document(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_names(inner) for inner in value.values()))
    return set().union(*(_names(inner) for inner in value)) if isinstance(value, list) else set()
