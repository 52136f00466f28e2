"""A reserve of descriptors: ending a process must need nothing that can run out."""

import contextlib
import os
from collections.abc import Callable
from typing import TypeVar

from marvel.shortages import SHORT_OF_FILES

RESERVED = 8  # descriptors: a look through /proc needs two at a time, a signal one

Found = TypeVar("Found")


class Reserve:
    """Descriptors that are held so that they can be given up."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._fill()

    def spend(self, look: Callable[[], Found]) -> Found:
        """Return what `look` finds; where it lacks descriptors it is given the reserve's. Raises OSError."""
        try:
            return look()
        except OSError as error:
            if error.errno not in SHORT_OF_FILES:
                raise
        self.close()
        try:
            return look()
        finally:
            self._fill()

    def close(self) -> None:
        """Give the descriptors up."""
        while self._held:
            os.close(self._held.pop())

    def _fill(self) -> None:
        with contextlib.suppress(OSError):  # what can't be had now is had later
            while len(self._held) < RESERVED:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
