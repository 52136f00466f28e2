"""A stand-in for the Messages API on 127.0.0.1, so that a real CLI is driven without network or login.

What the last user message says decides the answer: `TOOL` asks for a shell command, `LIMIT` answers 429,
anything else is answered with a short text. Every answer tells 30,000 used tokens.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMAND = "python3 -c 1"
INPUT_TOKENS = 30_000


class Standin:
    """The server; `requests` holds the body of every call for a message."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        standin = self

        class Handler(_Handler):
            owner = standin

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def saw(self, words: str) -> bool:
        """Whether any call carried these words."""
        return any(words in json.dumps(request) for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    owner: Standin

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._json(200, {"data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if "/v1/messages" not in self.path:
            self._json(200, {})
        elif "count_tokens" in self.path:
            self._json(200, {"input_tokens": INPUT_TOKENS})
        else:
            self.owner.requests.append(body)
            self._message(body)

    def _message(self, body: dict[str, Any]) -> None:
        last = json.dumps(_since_the_last_answer(body.get("messages") or []))
        if "LIMIT" in last:
            error = {"type": "rate_limit_error", "message": "stand-in: rate limited"}
            self._json(429, {"type": "error", "error": error}, {"x-should-retry": "false"})
        elif "TOOL" in last and "tool_result" not in last and body.get("tools"):
            self._stream(body, {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}, "tool_use")
        else:
            self._stream(body, {"type": "text", "text": ""}, "end_turn")

    def _stream(self, body: dict[str, Any], block: dict[str, Any], stop: str) -> None:
        if stop == "tool_use":
            partial = json.dumps({"command": COMMAND, "description": "stand-in"})
            delta = {"type": "input_json_delta", "partial_json": partial}
        else:
            delta = {"type": "text_delta", "text": "done"}
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        ended = {"stop_reason": stop, "stop_sequence": None}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 20}},
            {"type": "message_stop"},
        ]
        if not body.get("stream"):
            content = [{**block, **({"text": "done"} if stop == "end_turn" else {})}]
            self._json(200, {**message, "content": content, **ended})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        for name, header in (headers or {}).items():
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(text)


def _since_the_last_answer(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the CLI added in this turn: the user's words need not be the last of it."""
    answers = [place for place, message in enumerate(messages) if message.get("role") == "assistant"]
    return messages[answers[-1] + 1 :] if answers else messages
