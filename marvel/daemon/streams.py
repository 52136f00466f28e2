"""Reads the event streams that agents serve themselves, over HTTP on 127.0.0.1.

One connection per session for the stream, and short ones for what is asked once it is open. All are in the
daemon's selector, none ever blocks it, and each is bounded. A stream that breaks is opened again for as
long as its session runs; one that can't be opened is looked for less and less often.
"""

import os
import socket
import time
from collections.abc import Callable
from typing import Any

from marvel.daemon.poller import READ, WRITE, Poller
from marvel.resources import Session
from marvel.runtimes.adapter import Place, Stream
from marvel.runtimes.served import HOST, Served, served_at
from marvel.runtimes.sse import MAX_BODY_BYTES, BadAnswer, Body, Events, document
from marvel.tmux import Failed, Post
from marvel.tmux.timers import Timers

RETRY_FIRST_SECONDS, RETRY_MAX_SECONDS = 0.25, 5.0
PATIENCE_SECONDS = 75.0  # until a stream that never opened is told of: opencode has been seen to take 50
SILENCE_SECONDS = 60.0  # of a stream that beats every ten: it is opened anew
# Until a call that was taken but not answered at all is made anew, doubling: what comes to opencode in the
# second after it opened its port is never answered.
UNANSWERED_SECONDS = 2.0
ANSWER_SECONDS = 20.0  # for what is asked once
READ_BYTES = 64 * 1024
READS_AT_ONCE = 16  # then others get their turn
OK, NO_CONTENT = 200, 204
NO_ANSWER = "no answer"

Take = Callable[[str, str, dict[str, Any]], bool]  # uid, source, payload; whether the session lives


class Call:
    """One request: a GET, or a POST of a body.

    `data` gets what comes of the answer's body, `over` why it ended (empty: it is complete).
    """

    def __init__(
        self,
        poller: Poller,
        served: Served,
        path: str,
        data: Callable[[bytes], None],
        over: Callable[[str], None],
        body: bytes | None = None,
    ) -> None:
        self._poller = poller
        self._data = data
        self._over = over
        self._body = Body()
        self.heard_at = time.monotonic()
        self._unsent = _request(served, path, body)
        self._peer: socket.socket | None = None
        try:
            self._peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        except OSError as problem:  # no descriptor left
            self._over(problem.strerror or "no socket")
            return
        self._peer.setblocking(False)
        self._peer.connect_ex((HOST, served.port))
        poller.watch(self._peer.fileno(), WRITE, self, lambda _events: self._send())

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self._peer is not None

    def close(self, why: str | None = None) -> None:
        """End it; nobody is told unless there is a `why`."""
        peer, self._peer = self._peer, None
        if peer is None:
            return
        self._poller.forget(peer.fileno(), self)
        peer.close()
        if why is not None:
            self._over(why)

    def _send(self) -> None:
        if self._peer is None:
            return
        error = self._peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.close(os.strerror(error))
            return
        try:
            sent = self._peer.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as problem:
            self.close(problem.strerror or "lost")
            return
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._poller.forget(self._peer.fileno(), self)
            self._poller.watch(self._peer.fileno(), READ, self, lambda _events: self._read())

    def _read(self) -> None:
        for _ in range(READS_AT_ONCE):
            if self._peer is None:
                return
            try:
                data = self._peer.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError as problem:
                self.close(problem.strerror or "lost")
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            new = self._body.feed(data)
        except BadAnswer as problem:
            self.close(str(problem))
            return
        if self._body.status == NO_CONTENT:
            self.close("")
            return
        if self._body.status not in (0, OK):
            self.close(f"HTTP status {self._body.status}")
            return
        if new:
            self.heard_at = time.monotonic()
            self._data(new)
        if self._body.ended or not data:
            self.close("")


class Listening:
    """One session whose stream is read."""

    def __init__(self, uid: str, stream: Stream, served: Served) -> None:
        self.uid = uid
        self.stream = stream
        self.served = served
        self.events = Events()
        self.known: dict[str, Any] = {}
        self.call: Call | None = None
        self.asked: Call | None = None
        self.opened = False
        self.ever = False
        self.why = ""  # the last call ended
        self.retry = RETRY_FIRST_SECONDS
        self.patience = UNANSWERED_SECONDS


