"""The timeline: what happened, and the whole fleet at any moment of it, still or played."""

import time
from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from marvel.cli.times import local
from marvel.errors import MarvelError
from marvel.settings import Paths
from marvel.top.fleet import Fleet
from marvel.top.follows import Follows
from marvel.top.moment import Moment
from marvel.top.picture import Picture
from marvel.top.tree import totals

FRAME_SECONDS = 0.25  # between frames while playing
SPEEDS = (1, 2, 5, 10, 30, 60, 300)
FAR = 20  # a leap is one of so many parts of the log
HINT = "left right step  [ ] leap  home end  space play  + - speed  / filter  w warnings  escape back"


class Scrubber(Widget):
    """Where in the log the moment is; a click goes elsewhere."""

    DEFAULT_CSS = "Scrubber { height: 1; }"

    class Sought(Message):
        """Somewhere else is wanted: a share of the whole."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    share = 1.0
    label = ""

    def render(self) -> Text:
        size = self._track
        place = round(self.share * (size - 1))
        track = "━" * place + "●" + "─" * (size - 1 - place)
        return Text.assemble((track, "bold"), f" {self.label}", no_wrap=True)

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Sought(min(1.0, event.x / max(1, self._track - 1))))

    @property
    def _track(self) -> int:
        return max(4, self.size.width - len(self.label) - 1)


class Timeline(Screen[None], Follows):
    """Follows the present until it is moved."""

    AUTO_FOCUS = ""  # else the closed filter would take the keys

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "Back"),
        ("left", "step(-1)", "Back one"),
        ("right", "step(1)", "On one"),
        ("left_square_bracket", "leap(-1)", "Leap back"),
        ("right_square_bracket", "leap(1)", "Leap on"),
        ("home", "seek(0.0)", "Beginning"),
        ("end", "seek(1.0)", "Present"),
        ("space", "play", "Play"),
        ("plus", "speed(1)", "Faster"),
        ("minus", "speed(-1)", "Slower"),
        ("slash", "sift", "Filter"),
        ("w", "warnings", "Warnings"),
        ("up", "scroll(-1)", "Up"),
        ("down", "scroll(1)", "Down"),
        ("s", "sort", "Sort"),
    ]
    CSS = """
    Timeline #when { height: 1; text-style: bold; }
    Timeline #past { height: 3fr; }
    Timeline #events { height: 2fr; border-top: solid $primary; }
    Timeline #keys { height: 1; }
    Timeline #sift { height: 1; border: none; padding: 0; display: none; }
    Timeline #sift.open { display: block; }
    """

    def __init__(self, paths: Paths, picture: Picture) -> None:
        super().__init__()
        self._moment = Moment(paths)
        self._present = picture
        self._wanted = picture.position
        self._busy = False  # a thread is on its way to a moment
        self._following = True
        self._playing = False
        self._speed = SPEEDS.index(10)
        self._clock = 0.0  # while playing: the moment, between events too
        self._warnings = False
        self._words = ""
        self.shown = Picture()

    def compose(self) -> ComposeResult:
        yield Static(id="when", markup=False)
        past = Fleet(id="past")
        past.can_focus = False
        yield past
        yield Scrubber(id="scrubber")
        yield Static(id="events", markup=False)
        yield Input(placeholder="filter: words that must be in an event's line", id="sift")
        yield Static(HINT, id="keys", markup=False)

    def on_mount(self) -> None:
        self._go(self._wanted)
        self.set_interval(FRAME_SECONDS, self._frame)

    def follow(self, picture: Picture) -> None:
        self._present = picture
        if self._following:
            self._go(picture.position)

    # --- keys ------------------------------------------------------------------------------------

    def action_back(self) -> None:
        box = self.query_one("#sift", Input)
        if box.has_class("open"):
            box.value = ""
            box.remove_class("open")
            self.set_focus(None)
            return
        self.dismiss(None)

    def action_step(self, by: int) -> None:
        self._move(self._wanted + by)

    def action_leap(self, by: int) -> None:
        self._move(self._wanted + by * max(1, (self._moment.head - self._moment.first) // FAR))

    def action_seek(self, share: float) -> None:
        first, head = self._moment.first, max(self._moment.head, self._present.position)
        self._move(first + round(share * (head - first)))

    def action_play(self) -> None:
        if not self._playing and self._wanted >= self._present.position:
            return  # the present plays by itself
        self._playing = not self._playing
        self._clock = self._moment.time
        self._told()

    def action_speed(self, by: int) -> None:
        self._speed = max(0, min(len(SPEEDS) - 1, self._speed + by))
        self._told()

    def action_warnings(self) -> None:
        self._warnings = not self._warnings
        self._go(self._wanted)

    def action_sift(self) -> None:
        box = self.query_one("#sift", Input)
        box.add_class("open")
        box.focus()

    def action_scroll(self, by: int) -> None:
        self.query_one("#past", Fleet).action_move(by)

    def action_sort(self) -> None:
        self.query_one("#past", Fleet).action_sort()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._words = event.value
        self._go(self._wanted)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.set_class(bool(event.value), "open")
        self.set_focus(None)

    def on_fleet_moved(self, event: Fleet.Moved) -> None:
        event.stop()

    def on_fleet_chosen(self, event: Fleet.Chosen) -> None:
        event.stop()  # of an earlier moment there is no screen to be seen

    def on_scrubber_sought(self, event: Scrubber.Sought) -> None:
        self.action_seek(event.share)

    # --- moments ---------------------------------------------------------------------------------

    def _move(self, position: int) -> None:
        """By a person's hand: it no longer follows or plays, unless it comes to the present."""
        self._playing = False
        first = self._moment.first
        self._wanted = max(first, min(position, self._present.position))
        self._following = self._wanted == self._present.position
        self._go(self._wanted)

    def _frame(self) -> None:
        if not self._playing or self._busy:
            return
        self._busy = True
        self._play(FRAME_SECONDS * SPEEDS[self._speed])

    def _go(self, position: int) -> None:
        self._wanted = position
        if not self._busy:
            self._busy = True
            self._travel(position)

    @work(thread=True)
    def _play(self, seconds: float) -> None:
        try:
            position, self._clock = self._moment.after(self._clock, seconds)
        except MarvelError:
            position = self._moment.position
        self._wanted = position
        self._arrive(position)

    @work(thread=True)
    def _travel(self, position: int) -> None:
        self._arrive(position)

    def _arrive(self, position: int) -> None:
        """In a thread: be at a moment, and show it."""
        try:
            picture = self._moment.go(position)
            lines = self._moment.events(self.size.height, self._words, warnings=self._warnings)
        except MarvelError as error:
            picture, lines = self.shown._replace(alarm=error.message), []
        asked = (self._words, self._warnings)
        self.app.call_from_thread(self._arrived, position, picture, lines, asked)

    def _arrived(
        self, position: int, picture: Picture, lines: list[tuple[str, bool]], asked: tuple[str, bool]
    ) -> None:
        self._busy = False
        if not self.is_mounted:
            return
        self.shown = picture
        self.query_one("#past", Fleet).show(picture, time.time() if self._following else self._moment.time)
        box = self.query_one("#events", Static)
        told = Text(no_wrap=True)
        for text, warning in lines[-max(1, box.content_size.height) :]:
            told.append(f"{text}\n", "red" if warning else "")
        box.update(told if lines else "no such event", layout=False)
        if self._playing and self._wanted >= self._present.position:
            self._playing, self._following = False, True
        self._told()
        if self._wanted != position or asked != (self._words, self._warnings):
            self._go(self._wanted)

    def _told(self) -> None:
        """The lines that say where it is."""
        moment, scrubber = self._moment, self.query_one(Scrubber)
        span = max(1, moment.head - moment.first)
        scrubber.share = max(0.0, min(1.0, (moment.position - moment.first) / span))
        how = f"▶ {SPEEDS[self._speed]}x" if self._playing else "live" if self._following else "still"
        scrubber.label = f"{moment.position}/{moment.head} {how}"
        scrubber.refresh()
        sifted = "   warnings only" if self._warnings else ""
        when = f"{local(moment.time)}   {totals(self.shown)}{sifted}"
        self.query_one("#when", Static).update(self.shown.alarm or when, layout=False)
