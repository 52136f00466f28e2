"""Follows the log: events past a cursor, each once, whatever becomes of the daemon or the log's file."""

from marvel.cli.cursor import Cursor, doubted
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
        self.lost = ""  # why it could not go on from where it was, and began again
        with Reader(paths) as reader:
            self._began = head = reader.head()
            self.lost = "" if after is None else doubted(reader, after)
            if after is not None and after > head and not self.lost:
                hint = f"the newest position is {head}"
                raise Rejected(f"position {after} is not in the event log", hint=hint)
            if after is None or self.lost:
                self.fold = Fold(load_world(reader), reader.leases())
            else:
                self.fold = Fold(world_at(reader, after))
            self._cursor = Cursor(reader, self.fold.position)

    def read(self) -> list[Event] | None:
        """Events to be applied, in order; None when it is `lost`: `fold` is the present again."""
        try:
            return self._read()
        except LogUnavailable as error:
            self.problem, self.more = error.message, False
            return []

    def _read(self) -> list[Event] | None:
        with Reader(self._paths) as reader:
            if reader.log_id() is None:
                known = self._cursor.log_id is not None
                self.problem = "the event log is gone" if known else "there is no event log"
                return []
            self.problem = ""
            self.lost = self._cursor.lost(reader)
            if self.lost:
                self.fold = Fold(load_world(reader), reader.leases())
                self._cursor = Cursor(reader, self.fold.position)
                return None
            head = reader.head()
            until = min(head, self.fold.position + BATCH)
            found = list(events_after(reader, self.fold.position, until=until))
            self._cursor.move(reader, until)
            self.more = until < head
            if self.fold.position >= self._began:  # what was before is told as events know it
                self.fold.leases = reader.leases()
            return found
