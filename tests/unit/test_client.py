"""The heartbeat client against a peer that is a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest

from marvel.client import Refused, asking, from_environment, heartbeat
from marvel.settings import Paths

MINE = "t"
OK = b'{"result":{"status":"ok"}}\n'


@contextmanager
def daemon(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """A peer that accepts one connection and lets `answer` deal with it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(5)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def replying(reply: bytes, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\n"):
            request += connection.recv(65536)
        if heard is not None:
            heard.append(request)
        connection.sendall(reply)

    return answer


def test_a_beat_is_one_json_object_and_a_newline(path: Path) -> None:
    heard: list[bytes] = []
    with daemon(path, replying(OK, heard)):
        heartbeat(
            str(path), session_key="ws/a-1", uid="u1", context_percent=42.5, state="working", token=MINE
        )

    assert heard[0].count(b"\n") == 1
    assert json.loads(heard[0]) == {
        "method": "heartbeat",
        "params": {
            "session_key": "ws/a-1",
            "uid": "u1",
            "context_percent": 42.5,
            "state": "working",
            "token": MINE,
        },
    }


def test_what_is_not_known_is_left_out_so_that_it_stays_unchanged(path: Path) -> None:
    heard: list[bytes] = []
    with daemon(path, replying(OK, heard)):
        heartbeat(str(path), uid="u1", context_percent=0.0)

    assert json.loads(heard[0])["params"] == {"uid": "u1", "context_percent": 0.0}


def test_a_refusal_carries_the_daemons_words(path: Path) -> None:
    refusal = replying(b'{"error":"unknown session ws/a-1"}')
    with daemon(path, refusal), pytest.raises(Refused, match=r"^unknown session ws/a-1$"):
        heartbeat(str(path), session_key="ws/a-1")


def test_a_refusal_is_heard_even_if_the_request_was_not_read_to_its_end(path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b'{"error":"too long"}\n')

    with daemon(path, answer), pytest.raises(Refused, match="too long"):
        heartbeat(str(path), uid="u1", detail="x" * 60_000)


def test_a_request_that_no_daemon_would_read_is_refused_before_it_is_sent(path: Path) -> None:
    with pytest.raises(Refused, match="more than 65536 bytes"):
        heartbeat(str(path), uid="u1", detail="x" * 4_000_000)


def test_a_reply_may_come_in_pieces_and_without_a_newline(path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in OK.strip():
            connection.send(bytes([byte]))

    with daemon(path, answer):
        heartbeat(str(path), uid="u1")


@pytest.mark.parametrize("reply", [b"", b"\n", b"hello\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"[" * 60_000])
def test_a_reply_that_is_none_is_a_connection_error(path: Path, reply: bytes) -> None:
    with daemon(path, replying(reply)), pytest.raises(ConnectionError):
        heartbeat(str(path), uid="u1")


def test_a_daemon_that_is_silent_costs_the_timeout_and_no_more(path: Path) -> None:
    over = threading.Event()
    started = monotonic()
    with daemon(path, lambda _: over.wait(5) or None):
        with pytest.raises(TimeoutError):
            heartbeat(str(path), uid="u1", timeout=0.1)
        spent = monotonic() - started
        over.set()

    assert 0.1 <= spent < 1


def test_a_daemon_that_trickles_cannot_stretch_the_timeout(path: Path) -> None:
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with suppress(BrokenPipeError):  # it may give up in between
            while not over.wait(0.02):
                connection.send(b" ")

    with daemon(path, answer):
        with pytest.raises(TimeoutError):
            heartbeat(str(path), uid="u1", timeout=0.15)
        over.set()


def test_no_daemon_is_an_os_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        heartbeat(str(path), uid="u1")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        heartbeat(str(path), uid="u1")
    with pytest.raises(OSError, match="too long"):
        heartbeat("/" + "x" * 200, uid="u1")


def test_a_full_backlog_is_waited_for_within_the_timeout(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        with pytest.raises(TimeoutError):
            heartbeat(str(path), uid="u1", timeout=0.1)

        def serve() -> None:
            for reply in (b"", OK):
                with listener.accept()[0] as connection:
                    connection.sendall(reply)

        thread = threading.Timer(0.1, serve)
        thread.start()
        heartbeat(str(path), uid="u1", timeout=5)
        thread.join(5)


def test_the_environment_of_a_pane_says_where_and_as_whom() -> None:
    environ = {
        "MARVEL_SOCKET": "/run/m.sock",
        "MARVEL_WORKSPACE": "demo",
        "MARVEL_SESSION": "squad-agent-1-g1",
        "MARVEL_SESSION_UID": "u1",
        "MARVEL_TOKEN": "secret",
        "HOME": "/root",
    }

    assert from_environment(environ) == {
        "socket_path": "/run/m.sock",
        "session_key": "demo/squad-agent-1-g1",
        "uid": "u1",
        "token": "secret",
    }


def test_outside_a_pane_there_is_nobody_to_beat_to() -> None:
    assert from_environment({"MARVEL_SOCKET": "", "MARVEL_SESSION": "half-a-key"}) == {}


def test_a_daemon_that_did_not_answer_is_not_asked_again_by_the_same_command(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(paths.socket)
        silent.listen()
        silent.setblocking(False)
        assert [asking.ask(paths, "scale", {}, "c1") for _ in range(3)] == [None] * 3
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
