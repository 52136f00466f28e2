"""Answers that end a turn in an error, by the word that asks for them, as each maker's API sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.standin.reply import Reply, plain

Table = Mapping[str, tuple[int, dict[str, Any]]]
WORDS = {  # and what marvel calls such a failure
    "FAIL401": "login",
    "FAIL429": "limit",
    "FAIL500": "server",
    "FAIL503": "server",
    "NOCREDIT": "credit",
    "TOOLONG": "too-long",
}


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _openai(kind: str, code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _google(code: int, kind: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": kind}}


ANTHROPIC: Table = {
    "FAIL401": (401, _anthropic("authentication_error", "invalid x-api-key")),
    "FAIL429": (429, _anthropic("rate_limit_error", "This request would exceed your rate limit")),
    "FAIL500": (500, _anthropic("api_error", "Internal server error")),
    "FAIL503": (529, _anthropic("overloaded_error", "Overloaded")),
    "NOCREDIT": (400, _anthropic("invalid_request_error", "Your credit balance is too low")),
    "TOOLONG": (
        400,
        _anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    ),
}
OPENAI: Table = {
    "FAIL401": (401, _openai("invalid_request_error", "invalid_api_key", "Incorrect API key provided")),
    "FAIL429": (429, _openai("tokens", "rate_limit_exceeded", "Rate limit reached")),
    "FAIL500": (500, _openai("server_error", "server_error", "The server had an error")),
    "FAIL503": (503, _openai("server_error", "server_is_overloaded", "The server is overloaded")),
    "NOCREDIT": (429, _openai("insufficient_quota", "insufficient_quota", "You exceeded your current quota")),
    "TOOLONG": (400, _openai("invalid_request_error", "context_length_exceeded", "Your input is too long")),
}
GOOGLE: Table = {
    "FAIL401": (401, _google(401, "UNAUTHENTICATED", "Invalid authentication credentials")),
    "FAIL429": (429, _google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted")),
    "FAIL500": (500, _google(500, "INTERNAL", "An internal error has occurred")),
    "FAIL503": (503, _google(503, "UNAVAILABLE", "The model is overloaded")),
    "NOCREDIT": (403, _google(403, "PERMISSION_DENIED", "Billing is not enabled")),
    "TOOLONG": (
        400,
        _google(400, "INVALID_ARGUMENT", "The input exceeds the maximum number of tokens allowed"),
    ),
}


def failed(table: Table, said: str) -> Reply | None:
    """The error that the last of these words asks for; None where none was said."""
    word = max(table, key=said.rfind)
    if word not in said:
        return None
    status, body = table[word]
    return plain(status, body, asked=True)
