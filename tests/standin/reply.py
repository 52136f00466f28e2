"""What the dialects of the stand-in share: an answer, and what is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

COMMAND = "python3 -c 1"  # what `TOOL` asks to run
TEXT = "done"
INPUT_TOKENS, OUTPUT_TOKENS = 30_000, 20


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str]
    asked: bool = False  # whether it answers a turn of a conversation


def plain(status: int, value: object, *, asked: bool = False, **headers: str) -> Reply:
    """One JSON value."""
    named = {"content-type": "application/json"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return Reply(status, json.dumps(value).encode(), named, asked)


def stream(events: Iterable[dict[str, Any]]) -> Reply:
    """Server-sent events, named by their type where they have one."""
    lines = [
        (f"event: {event['type']}\n" if "type" in event else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]
    return Reply(200, "".join(lines).encode(), {"content-type": "text/event-stream"}, asked=True)


def since_the_last_answer(messages: list[dict[str, Any]], *roles: str) -> str:
    """What the CLI added in this turn, as text: the user's words need not be the last of it."""
    answers = [place for place, message in enumerate(messages) if message.get("role") in roles]
    return json.dumps(messages[answers[-1] + 1 :] if answers else messages)


def said(body: dict[str, Any]) -> list[str]:
    """Return the user's texts of a call, in their order, in any of the dialects."""
    messages = body.get("messages") or body.get("input") or body.get("contents") or []
    texts: list[str] = []
    for message in messages:
        content = message.get("content", message.get("parts"))
        if message.get("role") == "user" and isinstance(content, str):
            texts.append(content)
        elif message.get("role") == "user":
            texts += [part["text"] for part in content or [] if isinstance(part.get("text"), str)]
    return texts
