"""What changes in a listing, event by event. Pure.

A change of a session is an event that wrote its row, whether or not that shows in the object: so each event
about it makes one line. Objects that are made of several rows (a team of its roles' sessions) change when
they look different. What is no longer selected is deleted, as what is no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from marvel.cli import objects
from marvel.cli.fold import Fold
from marvel.cli.get import find_in, found, session_test, sorted_objects
from marvel.cli.get import unknown as unknown_key
from marvel.cli.request import Request
from marvel.events import Event
from marvel.world import Change as RowChange

if TYPE_CHECKING:
    from marvel.cli.get import Source

Row = dict[str, Any]
Rows = list[Row]

SHOWN_IN = {  # tables that the objects of a kind are made of
    "teams": ("teams", "roles", "cohorts", "sessions"),
    "workspaces": ("workspaces", "teams", "sessions"),
    "endpoints": ("endpoints", "sessions"),
    "shifts": ("shifts", "sessions", "teams"),
}


class Change(NamedTuple):
    """One line of a watch."""

    type: Literal["added", "modified", "deleted"]
    position: int  # of the event
    object: Row

    def published(self) -> Row:
        """As programs get it."""
        return {"type": self.type, "position": self.position, "object": objects.published(self.object)}


class Selection:
    """What a request selects, at any moment: its key is looked up once, in `source`."""

    def __init__(self, source: Source, kind: str, request: Request) -> None:
        """Raises NotFound and Rejected."""
        self.kind = kind
        self._request = request
        if kind == "sessions":
            self._test = _session_test(source, request)
        elif request.key is not None and kind != "shifts" and not found(source, kind, request)[0]:
            raise unknown_key(kind, request)

    def objects(self, fold: Fold) -> Rows:
        """The objects, in the order of a listing."""
        if self.kind != "sessions":
            return found(fold, self.kind, self._request)[0]
        rows = filter(self._test, fold.sessions(self._request.workspace))
        return [objects.session(row) for row in sorted(rows, key=objects.order)]

    def session(self, row: Row) -> Row | None:
        """The object of a session's row; None when it is not selected."""
        return objects.session(row) if self._test(row) else None

    def sorted(self, rows: Rows, now: float) -> Rows:
        """As the request wants them sorted."""
        return sorted_objects(self.kind, rows, self._request, now)

    def identity(self, row: Row) -> str:
        """What stays the same of an object while it changes."""
        name: str = row["key"] if self.kind == "shifts" else row["uid"]
        return name


class Changes:
    """A listing that is kept up, and says what changes in it."""

    def __init__(self, fold: Fold, selection: Selection) -> None:
        self._fold = fold
        self._selection = selection
        self._shown = self._now()

    def present(self, now: float) -> list[Change]:
        """What there is, as changes."""
        rows = self._selection.sorted(list(self._shown.values()), now)
        return [Change("added", self._fold.position, row) for row in rows]

    def apply(self, event: Event) -> list[Change]:
        """What an event changes."""
        touched = self._fold.apply(event)
        if self._selection.kind == "sessions":
            return self._sessions(touched)
        if not any(change.table in SHOWN_IN[self._selection.kind] for change in touched):
            return []
        return self._compared()

    def anew(self, fold: Fold) -> list[Change]:
        """What is different in another log."""
        self._fold = fold
        return self._compared()

    def _sessions(self, touched: Iterable[RowChange]) -> list[Change]:
        uids = dict.fromkeys(str(change.key[0]) for change in touched if change.table == "sessions")
        made = []
        for uid in uids:
            row = self._fold.session(uid)
            now = None if row is None else self._selection.session(row)
            before = self._shown.get(uid)
            if now is not None:
                self._shown[uid] = now
                made.append(self._change("added" if before is None else "modified", now))
            elif before is not None:
                del self._shown[uid]
                made.append(self._change("deleted", before if row is None else objects.session(row)))
        return made

    def _compared(self) -> list[Change]:
        before, self._shown = self._shown, self._now()
        made = [self._change("deleted", row) for name, row in before.items() if name not in self._shown]
        for name, row in self._shown.items():
            if name not in before:
                made.append(self._change("added", row))
            elif before[name] != row:
                made.append(self._change("modified", row))
        return made

    def _now(self) -> dict[str, Row]:
        return {self._selection.identity(row): row for row in self._selection.objects(self._fold)}

    def _change(self, word: Literal["added", "modified", "deleted"], row: Row) -> Change:
        return Change(word, self._fold.position, row)


def _session_test(source: Source, request: Request) -> Callable[[Row], bool]:
    """Whether a row is asked for. A session's key means its slot: also those that come after it."""
    if request.key is None:
        return session_test(request, unlisted=request.all)
    rows = source.sessions(request.workspace)
    what, name = find_in(source, rows, request)
    plain = session_test(request, unlisted=request.all)
    if what == "team":
        return lambda row: name == f"{row['workspace']}/{row['team']}" and plain(row)
    named = next(row for row in rows if row["uid"] == name)
    if not objects.is_listed(named):  # it has ended, and has no successor that would count
        return lambda row: bool(row["uid"] == name)
    return lambda row: objects.session_key(row) == objects.session_key(named) and plain(row)
