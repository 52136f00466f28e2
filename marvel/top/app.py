"""The cockpit itself: the fleet, and from there a session, an act, the timeline, help."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from marvel.cli.screen import FATAL
from marvel.client import Marvel
from marvel.errors import MarvelError
from marvel.settings import Paths
from marvel.top.acts import Act, act_on
from marvel.top.dialogs import Confirm, Help
from marvel.top.feed import Feed
from marvel.top.fleet import Fleet
from marvel.top.follows import Follows
from marvel.top.picture import Picture, needs_you
from marvel.top.session import SessionScreen
from marvel.top.timeline import Timeline
from marvel.top.tree import TREE, totals

LAST_SECONDS = 3.0  # to end in after a signal, before it is the end
AGE_SECONDS = 1.0  # between looks at how old everything is, when nothing else happens
HINT = "? help  / filter  s sort  enter open  t timeline  q quit"


class Cockpit(App[int]):
    """One screen that tells who works, who waits, who is full, who failed."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        ("ctrl+c", "quit", "Quit"),
        Binding("ctrl+z", "suspend_process", "Stop", priority=True),
        ("question_mark", "help", "Help"),
        Binding("slash", "filter", "Filter", priority=True),  # what is typed right after it is its words
        ("s", "sort", "Sort"),
        ("S", "turn", "Reverse"),
        ("t", "timeline", "Timeline"),
        ("escape", "unfilter", "No filter"),
        ("a", "act('attach')", "Attach"),
        ("i", "act('inject')", "Inject"),
        ("k", "act('kill')", "Kill"),
        ("r", "act('restart')", "Restart"),
        ("c", "act('scale')", "Scale"),
        ("f", "act('shift')", "Shift"),
        ("p", "act('pause')", "Pause"),
        ("u", "act('resume')", "Resume"),
        ("x", "act('abort')", "Abort"),
    ]
    CSS = """
    #totals, #status { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #totals { text-style: bold; }
    #filter { height: 1; border: none; padding: 0; display: none; }
    #status.alarm { text-style: bold reverse; color: $error; }
    """

    class Fresh(Message):
        """There is a new picture to be taken."""

    def __init__(self, paths: Paths) -> None:
        """Raises MarvelError when the log can't be read."""
        super().__init__()
        self.paths = paths
        self.picture = Picture()
        self.ended_by: int | None = None  # a signal
        self.rung = 0  # how often the bell was
        self._feed = Feed(paths, lambda: self.post_message(self.Fresh()))
        self._needy: set[str] | None = None  # who needed someone at the last look

    @property
    def bug(self) -> BaseException | None:
        """What it died of, if it did."""
        return self._exception or self._feed.problem

    def compose(self) -> ComposeResult:
        yield Static(id="totals", markup=False)
        yield Fleet(id="fleet")
        yield Input(placeholder="filter: words that must be there; enter keeps, escape clears", id="filter")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self._show(self._feed.take())
        self._feed.start()
        self.set_interval(AGE_SECONDS, self._age)
        self.fleet.focus()
        if not self.is_headless:
            self._running_loop = asyncio.get_running_loop()
            for number in FATAL:
                signal.signal(number, self._signaled)

    def on_unmount(self) -> None:
        self._feed.stop()

    @property
    def fleet(self) -> Fleet:
        """The widget of the fleet, whatever is above it."""
        return self.screen_stack[0].query_one("#fleet", Fleet)

    # --- pictures --------------------------------------------------------------------------------

    def on_cockpit_fresh(self) -> None:
        if self._feed.problem is not None:
            self.exit(1)
        elif self._is_there():
            self._show(self._feed.take())

    def _show(self, picture: Picture) -> None:
        self.picture = picture
        self.fleet.show(picture)
        self.screen_stack[0].query_one("#totals", Static).update(totals(picture), layout=False)
        self._tell()
        for screen in self.screen_stack[1:]:
            if isinstance(screen, Follows):
                screen.follow(picture)
        self._ring({session["uid"] for session in picture.sessions if needs_you(session)})

    def _ring(self, needy: set[str]) -> None:
        """Once for those who need someone since the last look; not for what was there when it began."""
        if self._needy is not None and needy - self._needy:
            self.rung += 1
            self.bell()
        self._needy = needy

    def _is_there(self) -> bool:
        """Whether all of the fleet's screen is there; while it closes, pictures and timers still come."""
        return bool(self.screen_stack) and len(self.screen_stack[0].query("#totals, #fleet, #status")) == 3

    def _age(self) -> None:
        if len(self.screen_stack) == 1 and self._is_there():
            self.fleet.age()

    def _tell(self) -> None:
        """The last line: what is wrong, else where the cursor is and what there is to press."""
        fleet, status = self.fleet, self.screen_stack[0].query_one("#status", Static)
        look, line = fleet.look, fleet.line
        parts = [
            self.picture.alarm,
            f"filter: {look.words}" if look.words else "",
            f"by {look.order}{', reversed' if look.reverse else ''}" if look.order != TREE else "",
            line.key if line is not None and line.kind != "waits" else "",
            HINT,
        ]
        status.set_class(bool(self.picture.alarm), "alarm")
        status.update("   ".join(filter(None, parts)), layout=False)

    def on_fleet_moved(self) -> None:
        self._tell()

    # --- keys ------------------------------------------------------------------------------------

    def on_fleet_chosen(self, event: Fleet.Chosen) -> None:
        self.push_screen(SessionScreen(self.paths, event.line, self.picture))

    def action_timeline(self) -> None:
        self.push_screen(Timeline(self.paths, self.picture))

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_sort(self) -> None:
        self.fleet.action_sort()

    def action_turn(self) -> None:
        self.fleet.action_turn()

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.display = True
        self.screen.set_focus(box)

    def action_unfilter(self) -> None:
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self.fleet.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self.fleet.see(replace(self.fleet.look, words=event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            event.input.display = bool(event.value)
            self.fleet.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the fleet are for the fleet."""
        if action == "filter" and isinstance(self.focused, Input):
            return False  # there it is a character
        if action in ("sort", "turn", "filter", "unfilter", "timeline"):
            return len(self.screen_stack) == 1
        return True

    # --- acts ------------------------------------------------------------------------------------

    def action_act(self, name: str) -> None:
        screen = self.screen
        line = screen.chosen() if isinstance(screen, Follows) else self.fleet.line
        if line is None:
            if isinstance(screen, Follows):
                self.notify("what was can't be changed: escape goes back", severity="warning")
            return
        act = act_on(name, line)
        if isinstance(act, str):
            self.notify(act, severity="warning", markup=False)
            return
        self.push_screen(Confirm(act), self._doer(act))

    def _doer(self, act: Act) -> Callable[[str | None], None]:
        def do(value: str | None) -> None:
            if value is None:
                return
            if act.name == "attach":
                self._be_at(act)
            else:
                self._do(act, value)

        return do

    @work(thread=True)
    def _do(self, act: Act, value: str) -> None:
        """Run the command, and tell what it said."""
        try:
            status, output, error = Marvel(self.paths.home).process(act.command(value))
        except MarvelError as wrong:
            status, output, error = 1, "", f"error: {wrong.message}"
        self.call_from_thread(self._told, act, status, output, error)

    def _told(self, act: Act, status: int, output: str, error: str) -> None:
        text = "\n".join(filter(None, (output.strip(), error.strip()))) or "done"
        self.notify(
            text.removeprefix("error: "),
            title=act.title if not status else f"{act.title}: refused",
            severity="error" if status else "information",
            timeout=10 if status else 5,
            markup=False,
        )

    def _be_at(self, act: Act) -> None:
        """Leave the terminal to the agent's pane, and take it back."""
        argv = [sys.executable, "-P", "-m", "marvel", *act.command()]
        environ = {**os.environ, "MARVEL_HOME": self.paths.home}
        nested = bool(os.environ.get("TMUX"))  # it opens a window beside this one
        try:
            with contextlib.nullcontext() if nested else self.suspend():
                done = subprocess.run(argv, env=environ, stderr=subprocess.PIPE, text=True, check=False)
        except SuspendNotSupported:
            self._told(act, 1, "", "error: attach needs a terminal")
            return
        if done.returncode:
            self._told(act, done.returncode, "", done.stderr)
        self.refresh(layout=True)

    # --- ends ------------------------------------------------------------------------------------

    def _signaled(self, number: int, _: FrameType | None) -> None:
        """End in good order; but a terminal that is gone can block Textual's writes for ever."""
        self.ended_by = number
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, LAST_SECONDS)
        self._running_loop.call_soon_threadsafe(self.exit, 1)

    def _fatal_error(self) -> None:
        """A bug: the one error boundary tells of it, not Textual."""
        self._close_messages_no_wait()
