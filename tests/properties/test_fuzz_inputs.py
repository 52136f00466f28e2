"""Rubbish in: what is stored, what comes through the socket. Words out, never a trace."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marvel import events
from marvel.daemon.leases import _signal
from marvel.daemon.lineage import LineageOf
from marvel.daemon.listener import MAX_REQUEST_BYTES, Listener
from marvel.daemon.poller import Poller
from marvel.errors import LogUnavailable
from marvel.events import KINDS, Draft, Ref, decode
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.store.query import Reader
from tests.rubbish import letters, objects, payloads, scalars

PATIENCE_SECONDS = 5.0

# --- what is stored ------------------------------------------------------------------------------


@given(
    kind=st.one_of(st.sampled_from(sorted(KINDS)), letters),
    schema=st.integers(-1, 3),
    text=st.one_of(payloads.map(json.dumps), letters, st.sampled_from(["[" * 5000, "{", "1e999", "NaN"])),
)
def test_any_stored_payload_is_a_fact_or_a_value_error(kind: str, schema: int, text: str) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        assert decode(kind, schema, text).kind == kind


@pytest.fixture(scope="module")
def a_log() -> Iterator[Paths]:
    with tempfile.TemporaryDirectory() as directory:
        paths = Paths(f"{directory}/home")
        store = Store(paths)
        fact = events.WorkspaceCreated(uid="u")
        store.record(lambda _world, _now: [Draft(ref=Ref(workspace="w"), fact=fact)], actor="user")
        store.close()
        yield paths


@given(
    column=st.sampled_from(["payload", "kind", "schema", "time", "uid", "actor"]),
    value=st.one_of(
        letters, st.binary(max_size=20), st.integers(-(2**63), 2**63 - 1), payloads.map(json.dumps)
    ),
)
def test_a_row_somebody_wrote_over_is_read_or_refused_in_words(
    a_log: Paths, column: str, value: object
) -> None:
    with sqlite3.connect(a_log.database) as raw:
        raw.execute("DROP TRIGGER IF EXISTS events_no_update")
        (before,) = raw.execute(f"SELECT {column} FROM events WHERE position = 2").fetchone()  # noqa: S608
        raw.execute(f"UPDATE events SET {column} = ? WHERE position = 2", (value,))  # noqa: S608
    raw.close()
    try:
        store = Store(a_log, any_triggers=True)
        for act in (lambda: list(store.read()), store.check, store.rebuild, store.verify):
            with contextlib.suppress(LogUnavailable):
                act()
        store.close()
        with Reader(a_log) as reader, contextlib.suppress(LogUnavailable):
            list(reader.events())
    finally:
        with sqlite3.connect(a_log.database) as raw:
            raw.execute("DROP TRIGGER IF EXISTS events_no_update")  # a rebuild puts it back
            raw.execute(f"UPDATE events SET {column} = ? WHERE position = 2", (before,))  # noqa: S608
        raw.close()


# --- what comes through the socket ---------------------------------------------------------------


class Answering:
    """A real listener in this process, with a handler that takes what is an object."""

    def __init__(self, directory: str) -> None:
        self.path = f"{directory}/s"
        self.poller = Poller()
        self.listener = Listener(self.path, self.poller, self.handle, time.monotonic, failed=self.failed)

    def failed(self, method: str, error: Exception) -> None:
        raise error  # nothing that is said may lead to a bug

    def handle(self, method: str, params: dict[str, Any], _lineage: LineageOf) -> Any:
        assert isinstance(method, str)
        assert isinstance(params, dict)
        if method != "heartbeat":
            raise ValueError(f"there is no method {method[:20]!r}")
        _signal(params)
        return {"status": "ok"}

    def ask(self, pieces: list[bytes]) -> bytes:
        """All pieces, then what the listener answers until it closes."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE_SECONDS)
            peer.connect(self.path)
            for piece in pieces:
                self.poller.wait(0)
                try:
                    peer.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break
                self.poller.wait(0)
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_WR)
            for _ in range(20):
                self.poller.wait(0)
            try:
                return peer.recv(MAX_REQUEST_BYTES)
            except ConnectionResetError:
                return b""


@pytest.fixture(scope="module")
def answering() -> Iterator[Answering]:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        made = Answering(directory)
        yield made
        made.listener.close()
        made.poller.close()


requests = st.one_of(
    st.binary(max_size=300),
    payloads.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda method, params: json.dumps({"method": method, "params": params}).encode(),
        st.one_of(st.sampled_from(["heartbeat", "status", "record"]), scalars),
        st.one_of(objects, payloads),
    ),
)


@given(request=requests, cuts=st.lists(st.integers(0, 400), max_size=3), ends=st.booleans())
@example(request=b"[" * 60_000, cuts=[], ends=True)
@example(request=b'{"a":' * 12_000, cuts=[7], ends=True)
@example(request=b'{"method":"heartbeat","params":{"ts":' + b"9" * 5000 + b"}}", cuts=[], ends=True)
def test_anything_said_to_the_socket_is_answered_by_one_object_or_closed(
    answering: Answering, request: bytes, cuts: list[int], ends: bool
) -> None:
    edges = [0, *sorted(cuts), len(request)]
    pieces = [request[a:b] for a, b in pairwise(edges)] + ([b"\n"] if ends else [])
    answer = answering.ask(pieces)
    if answer:
        found = json.loads(answer)
        assert len(found) == 1
        assert set(found) <= {"result", "error"}
    assert not answering.listener._open
