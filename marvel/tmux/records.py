"""The values that cross the boundary between marvel and tmux."""

from __future__ import annotations

from typing import Literal

import msgspec

from marvel.resources import InjectOutcome


class PaneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A pane to be made: one process, exec'ed from `argv` without a shell in between.

    `uid` and `log_id` become stamps on the pane (and `uid` the name of its window), so both are
    limited to letters, digits, `-` and `_`; `log_id` may also hold `.` and `:`.
    """

    uid: str
    log_id: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    log: str = ""  # a file that all it prints is appended to


class Pane(msgspec.Struct, frozen=True, kw_only=True):
    """What tmux says of one pane. `uid` and `log_id` are empty on panes that are not ours.

    `dead` means that tmux is done with the pane, not that its process is: one that closed its
    terminal and ignores HUP lives on. A dead pane with neither `exit_status` nor `signal` is one
    whose end tmux could not tell (before 3.3 that is every death by a signal).
    """

    pane: str
    uid: str
    log_id: str
    pid: int | None  # above 1; None once the process has ended and tmux does not tell it any more
    dead: bool
    exit_status: int | None
    signal: str | None
    unlogged: str = ""  # of one made just now: why what it prints goes to no file
    changed_at: float = 0.0  # when something last came onto its window's screen, in whole seconds


class Watcher(msgspec.Struct, frozen=True, kw_only=True):
    """A person's terminal that is attached to the server."""

    pane: str  # that keys go to
    active_at: float  # when a key was pressed last, to the second
    read_only: bool


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane shows, and how its program reads."""

    screen: str  # what is on it: data
    tty: str = ""  # path of its terminal
    bracketed: bool | None = None  # whether the program has bracketed paste on; None: this tmux does not say


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request brought nothing.

    - `timeout`: tmux did not answer. The request **may still be carried out** when it wakes up.
    - `lost`: the connection ended first. It may or may not have been carried out.
    - `refused`: nothing happened; tmux or this module said no.
    - `gone`: nothing happened; there is no such pane with that stamp.
    - `busy`: nothing happened; someone else is typing there.
    - `asks`: nothing happened; it waits for an answer, or has not reported its start.
    - `unsent`: a text was typed, and nothing shows that Enter was taken.
    """

    reason: Literal["timeout", "refused", "lost", "gone", "busy", "asks", "unsent"]
    message: str


def outcome_of(failed: Failed | None) -> InjectOutcome:
    """Return what became of a message that ended so, with Enter asked for."""
    if failed is None:
        return "submitted"
    return "typed" if failed.reason == "unsent" else "failed"
