"""A place in the log that a reader goes on from: a position, and which history that is a position of."""

from marvel.store.query import Reader

REPLACED = "the event log was replaced by another one"


class Cursor:
    """A position, and the hash of the event there: another history has another one in its place."""

    def __init__(self, reader: Reader, position: int) -> None:
        self.log_id = reader.log_id()
        self.move(reader, position)

    def move(self, reader: Reader, position: int) -> None:
        """Go on to a position of the same history."""
        self.position = position
        self._hash = reader.hash_at(position)
        self.log_id = self.log_id or reader.log_id()  # there may have been no log at first

    def lost(self, reader: Reader) -> str:
        """Return why one can't go on from here, in words; empty when one can."""
        if self.log_id is None:
            return ""
        if reader.log_id() != self.log_id or reader.head() < self.position:
            return REPLACED
        if archived := was_archived(reader, self.position):
            return archived
        return "" if reader.hash_at(self.position) == self._hash else REPLACED

    def restart(self, reader: Reader) -> None:
        """Go back to where the present history parted from the one that this is a place of."""
        parted = next(reader.events("stream = ? AND kind IN ('log.restored', 'log.truncated')", "log"), None)
        begin = parted["position"] - 1 if parted and reader.log_id() == self.log_id else 0
        self.log_id = None
        self.move(reader, max(begin, reader.first() - 1))


def was_archived(reader: Reader, position: int) -> str:
    """Return which events past a position are not in the log any more, in words; empty when all are."""
    first = reader.first()
    if position >= first - 1:
        return ""
    file = next((name for _, last, name in reader.archives() if position < last), "another file")
    return f"events {position + 1} to {first - 1} are not in the log any more: they are archived in {file}"


def doubted(reader: Reader, position: int) -> str:
    """Return why a bare position does not say which event is meant, in words; empty when it does."""
    if archived := was_archived(reader, position):
        return archived
    if reader.lost_until(position):
        return f"the event log was restored from a copy that did not have position {position} yet"
    return ""
