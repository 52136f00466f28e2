"""Streams of events on a real socket: whatever an agent does to a call, it is made again in good time."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marvel.daemon import streams
from marvel.daemon.poller import Poller
from marvel.daemon.streams import Streams
from marvel.resources import Session
from marvel.runtimes import Place
from marvel.runtimes.opencode import OPENCODE
from marvel.tmux import Failed
from marvel.tmux.timers import Timers
from tests.given import Story, role
from tests.integration.home import until

SESSION = Story(role()).run().slot(0)

CONNECTED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"type": "server.connected"}\n\n'
)


class Rig:
    """One listening agent and what was heard of it."""

    def __init__(self, directory: Path) -> None:
        self.poller, self.timers = Poller(), Timers(time.monotonic)
        self.heard: list[dict[str, Any]] = []
        self.unheard: list[str] = []
        self.agent = socket.create_server(("127.0.0.1", 0))
        self.agent.settimeout(10.0)
        self.streams = Streams(
            self.poller,
            self.timers,
            lambda _uid, _source, payload: not self.heard.append(payload),
            lambda _uid, why: self.unheard.append(why),
        )
        port = self.agent.getsockname()[1]
        (directory / "stream.json").write_text(json.dumps({"port": port, "authorization": "Basic x"}))
        self.place = Place("/h", "/h/s", "/h/b", str(directory), "", "/py")

    def look(self) -> None:
        self.streams.look("u", OPENCODE.stream, self.place)

    def turn_until(self, what: Callable[[], object]) -> None:
        """Wait as the daemon does."""

        def turned() -> bool:
            self.timers.run(time.monotonic())
            self.poller.wait(0.01)
            return bool(what())

        until(turned, "the loop gets there")

    def accepted(self) -> socket.socket:
        """The agent's end of the next call, its request read."""
        self.agent.setblocking(False)
        ends: list[socket.socket] = []

        def accept() -> bool:
            try:
                ends.append(self.agent.accept()[0])
            except BlockingIOError:
                return False
            return True

        self.turn_until(accept)
        return ends[0]

    def close(self) -> None:
        self.streams.close()
        self.agent.close()
        self.poller.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def test_a_call_that_an_agent_took_while_it_started_and_never_answers_is_made_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "UNANSWERED_SECONDS", 0.05)
    rig.look()
    with rig.accepted() as lost, rig.accepted() as lost_too, rig.accepted() as answered:
        lost.settimeout(10.0)
        while lost.recv(65536):  # it is closed, not left open
            pass
        lost_too.settimeout(10.0)
        while lost_too.recv(65536):
            pass
        answered.sendall(CONNECTED)
        rig.turn_until(lambda: rig.heard)
        assert rig.heard == [{"type": "server.connected"}]


def test_a_stream_that_was_answered_is_not_opened_anew_because_it_is_quiet(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "UNANSWERED_SECONDS", 0.05)
    monkeypatch.setattr(streams, "SILENCE_SECONDS", 30.0)
    rig.look()
    with rig.accepted() as stream:
        stream.sendall(CONNECTED)
        rig.turn_until(lambda: rig.heard)
        looks = iter(range(4))
        rig.turn_until(lambda: next(looks, None) is None)  # much longer than a call may stay unanswered
        stream.sendall(b'data: {"type": "session.idle"}\n\n')
        rig.turn_until(lambda: len(rig.heard) == 2)


def test_a_port_that_is_not_open_yet_is_tried_until_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    port = rig.agent.getsockname()[1]
    rig.agent.close()
    monkeypatch.setattr(streams, "PATIENCE_SECONDS", 0.0)
    rig.look()
    rig.turn_until(lambda: rig.unheard)
    assert "does not open" in rig.unheard[0]
    rig.agent = socket.create_server(("127.0.0.1", port))
    with rig.accepted() as stream:
        stream.sendall(CONNECTED)
        rig.turn_until(lambda: rig.heard)


def speaking(rig: Rig) -> tuple[Session, socket.socket]:
    """A session of the rig whose stream is open, and the agent's end of it."""
    session = msgspec.structs.replace(SESSION, uid="u", agent_session_id="ses_1")
    assert rig.streams.post_to(session) is None
    rig.look()
    stream = rig.accepted()
    stream.sendall(CONNECTED)
    rig.turn_until(lambda: rig.heard)
    return session, stream


def asked_with(rig: Rig, method: bytes) -> tuple[socket.socket, bytes]:
    """The agent's end of the next call of a method, and its request."""
    while True:
        end = rig.accepted()
        end.setblocking(False)
        request = bytearray()

        def read(end: socket.socket = end, request: bytearray = request) -> bool:
            with contextlib.suppress(BlockingIOError):
                request.extend(end.recv(1_000_000))
            head, _, body = bytes(request).partition(b"\r\n\r\n")
            size = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Len")), 0
            )
            return bool(head) and b"\r\n\r\n" in request and len(body) >= size

        rig.turn_until(read)
        if request.startswith(method):
            return end, bytes(request)
        end.close()  # a question of the stream's beginning


TEXT = "/help me\nß\n" + "x" * 200_000


@pytest.mark.parametrize(
    ("answer", "problem"), [(b"204 No Content", ""), (b"404 Not Found", "HTTP status 404")]
)
def test_a_text_is_handed_whole_to_the_server_of_an_agent_and_its_answer_counts(
    rig: Rig, answer: bytes, problem: str
) -> None:
    session, stream = speaking(rig)
    done: list[Failed | None] = []
    post = rig.streams.post_to(session)
    assert post is not None
    post(TEXT, done.append)
    with stream:
        end, request = asked_with(rig, b"POST /session/ses_1/prompt_async ")
        with end:
            assert json.loads(request.partition(b"\r\n\r\n")[2])["parts"] == [{"type": "text", "text": TEXT}]
            assert b"Authorization: Basic x" in request
            assert done == []
            end.sendall(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
            rig.turn_until(lambda: done)
    assert (done[0].message if done[0] else "").endswith(problem)
    assert (done[0] is None) == (not problem)


def test_an_agent_without_a_conversation_is_typed_to(rig: Rig) -> None:
    session, stream = speaking(rig)
    with stream:
        assert rig.streams.post_to(msgspec.structs.replace(session, agent_session_id="")) is None
