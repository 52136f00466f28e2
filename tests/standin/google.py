"""The Gemini API, as gemini speaks it."""

from __future__ import annotations

from typing import Any

from tests.standin.failures import GOOGLE, failed
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

SHELL = "run_shell_command"


def answer(path: str, body: dict[str, Any]) -> Reply | None:
    """The answer to a call; None when it is not of this API."""
    method = path.partition("?")[0].rpartition(":")[2]
    if "/models/" not in path or method not in ("countTokens", "generateContent", "streamGenerateContent"):
        return None
    if method == "countTokens":
        return plain(200, {"totalTokens": INPUT_TOKENS})
    last = since_the_last_answer(body.get("contents") or [], "model")
    names = [one.get("name") for tool in body.get("tools") or [] for one in _functions(tool)]
    part: dict[str, Any] = {"text": TEXT}
    if (refused := failed(GOOGLE, last)) is not None:
        return refused
    if "LIMIT" in last:
        error = {"code": 429, "message": "stand-in: quota exceeded", "status": "RESOURCE_EXHAUSTED"}
        return plain(429, {"error": error}, asked=True)
    if "TOOL" in last and "functionResponse" not in last and SHELL in names:
        arguments = {"command": COMMAND, "description": "stand-in"}
        part = {"functionCall": {"name": SHELL, "args": arguments}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    usage = {
        "promptTokenCount": INPUT_TOKENS,
        "candidatesTokenCount": OUTPUT_TOKENS,
        "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    response = {"candidates": [candidate], "usageMetadata": usage}
    return stream([response]) if method.startswith("stream") else plain(200, response, asked=True)


def _functions(tool: dict[str, Any]) -> list[dict[str, Any]]:
    return tool.get("functionDeclarations") or []
