"""`marvel mcp`: a server of the Model Context Protocol on standard input and output.

With it a Claude or Codex supervisor runs its team:

    claude mcp add marvel -- marvel mcp

A call of a tool is a process of its own, which a client may cancel; none can take the server down. Calls that
only read run beside each other. One that changes something waits for those before it and is done before those
after it, so that a client that does not wait for answers sees its own changes. A ping is answered at once.
The protocol on this side is a few methods of JSON-RPC, one object a line; the official package would bring
twenty others and half a second to every start for them.
"""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from marvel import __version__
from marvel.cli.mcp import TOOLS, called, shown
from marvel.client import Marvel
from marvel.daemon.inherited import environment

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # of the protocol; newest first
MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_CALLS = 8  # of tools at the same time; others wait for their turn
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602  # of JSON-RPC
CANCELLED = "notifications/cancelled"
INSTRUCTIONS = (
    "Supervises a team of AI agent sessions. Keys are WORKSPACE/SESSION or WORKSPACE/TEAM. Inside a session "
    "you may act on your own team, as far as your role's capabilities go."
)

Message = dict[str, Any]
Id = str | int | float


class Problem(Exception):
    """A request that cannot be answered, as JSON-RPC reports it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Calls:
    """The calls of tools that run, by the ids of their requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Id, subprocess.Popen[bytes] | None] = {}  # None: its process is not started yet
        self._cancelled: set[Id] = set()

    def begin(self, identity: Id) -> None:
        """A call is to run."""
        with self._lock:
            self._running[identity] = None

    def started(self, identity: Id, process: "subprocess.Popen[bytes]") -> None:
        """Its process runs; one that was cancelled meanwhile is ended."""
        with self._lock:
            if identity in self._running:  # not one of a batch
                self._running[identity] = process
            if identity in self._cancelled:
                process.kill()

    def cancel(self, identity: Id) -> None:
        """End a call, if it runs: it gets no answer."""
        with self._lock:
            if identity in self._running:
                self._cancelled.add(identity)
                process = self._running[identity]
                if process is not None:
                    process.kill()

    def is_cancelled(self, identity: Id) -> bool:
        """Whether a call that has not begun need not begin."""
        with self._lock:
            return identity in self._cancelled

    def end(self, identity: Id) -> bool:
        """Forget a call; whether it is still to be answered."""
        with self._lock:
            self._running.pop(identity, None)
            was_cancelled = identity in self._cancelled
            self._cancelled.discard(identity)
        return not was_cancelled


class Server:
    """Answers one client. `write` gets what is said, a message or the answers of a batch, from any thread."""

    def __init__(self, marvel: Marvel, write: Callable[[Any], None]) -> None:
        self._marvel = marvel
        self._write = write
        self._calls = Calls()
        self._workers = ThreadPoolExecutor(MAX_CALLS)  # for what only reads
        self._in_order = ThreadPoolExecutor(1)
        self._reading: list[Future[None]] = []  # touched by the thread in order alone

    def run(self, lines: Iterable[bytes]) -> None:
        """Take one message a line; return when all that was asked is answered."""
        with self._workers, self._in_order:  # what is in order ends first: it hands on to the others
            for line in lines:
                if line.strip():
                    self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._write(_failure(None, Problem(PARSE_ERROR, "not JSON")))
            return
        if isinstance(message, dict) and (message.get("method") == "ping" or "id" not in message):
            self._reply(message)
            return
        if _is_call(message):
            self._calls.begin(message["id"])
        self._in_order.submit(self._next, message)

    def _next(self, message: Any) -> None:
        """Begin what only reads; do all else once nothing is read any more."""
        if _is_call(message) and _only_reads(message):
            self._reading = [one for one in self._reading if not one.done()]
            self._reading.append(self._workers.submit(self._call, message))
            return
        wait(self._reading)
        if _is_call(message):
            self._call(message)
        elif isinstance(message, list) and message:
            if answers := [answer for one in message if (answer := self._answer(one)) is not None]:
                self._write(answers)
        else:
            self._reply(message)

    def _reply(self, message: Any) -> None:
        if (answer := self._answer(message)) is not None:
            self._write(answer)

    def _call(self, request: Message) -> None:
        answer = None if self._calls.is_cancelled(request["id"]) else self._answer(request)
        if self._calls.end(request["id"]):
            self._write(answer)

    def _answer(self, message: Any) -> Message | None:
        """Return the answer to a request; None for what has none: notifications, and answers to us."""
        identity = None
        try:
            if not isinstance(message, dict):
                raise Problem(INVALID_REQUEST, "not a request")
            if "method" not in message and ("result" in message or "error" in message):
                return None
            if "id" not in message:
                self._notified(message)
                return None
            if not _is_id(message["id"]):
                raise Problem(INVALID_REQUEST, "id must be a string or a number")
            identity = message["id"]
            return {"jsonrpc": "2.0", "id": identity, "result": self._result(message)}
        except Problem as problem:
            return _failure(identity, problem)

    def _notified(self, message: Message) -> None:
        params = message.get("params")
        if (
            message.get("method") == CANCELLED
            and isinstance(params, dict)
            and _is_id(params.get("requestId"))
        ):
            self._calls.cancel(params["requestId"])

    def _result(self, request: Message) -> Message:
        params = request.get("params") or {}
        if not isinstance(params, dict):
            raise Problem(INVALID_PARAMS, "params must be an object")
        match request.get("method"):
            case "initialize":
                asked = params.get("protocolVersion")
                return {
                    "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "marvel", "version": __version__},
                    "instructions": INSTRUCTIONS,
                }
            case "ping":
                return {}
            case "tools/list":
                return {"tools": shown()}
            case "tools/call":
                return self._called(request["id"], params)
            case method:
                raise Problem(NO_METHOD, f"unknown method {method!r}")

    def _called(self, identity: Id, params: Message) -> Message:
        name, args = params.get("name"), params.get("arguments") or {}
        tool = TOOLS.get(name) if isinstance(name, str) else None
        if tool is None:
            raise Problem(INVALID_PARAMS, f"unknown tool {name!r}")
        if not isinstance(args, dict):
            raise Problem(INVALID_PARAMS, "arguments must be an object")
        return called(tool, args, self._marvel, lambda process: self._calls.started(identity, process))


def serve() -> int:
    """Answer until standard input ends."""
    lock = threading.Lock()

    def write(message: Any) -> None:
        with lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    marvel = Marvel(environ=environment(os.environ))
    Server(marvel, write).run(iter(lambda: sys.stdin.buffer.readline(MAX_LINE_BYTES), b""))
    return 0


def _is_call(message: Any) -> bool:
    return isinstance(message, dict) and message.get("method") == "tools/call" and _is_id(message.get("id"))


def _only_reads(call: Message) -> bool:
    params = call.get("params")
    tool = TOOLS.get(str(params.get("name"))) if isinstance(params, dict) else None
    return tool is not None and tool.reads


def _is_id(value: Any) -> bool:
    """Whether it can be the id of a request; a number such as 1e999 could not be written back."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int) and not isinstance(value, bool)


def _failure(identity: Id | None, problem: Problem) -> Message:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": problem.code, "message": str(problem)}}
