"""Requests in flight on one control connection: their order, their framing and their time-outs.

No file descriptors here: bytes to send pile up in `out`, bytes received go into `feed()`.

A request that is **held** has not been sent (the connection is not ready); one that is **sent** is
waiting for its token. tmux answers in order, so both are queues. A request times out when it is old
*and* nothing at all has come from tmux for as long: five hundred creations in one batch take their
time, each behind the others, and that is not a wedged server. A sent request that timed out leaves
its token behind, so that its late reply is recognised and dropped.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from marvel.tmux.control import Framer
from marvel.tmux.quote import command
from marvel.tmux.records import Failed

REQUEST_TIMEOUT = 5.0  # seconds of silence
MAX_QUEUED_BYTES = 64 * 1024 * 1024  # of requests not yet taken by tmux

Reply = list[bytes]


class Request:
    """One or more command lines, and who wants to know."""

    __slots__ = ("done", "script", "since", "token")

    def __init__(self, script: bytes, done: Callable[[Reply | Failed], None], since: float) -> None:
        self.script = script
        self.done = done
        self.since = since
        self.token = b"marvel-" + secrets.token_hex(16).encode()


class Pipeline:
    def __init__(self, clock: Callable[[], float], on_notice: Callable[[bytes], None]) -> None:
        self._clock = clock
        self._on_notice = on_notice
        self._held: deque[Request] = deque()
        self._sent: deque[Request] = deque()
        self._given_up: deque[bytes] = deque()  # tokens of timed out requests; always older than _sent
        self._heard = clock()
        self.open = False
        self.out = bytearray()
        self.framer = Framer()

    def full(self, more: int) -> bool:
        held = sum(len(request.script) for request in self._held) if self._held else 0
        return len(self.out) + held + more > MAX_QUEUED_BYTES

    def submit(self, script: bytes, done: Callable[[Reply | Failed], None], *, early: bool = False) -> None:
        """Queue a request. `early` ones, which make the connection ready, don't wait for `release()`."""
        request = Request(script, done, self._clock())
        if self.open or early:
            self._send(request)
        else:
            self._held.append(request)

    def greet(self, token: str, done: Callable[[Reply | Failed], None]) -> None:
        """Expect a sentinel that was sent on the client's command line."""
        request = Request(b"", done, self._clock())
        request.token = token.encode()
        self._sent.append(request)
        self.framer.expect(request.token)

    def release(self) -> None:
        """The connection is ready: send what was held."""
        self.open = True
        while self._held:
            self._send(self._held.popleft())

    def hold(self) -> None:
        """Not ready any more: requests wait again."""
        self.open = False

    def _send(self, request: Request) -> None:
        self._sent.append(request)
        self.framer.expect(request.token)
        self.out += request.script + b"\n" + command("display-message", "-p", request.token.decode()) + b"\n"

    def feed(self, data: bytes) -> None:
        framer = self.framer
        self._heard = self._clock()
        replies = framer.feed(data)
        hints, framer.notices = framer.notices, []
        for hint in hints:
            self._on_notice(hint)
        for reply in replies:
            if self.framer is not framer:
                return  # a callback ended this connection; what is left belongs to nobody
            if self._given_up:
                self._given_up.popleft()
                continue
            self._sent.popleft().done(reply)

    def deadline(self) -> float | None:
        oldest = min((queue[0].since for queue in (self._sent, self._held) if queue), default=None)
        return None if oldest is None else max(oldest, self._heard) + REQUEST_TIMEOUT

    def expire(self, now: float) -> None:
        for queue in (self._sent, self._held):
            while queue and max(queue[0].since, self._heard) + REQUEST_TIMEOUT <= now:
                request = queue.popleft()
                if queue is self._sent:
                    self._given_up.append(request.token)
                message = f"tmux did not answer for {REQUEST_TIMEOUT:g} s"
                request.done(Failed(reason="timeout", message=message))

    def reset(self, reason: str, *, held: bool) -> None:
        """The connection is gone: what was sent fails, and with `held` what was not, too."""
        failed = list(self._sent)
        self._sent.clear()
        self._given_up.clear()
        if held:
            failed += self._held
            self._held.clear()
        self.open = False
        self.out.clear()
        self.framer = Framer()
        for request in failed:
            request.done(Failed(reason="lost", message=reason))
