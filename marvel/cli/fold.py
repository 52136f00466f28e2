"""The world as rows, kept up by events: what a Reader is, for one who follows the log or looks back."""

from typing import Any

import msgspec

from marvel.events import Event
from marvel.store.query import leased
from marvel.world import TABLES, Change, Key, World

Row = dict[str, Any]
Leases = dict[str, Any]  # as Reader.leases gives them


class Fold:
    """Rows of one moment. Whoever asks for a workspace's rows gets them all and sorts them out."""

    def __init__(self, world: World, leases: Leases | None = None) -> None:
        self._world = world
        self.leases = leases or {}
        self._rows: dict[str, dict[Key, Row]] = {table: {} for table in TABLES}
        self._keep([Change(*row) for row in world.rows()])

    @property
    def world(self) -> World:
        """The same as records, without what leases know; for reading only."""
        return self._world

    @property
    def position(self) -> int:
        """Of the last event that is in it."""
        return self._world.position

    def apply(self, event: Event) -> list[Change]:
        """Advance by one event; the rows it put or removed."""
        made = self._world.apply(event)
        self._keep(made)
        return made

    def rows(self, table: str, workspace: str | None = None) -> list[Row]:
        """A table's rows, all or one workspace's."""
        rows = self._rows[table].values()
        name = "name" if table == "workspaces" else "workspace"
        return [row for row in rows if workspace in (None, row.get(name))]

    def sessions(self, workspace: str | None = None) -> list[Row]:
        """Sessions with what their leases know."""
        return [self._leased(row) for row in self.rows("sessions", workspace)]

    def session(self, uid: str) -> Row | None:
        """One session with what its lease knows."""
        row = self._rows["sessions"].get((uid,))
        return None if row is None else self._leased(row)

    def _leased(self, row: Row) -> Row:
        lease = self.leases.get(row["uid"])
        return row if lease is None else leased(dict(row), lease)

    def _keep(self, changes: list[Change]) -> None:
        for table, key, row in changes:
            if row is None:
                self._rows[table].pop(key, None)
            else:
                self._rows[table][key] = msgspec.to_builtins(row)
