"""Kinds of values that are counted or measured."""

import math
import re
from typing import Any

from marvel import durations
from marvel.manifest.kinds import REFUSED, Kind, Report, Schema
from marvel.manifest.problems import shown


class Integer(Kind, frozen=True):
    """A count."""

    least: int = 0
    most: int = 1_000_000

    def check(self, value: object, report: Report) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            report(f"must be an integer, is {shown(value)}{_without_quotes(value)}")
            return REFUSED
        return value if _within(value, self.least, self.most, report) else REFUSED

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Number(Kind, frozen=True):
    """A number greater than 0."""

    most: float = 1e9

    def check(self, value: object, report: Report) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            report(f"must be a number, is {shown(value)}{_without_quotes(value)}")
            return REFUSED
        return _seconds(value, above_zero=True, most=self.most, most_text=_plain(self.most), report=report)

    def schema(self) -> Schema:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.most}

    def write(self, value: Any) -> Any:
        return _plain(value)


class Duration(Kind, frozen=True):
    """A time span: `"1h30m"`, or a number of seconds."""

    above_zero: bool = False

    def check(self, value: object, report: Report) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            report(f'must be a duration such as "30s", is {shown(value)}')
            return REFUSED
        seconds: float | None = durations.parse(value) if isinstance(value, str) else value
        if seconds is None:
            report(f"{self._refusal(str(value))}, is {shown(value)}")
            return REFUSED
        return _seconds(
            seconds,
            above_zero=self.above_zero,
            most=durations.LONGEST,
            most_text=durations.spell(durations.LONGEST),
            report=report,
            given=value,
        )

    def schema(self) -> Schema:
        least = "exclusiveMinimum" if self.above_zero else "minimum"
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{durations.PATTERN}$"},
                {"type": "number", least: 0, "maximum": durations.LONGEST},
            ]
        }

    def write(self, value: Any) -> Any:
        return durations.written(value)

    def _refusal(self, text: str) -> str:
        if text.startswith("-") and durations.parse(text[1:]) is not None:
            return "must be greater than 0" if self.above_zero else "must be at least 0"
        return 'must be a duration such as "500ms", "30s", "1h30m" or "2d"'


def _within(value: float, least: float, most: float, report: Report) -> bool:
    if value < least:
        report(f"must be at least {least}, is {shown(value)}")
    elif value > most:
        report(f"must be at most {most}, is {shown(value)}")
    return least <= value <= most


def _seconds(
    value: float, *, above_zero: bool, most: float, most_text: object, report: Report, given: object = None
) -> Any:
    told = shown(value if given is None else given)
    if not (isinstance(value, int) or math.isfinite(value)):
        report(f"must be a finite number, is {told}")
    elif value < 0 or (above_zero and value == 0):
        report(f"must be {'greater than' if above_zero else 'at least'} 0, is {told}")
    elif value > most:
        report(f"must be at most {most_text}, is {told}")
    else:
        return float(value)
    return REFUSED


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _without_quotes(value: object) -> str:
    return ", without quotes" if isinstance(value, str) and re.fullmatch(r"[0-9]+", value) else ""
