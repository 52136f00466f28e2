"""What an owner's loop sees of a connection: a descriptor, and a time to be called at.

`Channel` moves bytes between a link and a pipeline and runs timers. It does not know what for: what to
do when the link is lost, or tmux says something unasked, is up to `connection`.
"""

from __future__ import annotations

from collections.abc import Callable

from marvel.tmux.link import Link
from marvel.tmux.pipeline import Pipeline
from marvel.tmux.timers import Timers


class Channel:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._timers = Timers(clock)
        self._pipeline = Pipeline(clock, self._notice)
        self._link: Link | None = None

    def _notice(self, line: bytes) -> None:
        """A hint that something changed; see `control.Framer`."""

    def _lost(self) -> None:
        """The other side hung up."""

    def fileno(self) -> int | None:
        """One descriptor for reading and writing, or none. It changes when the connection is lost
        and regained, so ask again after each `open`, `on_ready`, `expire` and `close`.
        """
        return self._link.fileno() if self._link else None

    def wants_write(self) -> bool:
        return bool(self._link and self._pipeline.out)

    def on_ready(self, readable: bool, writable: bool) -> None:
        """The descriptor can be read (or was hung up, or has an error), or written."""
        link = self._link
        if link is None:
            return
        if writable and self._pipeline.out:
            link.write(self._pipeline.out)
        if not readable:
            return
        data, alive = link.read()
        if data:
            self._pipeline.feed(data)
        if self._link is not link:
            return  # a callback closed it
        if not alive:
            self._lost()
        elif self._pipeline.out:
            link.write(self._pipeline.out)

    def deadline(self) -> float | None:
        """When `expire` wants to be called next, on the owner's clock; ask after every other call."""
        return min(
            (at for at in (self._pipeline.deadline(), self._timers.next()) if at is not None), default=None
        )

    def expire(self, now: float) -> None:
        """Do what is due. Answers that are there count, even if they were not read in time: this
        process may have been suspended, and not tmux.
        """
        self._timers.run(now)
        due = self._pipeline.deadline()
        if due is not None and due <= now:
            self.on_ready(True, True)
            self._pipeline.expire(now)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Have `action` done by `expire` (or `close`, at the latest)."""
        self._timers.after(seconds, action)

    def now(self) -> float:
        return self._clock()
