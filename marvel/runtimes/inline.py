"""TOML in one line, as flags such as `-c key=value` hold it: read, and written."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any


def settings_of(argv: Sequence[str], *flags: str) -> Iterator[tuple[str, Any]]:
    """Key and value of each `FLAG key=value`, `FLAG=key=value` or, for a short flag, `-cKEY=VALUE`."""
    words = iter(argv)
    for word in words:
        setting = _setting(word, words, flags)
        key, equals, value = setting.partition("=")
        if equals:
            yield key.strip(), _value(value)


def _setting(word: str, rest: Iterator[str], flags: Sequence[str]) -> str:
    for flag in flags:
        if word == flag:
            return next(rest, "")
        if word.startswith(f"{flag}="):
            return word[len(flag) + 1 :]
        if len(flag) == 2 and word.startswith(flag):
            return word[len(flag) :]
    return ""


def _value(text: str) -> Any:
    """What is no TOML is a plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip()


def inline(value: Any) -> str:
    """Lists, tables and plain values as TOML in one line."""
    if isinstance(value, list):
        return f"[{','.join(map(inline, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}={inline(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value) if isinstance(value, str | bool | int | float) else json.dumps(str(value))
