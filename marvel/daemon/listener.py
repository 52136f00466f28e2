"""The JSON socket: one object a connection, one back, closed. Everything about it is bounded.

A peer must be the daemon's own user. A connection that says nothing for two seconds, says more than 64 KiB
or comes when too many are open is closed with an error; none of that costs more than its bytes.
"""

import contextlib
import json
import os
import socket
from collections.abc import Callable
from typing import Any

from marvel.daemon.lineage import Lineage, LineageOf, Lineages, credentials
from marvel.daemon.poller import READ, Poller
from marvel.errors import DaemonUnavailable, MarvelError
from marvel.settings import MODE_PRIVATE_FILE
from marvel.shortages import shortage

MAX_REQUEST_BYTES = 64 * 1024
SILENCE_SECONDS = 2.0
SHORTAGE_SECONDS = 0.2  # without accepting, once no descriptor was left
MAX_CONNECTIONS = 512
ACCEPTED_AT_ONCE = 64
BACKLOG = 4096

# method, params, where the peer's process comes from → result; raises ValueError with a message
Handler = Callable[[str, dict[str, Any], LineageOf], Any]


class Connection:
    """One peer, until it was answered."""

    def __init__(self, peer: socket.socket, deadline: float) -> None:
        self.peer = peer
        self.deadline = deadline
        self.data = bytearray()


class Listener:
    """The daemon's socket. The owner calls `expire` at `deadline`, on the monotonic clock."""

    def __init__(
        self,
        path: str,
        poller: Poller,
        handle: Handler,
        clock: Callable[[], float],
        *,
        failed: Callable[[str, Exception], None],
        bound: str = "",
    ) -> None:
        self._failed = failed  # is given the method of a request that a bug ended, and the exception
        self._path = path
        self._bound = bound  # uid of the only session that can reach it
        self._lineages = Lineages(os.path.dirname(path), clock)
        self._poller = poller
        self._handle = handle
        self._clock = clock
        self._open: dict[Connection, None] = {}  # oldest first
        self._again_at: float | None = None  # when to accept again, after descriptors ran out
        self._socket = _bind(path)
        self._listen()

    def deadline(self) -> float | None:
        """When the oldest connection has been silent for too long, or new ones are accepted again."""
        oldest = next((connection.deadline for connection in self._open), None)
        return min((at for at in (oldest, self._again_at) if at is not None), default=None)

    def expire(self, now: float) -> None:
        """Close what has been silent for too long."""
        if self._again_at is not None and self._again_at <= now:
            self._listen()
        for connection in [c for c in self._open if c.deadline <= now]:
            self._answer(connection, {"error": f"nothing was said for {SILENCE_SECONDS:g} s"})

    def close(self) -> None:
        """Stop listening, and take the socket's file away."""
        self._poller.forget(self._socket.fileno(), self)
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        for connection in list(self._open):
            self._close(connection)

    def _listen(self) -> None:
        self._again_at = None
        self._poller.watch(self._socket.fileno(), READ, self, lambda _events: self._accept())

    def _pause(self) -> None:
        """No descriptor is left for those who wait: they would wake the daemon without end."""
        self._poller.forget(self._socket.fileno(), self)
        self._again_at = self._clock() + SHORTAGE_SECONDS

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                peer, _address = self._socket.accept()
            except OSError as error:
                if shortage(error) and not isinstance(error, BlockingIOError):
                    self._pause()
                return
            peer.setblocking(False)
            connection = Connection(peer, self._clock() + SILENCE_SECONDS)
            self._open[connection] = None
            if credentials(peer)[1] != os.geteuid():
                self._answer(connection, {"error": "you are not the daemon's user"})
            elif len(self._open) > MAX_CONNECTIONS:
                self._answer(connection, {"error": "too many connections"})
            else:
                self._poller.watch(
                    peer.fileno(),
                    READ,
                    connection,
                    lambda _e, c=connection: self._read(c),  # type: ignore[misc]
                )
                self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.peer.recv(MAX_REQUEST_BYTES + 1)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        connection.data += data
        if len(connection.data) > MAX_REQUEST_BYTES:
            self._answer(connection, {"error": f"more than {MAX_REQUEST_BYTES} bytes"})
            return
        text = bytes(connection.data).strip()
        if not data and not text:
            self._close(connection)
        elif not data or b"\n" in connection.data:
            self._answer(connection, self._reply(connection, text.partition(b"\n")[0]))
        elif text.endswith(b"}"):  # the newline is optional: perhaps this is all
            with contextlib.suppress(ValueError, RecursionError):
                json.loads(text)
                self._answer(connection, self._reply(connection, text))

    def _reply(self, connection: Connection, text: bytes) -> dict[str, Any]:
        try:
            request = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return {"error": "not a JSON object"}
        if not isinstance(request, dict):
            return {"error": "not a JSON object"}
        method, params = request.get("method"), request.get("params", {})
        if not isinstance(method, str) or not isinstance(params, dict):
            return {"error": "method must be a string and params an object"}
        try:
            reply = {"result": self._handle(method, params, lambda: self._lineage(connection))}
            json.dumps(reply)
        except ValueError as error:
            return {"error": str(error)}
        except MarvelError as error:
            return {"error": error.message}
        except Exception as error:  # of one request: all others, and the agents, go on
            self._failed(method, error)
            return {"error": f"internal error: {type(error).__name__}"}
        return reply

    def _lineage(self, connection: Connection) -> Lineage:
        return Lineage(bound=self._bound) if self._bound else self._lineages.of(connection.peer)

    def _answer(self, connection: Connection, reply: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            connection.peer.send(json.dumps(reply).encode() + b"\n")
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._poller.forget(connection.peer.fileno(), connection)
        connection.peer.close()


def _bind(path: str) -> socket.socket:
    """Bind under another name and move it into place: a client meets the old socket or a ready one."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    fresh = f"{path}.new"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        umask = os.umask(0o777 & ~MODE_PRIVATE_FILE)  # no chmod: a session could put a link in its place
        try:
            listening.bind(fresh)
        finally:
            os.umask(umask)
        listening.listen(BACKLOG)
        os.rename(fresh, path)
    except OSError as error:
        listening.close()
        raise DaemonUnavailable(
            f"socket {path}: {error.strerror or error}", hint="set MARVEL_HOME to a shorter path of your own"
        ) from error
    listening.setblocking(False)
    return listening


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
