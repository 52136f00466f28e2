"""One session: its live screen, its context over time, what happened, why, and where it comes from."""

import time
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from marvel.cli.listing import session_note
from marvel.cli.view import clip
from marvel.client import messages
from marvel.errors import MarvelError
from marvel.resources import Session
from marvel.settings import Paths
from marvel.text import coloured, harmless, printable
from marvel.top.cells import header, spans
from marvel.top.details import MARKS, Details, details
from marvel.top.follows import Follows
from marvel.top.picture import Picture
from marvel.top.plot import plot
from marvel.top.tree import Line

LOOK_SECONDS = 0.4  # between looks at the pane
DETAIL_SECONDS = 1.0  # between readings of the log about one session
ROOMY = (120, 35)  # columns and lines from which all panels show at once
PANELS = ("screen", "events", "why", "context", "lineage")
HINT = "1-5 tab panels  a attach  i inject  k kill  r restart  escape back"


class Plot(Widget):
    """The context plot, as large as there is room."""

    DEFAULT_CSS = "Plot { height: 1fr; min-height: 6; }"
    told = Details()

    def render(self) -> Text:
        size = self.content_size
        lines = plot(self.told.points, self.told.marks, time.time(), size.width, size.height - 1)
        return Text("\n".join([*lines, MARKS if self.told.points else ""]), no_wrap=True)


