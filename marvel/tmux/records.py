"""The values that cross the boundary between marvel and tmux."""

from __future__ import annotations

from typing import Literal

import msgspec


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
    changed_at: float = 0.0  # when something last came onto its window's screen, in whole seconds


class Watcher(msgspec.Struct, frozen=True, kw_only=True):
    """A person's terminal that is attached to the server."""

    pane: str  # that keys go to
    active_at: float  # when a key was pressed last, to the second
    read_only: bool


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request brought nothing.

    - `timeout`: tmux did not answer. The request **may still be carried out** when it wakes up.
    - `lost`: the connection ended first. It may or may not have been carried out.
    - `refused`: nothing happened; tmux or this module said no.
    - `gone`: nothing happened; there is no such pane with that stamp.
    - `busy`: nothing happened; someone else is typing there.
    """

    reason: Literal["timeout", "refused", "lost", "gone", "busy"]
    message: str
