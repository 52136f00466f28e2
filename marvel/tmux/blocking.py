"""One question, one answer: for commands that have no loop of their own."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TypeVar

from marvel.tmux.records import Failed
from marvel.tmux.server import TmuxServer

T = TypeVar("T")


def call(
    server: TmuxServer,
    request: Callable[[Callable[[T | Failed], None]], None],
    timeout: float = 5.0,
) -> T | Failed:
    """Make a request and drive the connection until it is answered, `timeout` seconds at most.

    An unconnected server is connected to, but not started: `call(server, lambda done: server.panes(done))`.
    The caller closes the server when it has no more questions.
    """
    answers: list[T | Failed] = []
    if server.state == "down":
        server.open(start=False)
    request(answers.append)
    end = time.monotonic() + timeout
    while not answers:
        left = end - time.monotonic()
        if left <= 0:
            silent = f"tmux did not answer for {timeout:g} s"
            return Failed(reason="timeout", message=server.explained(silent))
        turn(server, left)
    return answers[0]


def turn(server: TmuxServer, seconds: float) -> None:
    """One turn of a loop around a single server: wait for something, `seconds` at most, and do it."""
    due = server.deadline()
    wait = seconds if due is None else min(seconds, max(0.0, due - server.now()))
    descriptor = server.fileno()
    poll = select.poll()
    if descriptor is not None:
        poll.register(descriptor, select.POLLIN | (select.POLLOUT if server.wants_write() else 0))
    for _, events in poll.poll(wait * 1000 + 1 if wait else 0):
        server.on_ready(bool(events & ~select.POLLOUT), bool(events & select.POLLOUT))
    server.expire(server.now())
