"""The sockets of contained sessions: one each, in the session's directory, by which only it can speak.

A contained agent sees its own directory and nothing else of marvel's. It may write there, also in place of
its socket: what can't be bound is noted, and costs nobody else anything.
"""

from collections.abc import Callable, Iterable
from typing import Any

from marvel.daemon.lineage import LineageOf
from marvel.daemon.listener import Handler, Listener
from marvel.daemon.poller import Poller
from marvel.errors import MarvelError
from marvel.logs import Logger
from marvel.settings import Paths


class OwnSockets:
    """Those of all contained sessions that are alive."""

    def __init__(
        self,
        paths: Paths,
        poller: Poller,
        handle: Handler,
        clock: Callable[[], float],
        log: Logger,
        *,
        failed: Callable[[str, Exception], None],
    ) -> None:
        self._paths = paths
        self._failed = failed  # as of Listener
        self._poller = poller
        self._handle = handle
        self._clock = clock
        self._log = log
        self._listeners: dict[str, Listener] = {}

    def open(self, uid: str) -> None:
        """Listen for a session, if nobody does yet."""
        if uid in self._listeners:
            return

        def handle(method: str, params: dict[str, Any], lineage: LineageOf) -> Any:
            return self._handle(method, {**params, "uid": uid}, lineage)

        path = self._paths.session_socket(uid)
        try:
            self._listeners[uid] = Listener(
                path, self._poller, handle, self._clock, failed=self._failed, bound=uid
            )
        except (MarvelError, OSError) as error:
            self._log.warning("a session's own socket could not be made", uid=uid, error=str(error))

    def forget(self, uid: str) -> None:
        """A session has ended."""
        listener = self._listeners.pop(uid, None)
        if listener is not None:
            listener.close()

    def deadlines(self) -> Iterable[float | None]:
        """When `expire` has something to do."""
        return (listener.deadline() for listener in self._listeners.values())

    def expire(self, now: float) -> None:
        """Close connections that have been silent for too long."""
        for listener in self._listeners.values():
            listener.expire(now)

    def close(self) -> None:
        """Listen no more."""
        for uid in list(self._listeners):
            self.forget(uid)