class SessionScreen(Screen[None], Follows):
    """What there is to know of a session. Its pane is looked at only while it is seen."""

    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "Back"),
        ("tab", "next", "Next panel"),
        *((str(number), f"panel({number - 1})", name) for number, name in enumerate(PANELS, 1)),
    ]
    CSS = """
    SessionScreen #head { height: 3; text-wrap: nowrap; }
    SessionScreen #keys { height: 1; }
    SessionScreen #left { width: 3fr; }
    SessionScreen #right { width: 2fr; }
    SessionScreen .panel { border: round $primary; height: 1fr; }
    SessionScreen .panel:focus { border: heavy $primary; }
    SessionScreen #text-screen, SessionScreen #text-events { width: auto; text-wrap: nowrap; }
    SessionScreen #panel-screen, SessionScreen #panel-events { overflow-x: auto; }
    """

    def __init__(self, paths: Paths, line: Line, picture: Picture) -> None:
        super().__init__()
        self._paths = paths
        self._line = line
        self._picture = picture
        self._active = 0
        self._looking = False  # at the pane, just now
        self._reading = False  # of the log, just now
        self._read_position = -1
        self._drawn: str | None = None
        self._names: dict[str, str] = {}  # of forebears, by uid
        self._ended: str | None = None  # uid of the ended session whose last lines are shown
        self.looks = 0  # at the pane, so far

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        with Horizontal():
            with Vertical(id="left"):
                yield self._panel("screen", Static(id="text-screen", markup=False))
            with Vertical(id="right"):
                yield self._panel("events", Static(id="text-events", markup=False))
                yield self._panel("why", Static(id="text-why", markup=False))
                yield self._panel("context", Plot(id="plot"))
                yield self._panel("lineage", Static(id="text-lineage", markup=False))
        yield Static(HINT, id="keys", markup=False)

    def on_mount(self) -> None:
        self._lay_out()
        self.query_one("#panel-events", VerticalScroll).anchor()  # the newest is in view
        self.follow(self._picture)
        self._look()
        self.set_interval(LOOK_SECONDS, self._look)
        self.set_interval(DETAIL_SECONDS, self._details)
        self._details()

    def on_resize(self) -> None:
        self._lay_out()
        self._head()

    def follow(self, picture: Picture) -> None:
        """Where the session's slot is filled anew, its successor is shown."""
        self._picture = picture
        row = next((s for s in picture.sessions if s["uid"] == self._uid), None)
        if row is None or row["state"] not in ("pending", "running", "stopping"):
            row = next((s for s in picture.sessions if s["key"] == self._line.key and s["current"]), row)
        if row is not None:
            self._line = Line("session", row["uid"], row["key"], 0, row)
        self._head()

    def chosen(self) -> Line | None:
        return self._line

    # --- keys ------------------------------------------------------------------------------------

    def action_back(self) -> None:
        self.dismiss(None)

    def action_panel(self, number: int) -> None:
        self._active = number
        self._lay_out()

    def action_next(self) -> None:
        self.action_panel((self._active + 1) % len(PANELS))

    # --- what is shown ---------------------------------------------------------------------------

    @property
    def _uid(self) -> str:
        return str(self._line.session["uid"]) if self._line.session else ""

    @property
    def _record(self) -> Session | None:
        return self._picture.records.get(self._uid)

    def _panel(self, name: str, inside: Widget) -> VerticalScroll:
        panel = VerticalScroll(inside, id=f"panel-{name}", classes="panel")
        panel.border_title = f"{PANELS.index(name) + 1} {name}"
        return panel

    def _lay_out(self) -> None:
        """All panels where there is room, else the chosen one."""
        roomy = self.size.width >= ROOMY[0] and self.size.height >= ROOMY[1]
        for number, name in enumerate(PANELS):
            self.query_one(f"#panel-{name}").display = roomy or number == self._active
        self.query_one("#left").display = roomy or self._active == 0
        self.query_one("#right").display = roomy or self._active > 0
        self.query_one(f"#panel-{PANELS[self._active]}").focus()

    def _head(self) -> None:
        if not self.is_mounted:
            return
        columns = self.size.width
        session = self._line.session
        trail = self._picture.trails.get(self._uid, ())
        told = Text(no_wrap=True)
        told.append(f"{header(columns)}\n", "bold underline")
        for text, style in spans(self._line, columns, time.time(), trail):
            told.append(text, style)
        if session is not None:
            note = session_note(session, time.time())
            place = f"{session['key']}  pid {session['pid'] or '-'}  pane {session['pane'] or '-'}  {note}"
            told.append(f"\n{clip(printable(place), columns)}", "bold")
        self.query_one("#head", Static).update(told, layout=False)

    def _look(self) -> None:
        record = self._record
        seen = self.is_current and self.query_one("#panel-screen").display and self.query_one("#left").display
        if record is None or self._looking or not seen or record.uid == self._ended:
            return
        self._looking = True
        self._capture(record)

    @work(thread=True)
    def _capture(self, record: Session) -> None:
        try:
            text = messages.screen(self._paths, record, ansi=True)
            self._ended = None if record.alive else record.uid
        except MarvelError as error:
            text = f"{error.message}\n{error.hint or ''}"
        self.app.call_from_thread(self._captured, text)

    def _captured(self, text: str) -> None:
        self._looking = False
        self.looks += 1
        if self.is_mounted and text != self._drawn:
            self._drawn = text
            self.query_one("#text-screen", Static).update(Text.from_ansi(coloured(text), no_wrap=True))

    def _details(self) -> None:
        self._head()
        record = self._record
        if record is None or self._reading or self._picture.position == self._read_position:
            return
        self._reading, self._read_position = True, self._picture.position
        self._read(record)

    @work(thread=True)
    def _read(self, record: Session) -> None:
        try:
            found = details(self._paths, record, self._names, time.time())
        except MarvelError as error:
            found = Details(why=harmless(error.message))
        self.app.call_from_thread(self._told, found)

    def _told(self, found: Details) -> None:
        self._reading = False
        if not self.is_mounted:
            return
        events = Text(no_wrap=True)
        for text, warning in found.events:
            events.append(f"{text}\n", "red" if warning else "")
        self.query_one("#text-events", Static).update(events)
        self.query_one("#text-why", Static).update(found.why)
        self.query_one("#text-lineage", Static).update(found.lineage)
        chart = self.query_one(Plot)
        chart.told = found
        chart.refresh()
