"""A stand-in for the APIs of the agents' makers on 127.0.0.1: real CLIs run without network or login.

What was said since the last answer decides: `TOOL` asks for a shell command, `LIMIT` answers 429, a word of
failures.py answers an error, anything else is answered with a short text; a call with `SLOW` is never
answered. While `turns` is cleared, no turn is answered. Every answer reports 30,000 used tokens. One file
per dialect.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.standin import anthropic, google, openai
from tests.standin.reply import Reply, plain, said

DIALECTS = (anthropic.answer, openai.answer, google.answer)


class Standin:
    """The server; `requests` holds the body of every call for an answer."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []  # of every call
        standin = self

        class Handler(_Handler):
            owner = standin

        self.over = threading.Event()
        self.turns = threading.Event()
        self.turns.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self.over.set()
        self.turns.set()
        self._server.shutdown()
        self._server.server_close()

    def conversations(self) -> list[list[str]]:
        """What the user said in the conversation of each call, text by text."""
        return [said(request) for request in list(self.requests)]

    def saw(self, words: str) -> bool:
        """Whether any call carried these words."""
        return any(words in json.dumps(request) for request in self.requests)

    def saw_together(self, *words: str) -> bool:
        """Whether one call carried all these words: one conversation."""
        return any(all(word in json.dumps(request) for word in words) for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    owner: Standin

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.owner.paths.append(self.path)
        self._send(plain(200, {"data": [], "models": []}))

    def do_POST(self) -> None:
        self.owner.paths.append(self.path)
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        except ValueError:
            body = {}  # telemetry, packed
        if "SLOW" in json.dumps(body):
            self.owner.requests.append(body)
            self.owner.over.wait()
            return
        for answer in DIALECTS:
            reply = answer(self.path, body)
            if reply is not None:
                if reply.asked:
                    self.owner.requests.append(body)
                    self.owner.turns.wait()
                self._send(reply)
                return
        self._send(plain(200, {}))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, header in reply.headers.items():
            self.send_header(name, header)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
