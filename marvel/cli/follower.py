"""Follows the log: events past a cursor, each once, whatever becomes of the daemon or the log's file."""

from marvel.cli.fold import Fold
from marvel.errors import LogUnavailable, Rejected
from marvel.events import Event
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.store.rows import events_after, load_world, world_at

BATCH = 1_000  # events read at a time


class Follower:
    """A fold, and the events that are to be applied to it next."""

    def __init__(self, paths: Paths, *, after: int | None = None) -> None:
        """Begin at the present, or past a position. Raises Rejected and LogUnavailable."""
        self._paths = paths
        self.problem = ""  # why the log can't be read now
        self.more = False  # the last read was cut short
        with Reader(paths) as reader:
            self._log_id = reader.log_id()
            self._began = head = reader.head()
            if after is not None and after > head:
                hint = f"the newest position is {head}"
                raise Rejected(f"position {after} is not in the event log", hint=hint)
            if after is None:
                self.fold = Fold(load_world(reader), reader.leases())
            else:
                self.fold = Fold(world_at(reader, after))

    def read(self) -> list[Event] | None:
        """Events to be applied, in order; None when this is another log, and `fold` the present of that."""
        try:
            return self._read()
        except LogUnavailable as error:
            self.problem, self.more = error.message, False
            return []

    def _read(self) -> list[Event] | None:
        with Reader(self._paths) as reader:
            log_id, head = reader.log_id(), reader.head()
            if log_id is None:
                self.problem = "there is no event log" if self._log_id is None else "the event log is gone"
                return []
            self.problem = ""
            if self._log_id is None:  # the first one: `fold` is empty
                self._log_id = log_id
            if log_id != self._log_id or head < self.fold.position:
                self._log_id = log_id
                self.fold = Fold(load_world(reader), reader.leases())
                return None
            until = min(head, self.fold.position + BATCH)
            found = list(events_after(reader, self.fold.position, until=until))
            self.more = until < head
            if self.fold.position >= self._began:  # what was before is told as events know it
                self.fold.leases = reader.leases()
            return found
