"""For programs: the smallest thing that can talk to a marvel daemon, and `Marvel`, which does the rest.

    heartbeat, request   here: one request, one connection
    api                  `Marvel`: what the command line can do, as methods
    asking               orders to the running daemon
    door                 the way into the log, and what an agent session may do there
    targets              which sessions a key means
    messages             typing to agents, and saying what became of it

The first runs inside agents, a thousand of which may start at the same moment, so this file imports a
few modules of the standard library and nothing of marvel; `Marvel` is imported when it is asked for.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from time import monotonic

TYPE_CHECKING = False  # the name is what type checkers look for; importing typing would cost 3 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from marvel.client.api import Marvel as Marvel  # what __getattr__ gives

REQUEST_LIMIT_BYTES = 64 * 1024  # more than that a daemon does not read
REPLY_LIMIT_BYTES = 64 * 1024
MICROSECONDS = 1_000_000


class Refused(Exception):
    """The daemon said no, or would; the message is the daemon's own."""


def __getattr__(name: str) -> Any:
    if name == "Marvel":
        from marvel.client.api import Marvel

        return Marvel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def heartbeat(
    socket_path: str,
    *,
    session_key: str | None = None,
    uid: str | None = None,
    context_percent: float | None = None,
    state: str | None = None,
    token: str | None = None,
    agent_session_id: str | None = None,
    model: str | None = None,
    cost_usd: float | None = None,
    detail: str | None = None,
    timeout: float = 1.0,
) -> None:
    """Send one beat and wait for its acknowledgement, `timeout` seconds in all.

    What is None is left out, which the daemon reads as "unchanged". Raises `Refused` when the
    daemon answers with an error, `OSError` (`TimeoutError` is one) when there is no proper answer.
    """
    params = {
        "session_key": session_key,
        "uid": uid,
        "context_percent": context_percent,
        "state": state,
        "token": token,
        "agent_session_id": agent_session_id,
        "model": model,
        "cost_usd": cost_usd,
        "detail": detail,
    }
    params = {name: value for name, value in params.items() if value is not None}
    request(socket_path, "heartbeat", params, timeout=timeout)


def request(socket_path: str, method: str, params: dict[str, Any], *, timeout: float = 1.0) -> Any:
    """Ask the daemon one thing; its result. Raises as `heartbeat` does."""
    text = json.dumps({"method": method, "params": params}).encode() + b"\n"
    if len(text) > REQUEST_LIMIT_BYTES:
        raise Refused(f"more than {REQUEST_LIMIT_BYTES} bytes")
    return _checked(_exchange(os.fspath(socket_path), text, deadline=monotonic() + timeout))


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What a pane's environment says about where to beat and as whom, as arguments of `heartbeat`.

    Unset and empty variables give no argument: no `socket_path` means there is nobody to beat to.
    """
    workspace, session = environ.get("MARVEL_WORKSPACE"), environ.get("MARVEL_SESSION")
    known = {
        "socket_path": environ.get("MARVEL_SOCKET"),
        "session_key": f"{workspace}/{session}" if workspace and session else None,
        "uid": environ.get("MARVEL_SESSION_UID"),
        "token": environ.get("MARVEL_TOKEN"),
    }
    return {name: value for name, value in known.items() if value}


def _exchange(path: str, request: bytes, *, deadline: float) -> bytes:
    """The daemon's reply to `request`: everything up to a newline or the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, path, deadline)
        try:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
        except BrokenPipeError:
            pass  # closed before it had read all: the reason may already lie in our buffer
        reply = b""
        while b"\n" not in reply and len(reply) <= REPLY_LIMIT_BYTES:
            connection.settimeout(_left(deadline))
            chunk = connection.recv(REPLY_LIMIT_BYTES)
            if not chunk:
                break
            reply += chunk
        return reply


def _connect(connection: socket.socket, path: str, deadline: float) -> None:
    """Connect, and queue in the kernel while the daemon's backlog is full.

    Python's own time-out makes the socket non-blocking, and a non-blocking connect to a full backlog
    fails at once: exactly what happens when a thousand agents start together.
    """
    left_us = max(1, int(_left(deadline) * MICROSECONDS))  # 0 would mean: wait for ever
    timeval = struct.pack("ll", *divmod(left_us, MICROSECONDS))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
    try:
        connection.connect(path)
    except BlockingIOError:
        raise TimeoutError("timed out") from None


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _checked(reply: bytes) -> Any:
    """The result that a reply carries; raises what it says when that is an error."""
    if not reply:
        raise ConnectionError("closed without a reply")
    try:
        answer = json.loads(reply.partition(b"\n")[0])
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and "error" in answer:
        raise Refused(str(answer["error"]))
    if not isinstance(answer, dict) or "result" not in answer:
        raise ConnectionError("the reply is not a daemon's")
    return answer["result"]
