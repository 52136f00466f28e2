"""`marvel heartbeat`, by either lane: what it sends, and how it fails."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_terminal import Terminal

from marvel.cli.heartbeat import fast

ENVIRONMENT = {
    "MARVEL_WORKSPACE": "w",
    "MARVEL_SESSION": "t-r-g1-0",
    "MARVEL_SESSION_UID": "aa",
    "MARVEL_TOKEN": "secret",
}


class Daemon:
    """Takes one request at a time and answers as told."""

    def __init__(self, path: Path) -> None:
        self.answer: dict[str, Any] = {"result": {"status": "ok"}}
        self.asked: list[dict[str, Any]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            peer, _ = self._socket.accept()
            with peer, peer.makefile("rb") as file:
                line = file.readline()
                if not line:
                    return
                self.asked.append(json.loads(line))
                peer.sendall(json.dumps(self.answer).encode() + b"\n")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
            last.connect(self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.chdir(tmp_path_factory.mktemp("s"))
    served = Daemon(Path("sock"))  # relative: a test's directory is too long for a socket's name
    for name, value in {**ENVIRONMENT, "MARVEL_SOCKET": "sock"}.items():
        monkeypatch.setenv(name, value)
    yield served
    served.close()


@pytest.mark.parametrize("typer", [False, True])
def test_a_session_finds_itself_through_its_environment(empty: Terminal, daemon: Daemon, typer: bool) -> None:
    assert empty.full("heartbeat --context 42.5 --state=idle", typer=typer) == ("", "", 0)
    [asked] = daemon.asked
    assert asked["method"] == "heartbeat"
    assert asked["params"] == {
        "session_key": "w/t-r-g1-0",
        "uid": "aa",
        "token": "secret",
        "context_percent": 42.5,
        "state": "idle",
    }


def test_what_is_not_said_is_not_sent(empty: Terminal, daemon: Daemon) -> None:
    assert empty("heartbeat") == ""
    assert set(daemon.asked[0]["params"]) == {"session_key", "uid", "token"}


def test_the_daemons_no_is_told(empty: Terminal, daemon: Daemon) -> None:
    daemon.answer = {"error": "no such session: aa"}
    assert empty.error("heartbeat", 1) == "error: heartbeat refused: no such session: aa\n"


def test_nobody_there_is_told_at_once(empty: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "MARVEL_SOCKET": "/nowhere/sock"}.items():
        monkeypatch.setenv(name, value)
    assert "no daemon took the heartbeat: /nowhere/sock" in empty.error("heartbeat", 1)


@pytest.mark.parametrize("percent", ["x", "-1", "100.5", "nan", "inf"])
def test_a_percentage_that_is_none_is_a_mistake_of_usage(
    empty: Terminal, daemon: Daemon, percent: str
) -> None:
    assert "--context must be a number from 0 to 100" in empty.error(f"heartbeat --context={percent}", 2)
    assert daemon.asked == []


def test_outside_of_a_session_there_is_nobody_to_beat_for(
    empty: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*ENVIRONMENT, "MARVEL_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    assert "not inside a marvel session" in empty.error("heartbeat", 2)


@pytest.mark.parametrize("line", ["--help", "--context", "x"])
def test_what_the_fast_lane_does_not_know_it_leaves_alone(line: str) -> None:
    assert fast(line.split()) is None
