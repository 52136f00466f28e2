"""What is asked before something is done, and the help."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from marvel.top.acts import Act

HELP = """\
Move      up, down, page up, page down, home, end; click
Open      enter or a double click: a session; a group is folded
Fold      space, or left and right
/         filter: each word must be in a session's key, state, activity …
s  S      sort: the tree, or flat by context, activity, restarts, age, cost, state; S reverses
a         attach to the session's pane; C-b d comes back
i         inject: type to the session, the role, the team
k  r      kill a session; restart a session or a team
c         scale the role
f         shift: fresh sessions, for the role or the team
p  u  x   pause, resume (unpause), abort its shift
t         timeline: what happened, and the fleet at any earlier moment
?         this help; escape closes it
q         quit

! marks who needs you; these come first, and the bell rings once for each.
Acts tell what they will do, and wait for y."""


class Confirm(ModalScreen[str | None]):
    """Says what an act will do; gives what was asked for, empty if nothing was, or None: not to be done."""

    AUTO_FOCUS = ""  # it would be the button that does it, and keys typed ahead would press that
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "no", "Cancel"),
        ("y", "yes", "Do"),
        ("n", "no", "No"),
    ]
    CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 76; max-width: 95%; height: auto; max-height: 95%; padding: 0 1;
        border: round $primary; background: $surface; }
    Confirm Horizontal { height: auto; align-horizontal: right; }
    Confirm Static { height: auto; margin-bottom: 1; }
    Confirm #title { text-style: bold; }
    Confirm #command { text-style: dim; }
    Confirm Button { margin-left: 2; }
    """

    def __init__(self, act: Act) -> None:
        super().__init__()
        self._act = act

    def compose(self) -> ComposeResult:
        act = self._act
        with Vertical():
            yield Static(act.title, id="title", markup=False)
            yield Static(act.says, markup=False)
            if act.ask is not None:
                yield Input(
                    act.ask.value,
                    placeholder=act.ask.label,
                    type="integer" if act.ask.number else "text",
                    id="value",
                )
            yield Static(
                f"marvel {' '.join(act.command(f'…{act.ask.label.lower()}…' if act.ask else ''))}",
                id="command",
                markup=False,
            )
            with Horizontal():
                yield Button("Do it (enter)" if act.ask else "Do it (y)", id="yes", variant="primary")
                yield Button("Cancel (esc)", id="no")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#value" if self._act.ask else "#no"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.action_yes()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_yes()
        else:
            self.action_no()

    def action_yes(self) -> None:
        if self._act.ask is None:
            self.dismiss("")
            return
        value = self.query_one("#value", Input).value
        if value.strip():
            self.dismiss(value)

    def action_no(self) -> None:
        self.dismiss(None)


class Help(ModalScreen[None]):
    """What the keys do; any key closes it."""

    CSS = """
    Help { align: center middle; }
    Help > VerticalScroll { width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
        border: round $primary; background: $surface; }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(HELP, markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(None)

    def on_click(self) -> None:
        self.dismiss(None)
