"""Kinds of values that hold several others."""

import re
from pathlib import Path
from typing import Any

from marvel.manifest.kinds import REFUSED, Command, Kind, Report, Schema, Text, clean
from marvel.manifest.problems import quoted, shown
from marvel.text import is_plain


class Many(Kind, frozen=True):
    """A list."""

    of: Kind = Text()
    least: int = 0

    def check(self, value: object, report: Report) -> Any:
        if not isinstance(value, list):
            report(f"must be a list, is {shown(value)}{_as_list(value)}")
            return REFUSED
        if len(value) < self.least:
            report("must not be empty")
            return REFUSED
        items = [
            self.of.check(item, lambda message, *below, index=index: report(message, index, *below))
            for index, item in enumerate(value)
        ]
        return REFUSED if any(item is REFUSED for item in items) else tuple(items)

    def schema(self) -> Schema:
        minimum = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.of.schema(), **minimum}

    def write(self, value: Any) -> Any:
        return [self.of.write(item) for item in value]


class Argv(Many, frozen=True):
    """A program and its arguments; the program is resolved like `command`."""

    least: int = 1

    def settle(self, value: Any, directory: Path) -> Any:
        return (Command().settle(value[0], directory), *value[1:])


class EnvName(Kind, frozen=True):
    """The name of an environment variable."""

    PATTERN = r"(?!MARVEL_)[^=\s\x00-\x1f\x7f]+"

    def check(self, value: object, report: Report) -> Any:
        text = Text(empty=False).check(value, report)
        if text is REFUSED or re.fullmatch(self.PATTERN, text):
            return text
        if text.startswith("MARVEL_"):
            report(f"{quoted(text)} is marvel's own: names that begin with MARVEL_ are set for every session")
        else:
            report(f"must be the name of an environment variable, is {quoted(text)}")
        return REFUSED

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{self.PATTERN}$"}


class Env(Kind, frozen=True):
    """Environment variables; the values are secrets and never part of a message."""

    def check(self, value: object, report: Report) -> Any:
        if not isinstance(value, dict):
            report(f"must be a table of names and strings, is {shown(value)}")
            return REFUSED
        refused = False
        for name, text in value.items():

            def below(message: str, *_: str | int, name: str = name) -> None:
                report(message, name)

            named = EnvName().check(name, below)
            if not isinstance(text, str):
                below("must be a string, write the value in quotes")
                refused = True
            else:
                refused = named is REFUSED or not clean(text, below) or refused
        return REFUSED if refused else dict(value)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": EnvName().schema(),
            "additionalProperties": {"type": "string"},
        }


def _as_list(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 40 or not is_plain(value):
        return ""
    return f", write [{', '.join(quoted(word) for word in value.split())}]"
