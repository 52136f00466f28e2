"""The moment that a time typed by a user means: `10m`, `22:00`, `yesterday`, `@1700000000`, a date."""

import re
import time

from marvel.cli.times import DAY, HOUR, MINUTE
from marvel.errors import UsageError

UNITS = {"ms": 0.001, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
CLOCK = re.compile(r"(?:(today|yesterday)(?: +at)? +)?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
EPOCH = re.compile(r"@(\d{1,15}(?:\.\d{1,9})?)", re.ASCII)
DAYS = {"today": 0, "yesterday": 1}
FARTHEST_SECONDS = 100 * 365 * DAY  # from now, either way: a date computed with it still is a date
HINT = "a duration (10m, 2h, 1w), 14:10, yesterday, now, @1700000000, or a date (2026-01-31T14:10:00Z)"


def moment(text: str, now: float, *, option: str = "--since") -> float:
    """Return the time that a text means, seen from `now`. Raises UsageError, which names the option."""
    try:
        found = _moment(text.strip(), now)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise UsageError(f"{option}: cannot parse {text!r} as a time", hint=HINT)
    if abs(found - now) > FARTHEST_SECONDS:
        raise UsageError(f"{option}: {text!r} is more than 100 years away", hint=HINT)
    return found


def _moment(text: str, now: float) -> float | None:
    spoken = text.lower()
    span = spoken.removesuffix("ago").strip()
    if span and not DURATION.sub("", span).strip():
        return now - sum(float(count) * UNITS[unit] for count, unit in DURATION.findall(span))
    if spoken == "now":
        return now
    if spoken in DAYS:
        return _at(now, DAYS[spoken], 0, 0, 0)
    if epoch := EPOCH.fullmatch(text):
        return float(epoch[1])
    if clock := CLOCK.fullmatch(spoken):
        day, *parts = clock.groups()
        return _clock(now, day, *(int(part or 0) for part in parts))
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()  # without an offset: local


def _clock(now: float, day: str | None, hour: int, minute: int, second: int) -> float:
    """Return when local clocks last showed a time, or showed it on a day.

    In the night when clocks go forward a time may not exist, and then the day before is meant; in the one
    when they go back it exists twice, and then the later one that has passed is meant.
    """
    if day is not None:
        return _at(now, DAYS[day], hour, minute, second)
    shown = (hour, minute, second)
    made = [
        _at(now, days, *shown, summer=summer)
        for days in (0, 1, 2)  # two days back: yesterday's may not exist either
        for summer in (0, 1)
    ]
    passed = [one for one in made if one <= now and time.localtime(one)[3:6] == shown]
    return max(passed)


def _at(now: float, days_before: int, hour: int, minute: int, second: int, *, summer: int = -1) -> float:
    """Return a clock time on an earlier day. Counted in days of the calendar: some have 23 or 25 hours."""
    year, month, day = time.localtime(now)[:3]
    return time.mktime((year, month, day - days_before, hour, minute, second, 0, 0, summer))