class Streams:
    """The streams of all sessions."""

    def __init__(
        self, poller: Poller, timers: Timers, take: Take, unheard: Callable[[str, str], None]
    ) -> None:
        self._poller = poller
        self._timers = timers
        self._take = take
        self._unheard = unheard  # uid, why: a stream that did not open is told once, and tried on
        self._listening: dict[str, Listening] = {}

    def look(self, uid: str, stream: Stream | None, place: Place) -> None:
        """A session runs: read its stream, if it has one."""
        if stream is None or uid in self._listening:
            return
        served = served_at(place.stream)
        if served is not None:
            self._listening[uid] = listening = Listening(uid, stream, served)
            self._open(listening)
            self._timers.after(PATIENCE_SECONDS, lambda: self._give_up(listening))

    def forget(self, uid: str) -> None:
        """A session has ended."""
        listening = self._listening.pop(uid, None)
        for call in (listening.call, listening.asked) if listening else ():
            if call is not None:
                call.close()

    def post_to(self, session: Session) -> Post | None:
        """Return how a text is handed to a session whose stream is open; None where it has to be typed."""
        listening = self._listening.get(session.uid)
        conversation = session.agent_session_id or session.resumes
        if listening is None or not listening.opened or listening.stream.say is None or not conversation:
            return None
        say, served = listening.stream.say, listening.served

        def post(text: str, done: Callable[[Failed | None], None]) -> None:
            path, body = say(conversation, text)

            def over(why: str) -> None:
                words = f"its server did not take it: {why}"
                failed = Failed(reason="unsent" if why == NO_ANSWER else "refused", message=words)
                done(failed if why else None)

            call = Call(self._poller, served, path, lambda _data: None, over, body)
            self._timers.after(ANSWER_SECONDS, lambda: call.close(NO_ANSWER))

        return post

    def close(self) -> None:
        """End all connections."""
        for uid in list(self._listening):
            self.forget(uid)

    def _open(self, listening: Listening) -> None:
        if self._listening.get(listening.uid) is not listening:
            return
        listening.events, listening.opened = Events(), False
        listening.call = call = Call(
            self._poller,
            listening.served,
            listening.stream.path,
            lambda data: self._heard(listening, data),
            lambda why: self._again(listening, why),
        )
        self._check(listening, call)

    def _give_up(self, listening: Listening) -> None:
        if self._listening.get(listening.uid) is listening and not listening.ever:
            port = listening.served.port
            self._unheard(listening.uid, f"its event stream on port {port} does not open ({listening.why})")

    def _again(self, listening: Listening, why: str) -> None:
        listening.why = why
        listening.retry = RETRY_FIRST_SECONDS if listening.opened else listening.retry
        self._timers.after(listening.retry, lambda: self._open(listening))
        listening.retry = min(listening.retry * 2, RETRY_MAX_SECONDS)

    def _check(self, listening: Listening, call: Call) -> None:
        """Look again when the call would have been silent for too long; end one that was."""
        if listening.call is not call or not call.is_open:
            return
        limit = SILENCE_SECONDS if listening.opened else listening.patience
        left = call.heard_at + limit - time.monotonic()
        if left > 0:
            self._timers.after(left, lambda: self._check(listening, call))
            return
        listening.patience, listening.retry = min(2 * limit, SILENCE_SECONDS), RETRY_FIRST_SECONDS
        call.close("silent" if listening.opened else "no answer")

    def _heard(self, listening: Listening, data: bytes) -> None:
        if not listening.opened:
            listening.opened = listening.ever = True
            listening.patience = UNANSWERED_SECONDS
            self._ask(listening, listening.stream.first)
        for event in listening.events.feed(data):
            self._tell(listening, event)

    def _tell(self, listening: Listening, event: dict[str, Any]) -> None:
        if not self._take(listening.uid, listening.stream.source, {**event, **listening.known}):
            self.forget(listening.uid)

    def _ask(self, listening: Listening, paths: tuple[str, ...]) -> None:
        """Ask one after the other for what the stream does not tell again."""
        if not paths or self._listening.get(listening.uid) is not listening:
            return
        path, rest = paths[0], paths[1:]
        body = bytearray()

        def data(new: bytes) -> None:
            body.extend(new)
            if len(body) > MAX_BODY_BYTES:
                call.close("too long")

        def over(why: str) -> None:
            if not why:
                kept, events = listening.stream.known(path, document(bytes(body)))
                listening.known |= kept
                for event in events:
                    self._tell(listening, event)
            self._ask(listening, rest)

        call = listening.asked = Call(self._poller, listening.served, path, data, over)
        self._timers.after(ANSWER_SECONDS, lambda: call.close("no answer"))


def _request(served: Served, path: str, body: bytes | None) -> bytes:
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        f"Host: {HOST}:{served.port}",
        f"Authorization: {served.authorization}",
        "Accept: text/event-stream, application/json",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode(errors="replace") + (body or b"")
