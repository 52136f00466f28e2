"""The kinds of values a manifest has. One class per kind knows everything about it: what is refused and
in which words (`check`), what JSON Schema says (`schema`), how a path in it is resolved (`settle`), and
how it is written back (`write`).
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from marvel.manifest import places
from marvel.manifest.problems import quoted, shown

Report = Callable[..., None]  # report(message, *steps below the field)
Schema = dict[str, Any]

REFUSED: Final = object()  # what `check` returns for a value that was reported


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all kinds."""

    def check(self, value: object, report: Report) -> Any:
        """The value as marvel keeps it; `REFUSED` after it was reported."""
        raise NotImplementedError

    def schema(self) -> Schema:
        raise NotImplementedError

    def settle(self, value: Any, directory: Path) -> Any:
        """The value once it is known where the manifest lies."""
        return value

    def write(self, value: Any) -> Any:
        """The value as it stands in a TOML file."""
        return value


class Text(Kind, frozen=True):
    """Free text."""

    empty: bool = True

    def check(self, value: object, report: Report) -> Any:
        if not isinstance(value, str):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            hint = ", write it in quotes" if number else ""
            report(f"must be a string, is {shown(value)}{hint}")
            return REFUSED
        if not value and not self.empty:
            report("must not be empty")
            return REFUSED
        return value if clean(value, report) else REFUSED

    def schema(self) -> Schema:
        return {"type": "string"} if self.empty else {"type": "string", "minLength": 1}


class Pattern(Text, frozen=True):
    """A regular expression, as Python writes it."""

    LONGEST = 200

    def check(self, value: object, report: Report) -> Any:
        text = super().check(value, report)
        if text is REFUSED:
            return REFUSED
        if len(text) > self.LONGEST:
            report(f"must be at most {self.LONGEST} characters, has {len(text)}")
            return REFUSED
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            report(f"must be a regular expression: {error}")
            return REFUSED
        return text

    def schema(self) -> Schema:
        return {"type": "string", "format": "regex", "maxLength": self.LONGEST}


class Name(Kind, frozen=True):
    """The name of a resource: part of keys, pane stamps and socket paths."""

    longest: int = 63

    PATTERN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"

    def check(self, value: object, report: Report) -> Any:
        text = Text(empty=False).check(value, report)
        if text is REFUSED:
            return REFUSED
        if len(text) > self.longest:
            report(f"must be at most {self.longest} characters, has {len(text)}")
            return REFUSED
        if not re.fullmatch(self.PATTERN, text):
            better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
            hint = f", did you mean {better}?" if better else ""
            report(
                f"must be lower-case letters, digits and dashes, and begin and end with a letter or digit, "
                f"is {quoted(text)}{hint}"
            )
            return REFUSED
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^{self.PATTERN}$", "maxLength": self.longest}


class Flag(Kind, frozen=True):
    """true or false."""

    def check(self, value: object, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        hint = ", without quotes" if value in ("true", "false") else ""
        report(f"must be true or false, is {shown(value)}{hint}")
        return REFUSED

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Choice(Kind, frozen=True):
    """One of a few words."""

    options: tuple[str, ...]

    def check(self, value: object, report: Report) -> Any:
        if isinstance(value, str) and value in self.options:
            return value
        better = {_folded(option): option for option in self.options}.get(_folded(value))
        hint = f", did you mean {better}?" if better else ""
        report(f"must be one of {', '.join(self.options)}, is {shown(value)}{hint}")
        return REFUSED

    def schema(self) -> Schema:
        return {"enum": list(self.options)}


class Signal(Kind, frozen=True):
    """A signal by name, kept without SIG."""

    NAMES = ("TERM", "INT", "HUP", "QUIT", "KILL", "USR1", "USR2")

    def check(self, value: object, report: Report) -> Any:
        name = value.removeprefix("SIG") if isinstance(value, str) else value
        return name if name in self.NAMES else Choice(options=self.NAMES).check(value, report)

    def schema(self) -> Schema:
        return {"enum": [*self.NAMES, *(f"SIG{name}" for name in self.NAMES)]}


class File(Text, frozen=True):
    """A path, kept absolute."""

    empty: bool = False
    expands: bool = False  # `{index}` and the like are filled in per session

    def settle(self, value: Any, directory: Path) -> Any:
        return places.resolve(value, directory, expands=self.expands)


class Command(Text, frozen=True):
    """A program: a plain name is looked up in PATH later, anything with a `/` is a path."""

    empty: bool = False

    def settle(self, value: Any, directory: Path) -> Any:
        return places.resolve(value, directory) if "/" in value else value


def clean(text: str, report: Report) -> bool:
    """Whether text can be stored and handed to a process."""
    if "\0" in text:
        report("must not contain a NUL byte")
        return False
    if any("\ud800" <= character <= "\udfff" for character in text):
        report("must be text that UTF-8 can hold")
        return False
    return True


def _folded(value: object) -> str:
    return re.sub(r"[^a-z]", "", str(value)[:40].lower()) if isinstance(value, str) else ""
