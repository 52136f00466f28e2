"""The daemon's socket: what goes wrong with one request, or with the machine, is no end for the others."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from marvel.daemon.listener import SHORTAGE_SECONDS, Listener
from marvel.daemon.poller import Poller
from marvel.errors import LogUnavailable
from marvel.settings import Paths


class Desk:
    """A listener whose clock is moved by hand."""

    def __init__(self, paths: Paths) -> None:
        self.now = 0.0
        self.failed: list[str] = []
        self.poller = Poller()
        self.path = paths.socket
        self.listener = Listener(
            paths.socket,
            self.poller,
            self._handle,
            lambda: self.now,
            failed=lambda method, error: self.failed.append(f"{method}: {error!r}"),
        )

    def _handle(self, method: str, _params: dict[str, Any], _lineage: object) -> Any:
        match method:
            case "bug":
                raise KeyError("bug")
            case "log":
                raise LogUnavailable("the log is locked")
            case "unsendable":
                return {1, 2}
            case _:
                return "ok"

    def open(self, method: str) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(10)
        peer.connect(self.path)
        peer.sendall(json.dumps({"method": method}).encode() + b"\n")
        return peer

    def ask(self, method: str) -> Any:
        with self.open(method) as peer:
            for _ in range(3):
                self.poller.wait(0)
            return json.loads(peer.recv(4096))


@pytest.fixture
def desk(paths: Paths) -> Iterator[Desk]:
    made = Desk(paths)
    yield made
    made.listener.close()
    made.poller.close()


def test_a_bug_in_one_request_is_told_and_the_next_one_is_answered(desk: Desk) -> None:
    assert desk.ask("bug") == {"error": "internal error: KeyError"}
    assert desk.ask("unsendable") == {"error": "internal error: TypeError"}
    assert desk.ask("log") == {"error": "the log is locked"}
    assert desk.ask("well") == {"result": "ok"}
    assert desk.failed[0] == "bug: KeyError('bug')"
    assert len(desk.failed) == 2


def test_without_a_descriptor_nobody_is_accepted_for_a_moment_and_the_daemon_sleeps(desk: Desk) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    peer = desk.open("well")
    with peer:
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            desk.poller.wait(0)
            assert desk.listener.deadline() == SHORTAGE_SECONDS
            began = time.monotonic()
            assert desk.poller.wait(0.01) is False  # or it would wake without end
            assert time.monotonic() - began >= 0.01
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        desk.now = SHORTAGE_SECONDS
        desk.listener.expire(desk.now)
        for _ in range(3):
            desk.poller.wait(0)
        assert json.loads(peer.recv(4096)) == {"result": "ok"}
