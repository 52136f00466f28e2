"""Times and durations as people and programs read them. Standard library only, and without datetime."""

import time

MICROSECONDS = 1_000_000
MINUTE, HOUR, DAY = 60, 3_600, 86_400
FAR_SECONDS = 12 * HOUR  # a clock time that is further off gets its date
TIME_KEYS = ("at", "deadline", "time", "since")  # in objects and payloads, besides what ends in _at, _since


def rfc3339(seconds: float) -> str:
    """UTC to the microsecond: what the log holds, so that it can be handed back to `--since`."""
    whole, micro = divmod(round(seconds * MICROSECONDS), MICROSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{micro:06d}Z"


def is_time(name: str) -> bool:
    """Whether a field of this name holds a time."""
    return name in TIME_KEYS or name.endswith(("_at", "_since"))


def local(seconds: float) -> str:
    """Date and time here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def age(seconds: float) -> str:
    """A span in its largest whole unit: 5s 3m 2h 4d."""
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE:
        return f"{whole}s"
    if whole < 2 * HOUR:
        return f"{whole // MINUTE}m"
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    return f"{whole // DAY}d"


def span(seconds: float) -> str:
    """A span in its two largest units: 45s 12m 3h05m 2d04h."""
    whole = round(seconds)
    if whole == 0:
        return "-"
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
    return f"{whole // DAY}d{whole % DAY // HOUR:02}h"


def until(moment: float, now: float) -> str:
    """`until 14:10:05 (in 12s)`."""
    form = "%H:%M:%S" if abs(moment - now) < FAR_SECONDS else "%Y-%m-%d %H:%M:%S"
    left = f"in {age(moment - now + 0.5)}" if moment > now else "now due"
    return f"until {time.strftime(form, time.localtime(moment))} ({left})"
