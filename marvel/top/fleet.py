"""The widget that shows the lines of the fleet: only what is in view is ever made into text."""

import time
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from marvel.top.cells import Span, header, spans
from marvel.top.picture import Picture
from marvel.top.tree import Line, Look, lines

HEADERS = 1  # lines above, that do not scroll
STYLES = {name: Style.parse(name) for name in ("green", "yellow", "red", "dim", "bold")}
REVERSED, HEAD = Style(reverse=True), Style(bold=True, underline=True)


class Fleet(ScrollView, can_focus=True):
    """A tree-table with a cursor, which stays on its line while lines come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "move(-1)", "Up"),
        ("down", "move(1)", "Down"),
        ("pageup", "page(-1)", "Page up"),
        ("pagedown", "page(1)", "Page down"),
        ("home", "move(-1000000)", "First"),
        ("end", "move(1000000)", "Last"),
        ("space", "fold", "Fold"),
        ("left", "close", "Fold away"),
        ("right", "open", "Unfold"),
        ("enter", "choose", "Open"),
    ]
    DEFAULT_CSS = "Fleet { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }"

    class Chosen(Message):
        """A session was chosen to be looked at."""

        def __init__(self, line: Line) -> None:
            super().__init__()
            self.line = line

    class Moved(Message):
        """The cursor stands on another line, or the look changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # what Textual calls it
        super().__init__(id=id)
        self.picture = Picture()
        self.look = Look()
        self.lines: list[Line] = []
        self.moment: float | None = None  # that is shown; None: the present
        self._cursor = 0
        self._told: dict[int, list[Span]] = {}  # by line of the screen, as it was drawn

    @property
    def line(self) -> Line | None:
        """The line that the cursor is on."""
        return self.lines[self._cursor] if self.lines else None

    def show(self, picture: Picture, moment: float | None = None) -> None:
        """Another picture."""
        self.picture, self.moment = picture, moment
        self._made()

    def see(self, look: Look) -> None:
        """Another look at the same picture."""
        self.look = look
        self._made()
        self.post_message(self.Moved())

    def find(self, name: str) -> None:
        """Put the cursor on a line by its id, if it is there."""
        self._put(next((i for i, line in enumerate(self.lines) if line.id == name), self._cursor))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        columns = self.scrollable_content_region.width
        if y < HEADERS:
            return self._strip([Segment(header(columns), HEAD)], columns)
        index = self.scroll_offset.y + y - HEADERS
        if index >= len(self.lines):
            text = (
                "  nothing here: / filters, marvel up FILE begins" if not self.lines and y == HEADERS else ""
            )
            return self._strip([Segment(text, STYLES["dim"])], columns)
        found = self._told[y] = self._spans(index, columns)
        if index == self._cursor:
            return self._strip([Segment("".join(text for text, _ in found))], columns, REVERSED)
        return self._strip([Segment(text, STYLES.get(style)) for text, style in found], columns)

    def age(self) -> None:
        """Draw again what time alone has changed."""
        columns, top = self.scrollable_content_region.width, self.scroll_offset.y
        for y in range(HEADERS, min(self.size.height, len(self.lines) - top + HEADERS)):
            if self._told.get(y) != self._spans(top + y - HEADERS, columns):
                self.refresh_line(top + y)

    def _spans(self, index: int, columns: int) -> list[Span]:
        line = self.lines[index]
        trail = self.picture.trails.get(line.session["uid"], ()) if line.session else ()
        return spans(line, columns, time.time() if self.moment is None else self.moment, trail)

    def _strip(self, segments: list[Segment], columns: int, style: Style | None = None) -> Strip:
        strip = Strip(segments).adjust_cell_length(columns).apply_style(self.rich_style)
        return strip if style is None else strip.apply_style(style)

    def _made(self) -> None:
        before = self.line
        self.lines = lines(self.picture, self.look)
        self.virtual_size = Size(0, len(self.lines) + HEADERS)
        if before is not None:
            found = [i for i, line in enumerate(self.lines) if line.id == before.id]
            self._cursor = found[0] if found else self._cursor
        self._cursor = max(0, min(self._cursor, len(self.lines) - 1))
        self.refresh()

    def _put(self, index: int) -> None:
        before, self._cursor = self._cursor, max(0, min(index, len(self.lines) - 1))
        room = max(1, self.size.height - HEADERS)
        top = self.scroll_offset.y
        if self._cursor < top or self._cursor >= top + room:
            to = self._cursor if self._cursor < top else self._cursor - room + 1
            self.scroll_to(y=to, animate=False)
            self.refresh()
        for moved in (before, self._cursor):
            self.refresh_line(moved + HEADERS)
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        self._put(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._put(self._cursor + by * max(1, self.size.height - HEADERS - 1))

    def action_fold(self) -> None:
        if self.line is not None and self.line.session is None:
            self.see(self.look.fold(self.line.id))

    def action_close(self) -> None:
        """Fold a group away; from inside of one, go to its head."""
        if self.line is None:
            return
        if self.line.session is None and not self.line.folded:
            self.see(self.look.fold(self.line.id, closed=True))
            return
        above = [i for i in range(self._cursor) if self.lines[i].depth < self.line.depth]
        if above:
            self._put(above[-1])

    def action_open(self) -> None:
        if self.line is None:
            return
        if self.line.session is None and self.line.folded:
            self.see(self.look.fold(self.line.id, closed=False))
        elif self.line.session is None:
            self.action_move(1)
        else:
            self.action_choose()

    def action_choose(self) -> None:
        if self.line is not None and self.line.session is not None:
            self.post_message(self.Chosen(self.line))
        else:
            self.action_fold()

    def action_sort(self) -> None:
        self.see(self.look.next_order())

    def action_turn(self) -> None:
        self.see(replace(self.look, reverse=not self.look.reverse))

    def on_click(self, event: events.Click) -> None:
        """One click goes there, a second one opens it; on the names of the columns it sorts."""
        if event.y < HEADERS:
            self.action_sort()
            return
        index = self.scroll_offset.y + event.y - HEADERS
        if index >= len(self.lines):
            return
        again = index == self._cursor and event.chain > 1
        self._put(index)
        if again or self.lines[index].session is None:
            self.action_choose()
