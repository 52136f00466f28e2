"""Keeps the note of how the daemon is (marvel/store/condition.py) up to date."""

from collections.abc import Callable
from typing import Any

from marvel.store.condition import MAX_LIMITS, MAX_WORDS


class Condition:
    """What a daemon reports of itself where it can't be asked. `write` keeps the fields, and may fail."""

    def __init__(self, clock: Callable[[], float], write: Callable[[dict[str, Any]], None]) -> None:
        self._clock = clock
        self._write = write
        self.unrecorded_since: float | None = None
        self.reason = ""
        self.shortages: list[str] = []

    def recorded(self) -> None:
        """Everything that was to be recorded is."""
        if self.unrecorded_since is not None:
            self.unrecorded_since, self.reason = None, ""
            self.note()

    def failed(self, reason: str) -> None:
        """Nothing can be recorded, since the first such failure in a row."""
        first = self.unrecorded_since is None
        if first:
            self.unrecorded_since = self._clock()
        if first or reason != self.reason:
            self.reason = reason
            self.note()

    def looked(self, shortages: list[str]) -> None:
        """The loop went round, and found these limits nearly used up."""
        self.shortages = shortages
        self.note()

    def note(self) -> None:
        """Write it all down."""
        self._write(
            {
                "looked_at": self._clock(),
                "unrecorded_since": self.unrecorded_since,
                "unrecorded_reason": self.reason[:MAX_WORDS],
                "shortages": [words[:MAX_WORDS] for words in self.shortages[:MAX_LIMITS]],
            }
        )
