"""An HTTP answer in pieces: whatever the cuts, the same events; whatever the bytes, no surprise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marvel.runtimes.sse import MAX_HEAD_BYTES, MAX_LINE_BYTES, BadAnswer, Body, Events, document

EVENTS = [
    {"type": "server.connected"},
    {"type": "session.status", "properties": {"status": {"type": "busy"}}},
]
STREAM = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)


@given(size=st.integers(1, 200), cut=st.integers(1, 300))
def test_events_are_the_same_however_they_are_cut(size: int, cut: int) -> None:
    answer = HEAD + chunked(STREAM, size)
    body, events, found = Body(), Events(), []
    for at in range(0, len(answer), cut):
        found += events.feed(body.feed(answer[at : at + cut]))
    assert (body.status, found) == (200, EVENTS)


@given(cut=st.integers(1, 60))
def test_a_body_of_a_given_length_ends_with_it(cut: int) -> None:
    answer = b'HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n{"a":1}rest'
    body, found = Body(), b""
    for at in range(0, len(answer), cut):
        if not body.ended:
            found += body.feed(answer[at : at + cut])
    assert (body.status, body.ended, document(found[:7])) == (404, True, {"a": 1})


@given(data=st.binary(max_size=400), cut=st.integers(1, 400), with_head=st.booleans())
def test_garbage_is_no_answer_or_no_event(data: bytes, cut: int, with_head: bool) -> None:
    body, events = Body(), Events()
    answer = (HEAD if with_head else b"") + data
    try:
        for at in range(0, len(answer), cut):
            assert all(isinstance(event, dict) for event in events.feed(body.feed(answer[at : at + cut])))
    except BadAnswer:
        return


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n\r\n", b"x" * (MAX_HEAD_BYTES + 1), HEAD + b"zz\r\n"])
def test_what_is_no_answer_is_said_to_be_none(answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        Body().feed(answer)


def test_an_event_that_is_too_long_is_left_out_and_the_next_one_is_not() -> None:
    events = Events()
    assert events.feed(b'data: {"a": "' + b"x" * MAX_LINE_BYTES) == []
    assert events.feed(b'"}\ndata: {"b": 1}\n') == [{"b": 1}]
