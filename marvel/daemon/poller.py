"""One selector for everything the daemon waits for."""

import selectors
from collections.abc import Callable

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
MAX_WAIT_SECONDS = 3600.0

Callback = Callable[[int], None]  # is given the events that are ready


class Poller:
    """Watches file descriptors for their owners.

    A descriptor that was closed and whose number came back for something else must not be mistaken: what
    is registered last for a number counts, and an owner can only forget what is still his.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._owners: dict[int, object] = {}

    def watch(self, fd: int, events: int, owner: object, callback: Callback) -> None:
        """Call back when `fd` is ready for any of `events`."""
        if fd in self._owners:
            self._selector.unregister(fd)
        self._owners[fd] = owner
        self._selector.register(fd, events, callback)

    def forget(self, fd: int, owner: object) -> None:
        """Stop watching; nothing happens when the number belongs to another owner by now."""
        if self._owners.get(fd) is owner:
            del self._owners[fd]
            self._selector.unregister(fd)

    def wait(self, timeout: float | None) -> bool:
        """Wait for the first events and call back; whether there were any."""
        limit = MAX_WAIT_SECONDS if timeout is None else min(max(timeout, 0.0), MAX_WAIT_SECONDS)
        ready = self._selector.select(limit)
        for key, events in ready:
            if self._owners.get(key.fd) is not None and self._selector.get_map().get(key.fd) is key:
                key.data(events)
        return bool(ready)

    def close(self) -> None:
        """Stop watching everything."""
        self._selector.close()


def seconds_until(now: float, *deadlines: float | None) -> float | None:
    """From now to the nearest of some deadlines on the same clock; None when there is none."""
    nearest = min((at for at in deadlines if at is not None), default=None)
    return None if nearest is None else max(0.0, nearest - now)
