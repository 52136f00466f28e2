"""What an agent's hook runs: reads the hook's payload, sends one heartbeat, and is out of the way.

    python3 -IS report.py SOURCE [PAYLOAD]

A single file of the standard library, copied into the state directory. It always exits 0 and prints
nothing, since what a hook prints may enter the model's context; only a status line prints its one line.
Prompts, tool inputs and outputs never leave this process: only the names in `KEPT` are sent on.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time

TYPE_CHECKING = False  # importing typing would cost 3 ms of every hook
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SOURCES = (
    "claude-hook",
    "claude-statusline",
    "codex-hook",
    "codex-notify",
    "codex-rollout",
    "gemini-hook",
    "opencode-sse",
)
MAX_INPUT_BYTES = 2 * 1024 * 1024
INPUT_SECONDS = 0.2  # until the whole payload has to be there
SEND_SECONDS = 1.0
STATUS_LINE_SECONDS = 1.0  # for the user's own status line command
ROLLOUT_TAIL_BYTES = 256 * 1024
MAX_TEXT = 200  # characters of one kept value
MAX_ENTRIES = 16  # of one kept list
MAX_PARENTS = 4  # between a status line and its claude
MAX_LISTED_BYTES = 64 * 1024
MAX_DEPTH = 6  # of nesting that is looked into
# Names and numbers about a turn. Nothing here holds what a person, a model or a tool said.
KEPT = frozenset({
    "hook_event_name", "session_id", "notification_type", "error", "source", "reason", "trigger",
    "agent_id", "version", "type", "model", "id", "modelID", "cost", "total_cost_usd",
    "context_window", "used_percentage", "rate_limits", "five_hour", "seven_day", "resets_at",
    "primary", "secondary", "used_percent",
    "payload", "info", "last_token_usage", "total_tokens", "model_context_window",
    "codex_error_info", "thread-id", "tool_name", "llm_request", "llm_response", "usageMetadata",
    "totalTokenCount", "properties", "sessionID", "status", "attempt", "next", "role", "rollout",
    "timestamp", "permission", "parentID", "tokens", "input", "output", "reasoning", "cache", "read", "write",
    "providerID", "background_tasks", "listed", "waitingFor", "statusUpdatedAt",
    "name", "data", "statusCode",
    "http_connection_failed", "response_stream_connection_failed", "response_stream_disconnected",
    "response_too_many_failed_attempts", "http_status_code",
})  # fmt: skip


def main(argv: list[str]) -> int:
    """Report one payload. Whatever happens, the agent must not notice: always 0."""
    with contextlib.suppress(BaseException):
        _report(argv)
    return 0


def _report(argv: list[str]) -> None:
    source = argv[0] if argv else ""
    at = time.time()
    text = argv[1].encode() if len(argv) > 1 else _read_input()
    with contextlib.suppress(OSError, KeyError):
        send(source, text, at, os.environ)
    if source == "claude-statusline":
        line = own_status_line(text, os.environ)
        os.write(1, line)


def send(source: str, text: bytes, at: float, environ: Mapping[str, str]) -> None:
    """One heartbeat about a payload, to the daemon that the environment names. Raises OSError."""
    payload = decoded(text)
    record = payload.get("transcript_path") if source == "codex-hook" else None
    if isinstance(record, str):
        payload["rollout"] = rollout_tail(record)
    if source == "claude-statusline":
        payload["listed"] = listed(environ)
    elif payload.get("hook_event_name") == "StopFailure" and is_too_long(payload):
        payload["error"] = "prompt_too_long"
    params = {"source": source, "ts": at, "payload": reduced(payload)}
    if isinstance(record, str):
        params["record"] = record
    workspace, session = environ.get("MARVEL_WORKSPACE"), environ.get("MARVEL_SESSION")
    if workspace and session:
        params["session_key"] = f"{workspace}/{session}"
    for name, variable in (("uid", "MARVEL_SESSION_UID"), ("token", "MARVEL_TOKEN")):
        if environ.get(variable):
            params[name] = environ[variable]
    request = json.dumps({"method": "heartbeat", "params": params}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SEND_SECONDS)
        connection.connect(environ["MARVEL_SOCKET"])
        connection.sendall(request)
        connection.recv(4096)  # closed only when it was taken


def decoded(text: bytes) -> dict[str, Any]:
    """A payload as an object; empty for what is none."""
    try:
        payload = json.loads(text[:MAX_INPUT_BYTES])
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def reduced(value: Any, depth: int = 0) -> Any:
    """The kept names of a payload, texts cut; everything else is dropped."""
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return None
        return {name: reduced(value[name], depth + 1) for name in value if name in KEPT}
    if isinstance(value, list):
        return [reduced(entry, depth + 1) for entry in value[:MAX_ENTRIES] if isinstance(entry, dict)]
    return value[:MAX_TEXT] if isinstance(value, str) else value


def is_too_long(payload: dict[str, Any]) -> bool:
    """Whether claude's turn failed for a prompt that is too long, which it calls an invalid request."""
    said = f"{payload.get('error_details')} {payload.get('last_assistant_message')}".lower()
    return payload.get("error") == "invalid_request" and ("too long" in said or "context limit" in said)


def listed(environ: Mapping[str, str]) -> dict[str, Any]:
    """What claude's own list of its sessions says of the one that runs this: a file named by its pid."""
    pid = os.getppid()
    for _ in range(MAX_PARENTS):
        path = os.path.join(claude_home(environ), "sessions", f"{pid}.json")
        with contextlib.suppress(OSError), open(path, "rb") as file:
            return decoded(file.read(MAX_LISTED_BYTES))
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return {}


def claude_home(environ: Mapping[str, str]) -> str:
    """Where claude keeps its configuration."""
    return environ.get("CLAUDE_CONFIG_DIR") or os.path.join(environ.get("HOME", ""), ".claude")


def rollout_tail(path: str) -> list[dict[str, Any]]:
    """The last token count and the last end of a turn in codex's own record of a conversation."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - ROLLOUT_TAIL_BYTES))
            lines = file.read(ROLLOUT_TAIL_BYTES).splitlines()
    except OSError:
        return []
    found = {}
    for line in reversed(lines):
        record = decoded(line)
        inner = record.get("payload")
        kind = inner.get("type") if isinstance(inner, dict) else None
        if kind in ("token_count", "task_complete") and kind not in found:
            found[kind] = record
        if len(found) == 2:
            break
    return list(found.values())


def own_status_line(text: bytes, environ: Mapping[str, str]) -> bytes:
    """What the user's own status line prints: claude has a single slot for it, and ours took it."""
    command = environ.get("MARVEL_STATUS_LINE")
    try:
        if not command:
            with open(os.path.join(claude_home(environ), "settings.json"), "rb") as file:
                command = decoded(file.read(MAX_INPUT_BYTES)).get("statusLine", {}).get("command")
        if not isinstance(command, str) or not command:
            return b""
        done = subprocess.run(  # noqa: S602  the user wrote it as a shell line
            command,
            shell=True,
            check=False,
            input=text,
            capture_output=True,
            timeout=STATUS_LINE_SECONDS,
        )
    except (OSError, AttributeError, subprocess.SubprocessError):
        return b""
    return done.stdout[:4096]


def _read_input() -> bytes:
    deadline = time.monotonic() + INPUT_SECONDS
    text = b""
    while len(text) < MAX_INPUT_BYTES:
        ready, _, _ = select.select([0], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(0, 65536) if ready else b""
        if not chunk:
            break
        text += chunk
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
