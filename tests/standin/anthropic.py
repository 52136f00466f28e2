"""The Messages API, as claude and opencode speak it."""

from __future__ import annotations

import json
from typing import Any

from tests.standin.failures import ANTHROPIC, failed
from tests.standin.reply import (
    COMMAND,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TEXT,
    Reply,
    plain,
    since_the_last_answer,
    stream,
)

SHELLS = ("Bash", "bash")  # claude's name of the tool, opencode's


def answer(path: str, body: dict[str, Any]) -> Reply | None:
    """The answer to a call; None when it is not of this API."""
    if "/v1/messages" not in path:
        return None
    if "count_tokens" in path:
        return plain(200, {"input_tokens": INPUT_TOKENS})
    last = since_the_last_answer(body.get("messages") or [], "assistant")
    names = [tool.get("name") for tool in body.get("tools") or []]
    shell = next((name for name in SHELLS if name in names), None)
    if (refused := failed(ANTHROPIC, last)) is not None:
        return refused
    if "LIMIT" in last:
        error = {"type": "rate_limit_error", "message": "stand-in: rate limited"}
        return plain(429, {"type": "error", "error": error}, asked=True, x_should_retry="false")
    if "TOOL" in last and "tool_result" not in last and shell:
        return _message(body, {"type": "tool_use", "id": "toolu_1", "name": shell, "input": {}})
    return _message(body, {"type": "text", "text": ""})


def _message(body: dict[str, Any], block: dict[str, Any]) -> Reply:
    stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
    delta = {"type": "text_delta", "text": TEXT}
    if stop == "tool_use":
        partial = json.dumps({"command": COMMAND, "description": "stand-in"})
        delta = {"type": "input_json_delta", "partial_json": partial}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": 1},
    }
    ended = {"stop_reason": stop, "stop_sequence": None}
    if not body.get("stream"):
        content = [{**block, **({"text": TEXT} if stop == "end_turn" else {})}]
        return plain(200, {**message, "content": content, **ended}, asked=True)
    return stream(
        (
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": ended, "usage": {"output_tokens": OUTPUT_TOKENS}},
            {"type": "message_stop"},
        )
    )
