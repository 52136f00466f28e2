"""Runs of alike events, folded for people. Pure.

Alike are events of one kind, actor and resource that say the same, but for readings. A run ends when
something else happens to the resource; what happens to others meanwhile does not end it. It stands where its
last event does.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from marvel.cli.summaries import key, summary
from marvel.cli.times import age

Row = dict[str, Any]

_READING = re.compile(r"context \d+ %|\d+ in a row")  # what goes up while nothing else is new


class Run(NamedTuple):
    """Alike events: the newest, how many there are, and when the first was."""

    event: Row
    times: int
    since: float

    @property
    def suffix(self) -> str:
        """What is added to the line of the newest."""
        return "" if self.times == 1 else f"  ×{self.times} over {age(self.event['time'] - self.since)}"  # noqa: RUF001


def single(event: Row) -> Run:
    """The run that an event begins."""
    return Run(event, 1, event["time"])


def joined(run: Run, event: Row) -> Run | None:
    """The run with one event more; None when that is not alike."""
    alike = key(run.event) == key(event) and _said(run.event) == _said(event)
    return Run(event, run.times + 1, run.since) if alike else None


def folded(events: list[Row]) -> list[Run]:
    """Events, oldest first, as runs; each where its last event is."""
    newest: dict[str, Run] = {}  # of each resource
    lines: dict[int, Run] = {}
    for event in events:
        before = newest.get(key(event))
        run = before and joined(before, event)
        if before and run:
            del lines[before.event["position"]]
        lines[event["position"]] = newest[key(event)] = run or single(event)
    return list(lines.values())


def _said(event: Row) -> object:
    return event["kind"], event["uid"], event["actor"], _READING.sub("", summary(event))
