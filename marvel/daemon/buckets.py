"""Bounds on what one session can have recorded: a burst, then a steady rate."""

from collections.abc import Callable

MOMENT_SECONDS = 0.05


class Buckets:
    """One bucket for each session, full at first. `rate` is in tokens a second."""

    def __init__(self, burst: float, rate: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._rate = rate
        self._clock = clock  # monotonic
        self._levels: dict[str, tuple[float, float]] = {}  # uid → tokens, when

    def take(self, uid: str) -> bool:
        """Take one token; False when there is none."""
        now = self._clock()
        level, at = self._levels.get(uid, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        taken = level >= 1.0
        self._levels[uid] = (level - 1.0 if taken else level, now)
        return taken

    def wait(self, uid: str) -> float:
        """Seconds until there is a token; a moment at least."""
        level, at = self._levels.get(uid, (self._burst, 0.0))
        return max(MOMENT_SECONDS, (1.0 - level) / self._rate - (self._clock() - at))

    def forget(self, uid: str) -> None:
        """Drop the bucket of a session that has ended."""
        self._levels.pop(uid, None)
