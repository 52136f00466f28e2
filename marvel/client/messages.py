"""Typing to agents and looking at them, for callers without a loop; and what became of a message."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from marvel.client.served import post_to
from marvel.errors import MarvelError, Rejected, TmuxUnavailable
from marvel.resources import InjectOutcome, Session
from marvel.settings import Paths, regular
from marvel.store.bell import Bell
from marvel.tmux import (
    Failed,
    Leave,
    Message,
    TmuxServer,
    call,
    outcome_of,
    server_environment,
    standing_of,
    type_to,
)

ANSWER_SECONDS = 45.0  # for tmux, and for others who type to the same pane
CONFIRM_SECONDS = 2.0  # after Enter, for an agent to tell that it began
LOOK_SECONDS = 0.5  # between looks that no ring asked for
ALL_HISTORY = 1_000_000  # lines: more than any pane keeps
MAX_TAIL = 64 * 1024  # characters of kept last lines

T = TypeVar("T")
Look = Callable[[], Session | None]  # the newest that is recorded of one session


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be typed, and how far the sender goes for it."""

    text: str = ""
    enter: bool = False
    keys: tuple[str, ...] = ()  # instead of a text: keys by their tmux names
    force: bool = False  # although someone types there, or the agent waits in a dialog
    answers: bool = False  # although the agent waits in a dialog: a user has seen it and answers
    patience: float = 0.0  # seconds to wait for that to end

    @property
    def size(self) -> int:
        return len((" ".join(self.keys) or self.text).encode(errors="surrogateescape"))


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message to one session."""

    key: str
    outcome: InjectOutcome
    detail: str = ""  # why it failed, or was typed and not submitted
    may_wait: bool = False  # it failed because of what may be over later: a dialog, someone typing


def deliver(where: Paths, session: Session, wish: Wish, look: Look) -> Delivery:
    """Type to one session. What goes wrong is in the result."""
    try:
        _check_running(session)
        with _server(where, session.workspace) as server:
            message = Message(
                pane=session.pane,
                uid=session.uid,
                lock=Path(where.typing_lock(session.uid)),
                standing=lambda: standing_of(look()),
                text=wish.text,
                enter=wish.enter,
                keys=wish.keys,
                post=post_to(where, session),
                leave=Leave(over_person=wish.force, over_dialog=wish.force or wish.answers),
                patience=wish.patience,
            )

            def ask(done: Callable[[Failed | None], None]) -> None:
                type_to(server, message, done)

            failed = call(server, ask, ANSWER_SECONDS + wish.patience)
    except MarvelError as error:
        return Delivery(key=session.key, outcome="failed", detail=error.message)
    if failed is not None:
        return Delivery(
            key=session.key,
            outcome=outcome_of(failed),
            detail=f"{session.key}: {failed.message}",
            may_wait=failed.reason in ("busy", "asks"),
        )
    if not (wish.enter or "Enter" in wish.keys):
        return Delivery(key=session.key, outcome="typed")
    confirmed = session.activity == "idle" and _begins(where, look)
    return Delivery(key=session.key, outcome="confirmed" if confirmed else "submitted")


def screen(
    where: Paths,
    session: Session,
    *,
    start: int | None = None,
    end: int | None = None,
    join: bool = False,
    ansi: bool = False,
) -> str:
    """What a session's pane shows (lines from `start` to `end`; 0 is the first visible one, negative ones
    are history); of an ended one its last lines. Raises MarvelError.
    """
    if not session.alive:
        return _tail(where, session)
    _check_running(session)
    with _server(where, session.workspace) as server:

        def ask(done: Callable[[str | Failed], None]) -> None:
            server.capture(session.pane, session.uid, done, start=start, end=end, join=join, ansi=ansi)

        text: str = _asked(session.key, call(server, ask))
    return text.rstrip("\n") + "\n"


def _tail(where: Paths, session: Session) -> str:
    try:
        with open(where.tail(session.uid), encoding="utf-8", errors="replace", opener=regular) as file:
            return file.read(MAX_TAIL)
    except OSError:
        raise Rejected(
            f"{session.key} has ended ({session.state}), and of its screen nothing was kept"
        ) from None


def _check_running(session: Session) -> None:
    if not session.alive:
        raise Rejected(f"{session.key} has ended ({session.state})", hint=f"marvel capture {session.key}")
    if not session.pane:
        raise Rejected(f"{session.key} has no pane yet ({session.state})", hint=f"marvel wait {session.key}")


def _begins(where: Paths, look: Look) -> bool:
    """Whether an idle agent tells that it works now."""
    deadline = time.monotonic() + CONFIRM_SECONDS
    while time.monotonic() < deadline:
        now = look()
        if now is None or now.activity == "working":
            return now is not None
        _pause(where, deadline)
    return False


def _pause(where: Paths, deadline: float) -> None:
    bell = Bell(where.bell)
    try:
        bell.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
    finally:
        bell.close()


@contextmanager
def _server(where: Paths, workspace: str) -> Iterator[TmuxServer]:
    socket = Path(where.tmux_socket(workspace))
    server = TmuxServer(socket, workspace, environment=server_environment(os.environ))
    try:
        yield server
    finally:
        server.close()


def _asked(key: str, answer: T | Failed) -> T:
    if not isinstance(answer, Failed):
        return answer
    if answer.reason in ("timeout", "lost"):
        raise TmuxUnavailable(f"{key}: {answer.message}", hint="marvel daemon status")
    raise Rejected(f"{key}: {answer.message}", hint="marvel get sessions")
