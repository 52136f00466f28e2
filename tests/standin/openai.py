"""The Responses API, as codex speaks it."""

from __future__ import annotations

import json
from typing import Any

from tests.standin.failures import OPENAI, failed
from tests.standin.reply import COMMAND, INPUT_TOKENS, OUTPUT_TOKENS, TEXT, Reply, plain, stream

RESETS_AT = 4_102_444_800  # when its limit ends: in 2100
ESCALATED = {"sandbox_permissions": "require_escalated", "justification": "the stand-in asks"}
SHELLS: dict[str, dict[str, Any]] = {  # names of the shell tool in several versions, and its arguments
    "exec_command": {"cmd": COMMAND, **ESCALATED},
    "shell_command": {"command": COMMAND, **ESCALATED},
    "shell": {"command": ["sh", "-c", COMMAND], **ESCALATED},
}


def answer(path: str, body: dict[str, Any]) -> Reply | None:
    """The answer to a call; None when it is not of this API."""
    if not path.partition("?")[0].endswith("/responses"):
        return None
    last = _since_the_last_answer(body.get("input") or [])
    names = [tool.get("name") for tool in body.get("tools") or []]
    shell = next((name for name in SHELLS if name in names), None)
    if (refused := failed(OPENAI, last)) is not None:
        return refused
    if "LIMIT" in last:
        error = {"type": "usage_limit_reached", "message": "stand-in: limit"}
        window = {"used_percent": "100", "window_minutes": "300", "reset_at": str(RESETS_AT)}
        told = {f"x_codex_primary_{name}": value for name, value in window.items()}
        return plain(429, {"error": error}, asked=True, **told)
    if "TOOL" in last and "function_call_output" not in last and shell:
        call = {"type": "function_call", "call_id": "call_1", "name": shell}
        return _response(body, {**call, "arguments": json.dumps(SHELLS[shell])})
    content = [{"type": "output_text", "text": TEXT}]
    return _response(body, {"type": "message", "role": "assistant", "id": "m1", "content": content})


def _response(body: dict[str, Any], item: dict[str, Any]) -> Reply:
    usage = {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    response = {"id": "resp_1", "object": "response", "model": body.get("model"), "output": [item]}
    return stream(
        (
            {"type": "response.created", "response": {"id": "resp_1"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {**response, "status": "completed", "usage": usage}},
        )
    )


def _since_the_last_answer(items: list[dict[str, Any]]) -> str:
    """What codex added in this turn; its own first messages (`<environment_context>`) are among it."""
    answers = [place for place, item in enumerate(items) if item.get("role") == "assistant"]
    return json.dumps(items[answers[-1] + 1 :] if answers else items)
