"""Typing to a pane: the one way, for the daemon and for command lines alike.

    hold the pane's lock → may it be typed to? → paste → may it still? → Enter → was it taken? → let go

All who type to one session, in whatever process, hold the same lock (`flock` on a file, which ends with
its holder), so two messages never mix. `guard.refusal` decides right before each effect. Enter is a
request of its own, some time after the program has read the paste: a program that reads both at once takes
Enter for a newline of the paste. Then the screen is read, and Enter pressed once more if the text is still
in the composer; if that does not help either, the message was typed and not submitted, which the lock's
file remembers, so that the next message is not appended to it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from marvel.settings import session_file
from marvel.tmux.composer import Place, holds, place_of, shows
from marvel.tmux.guard import Leave, Standing, refusal
from marvel.tmux.records import Failed, Look, Watcher
from marvel.tmux.server import TmuxServer
from marvel.tmux.terminals import terminal

AGAIN_SECONDS = 0.02  # between tries to get the lock
BUSY_SECONDS = 30.0  # to wait for the lock, which others hold for some seconds at most
LOOK_SECONDS, MAX_LOOK_SECONDS = 0.5, 5.0  # between looks whether it may be typed to, growing
PASTE_SECONDS = 0.15  # between a paste that is on the screen and Enter
SHOWN_SECONDS = 1.0  # for a paste to come onto the screen; some programs never show what is typed
POLL_SECONDS = 0.05  # between looks whether a program has read what was typed
READ_SECONDS = 2.0  # for a program to read a paste before Enter is pressed all the same
TAKEN_SECONDS = (0.15, 0.3, 0.6)  # after Enter, looks whether the text has left the composer
ENTERS = 2  # times that Enter is pressed
MARK_BYTES = 64  # of what the lock's file remembers

UNSENT = "typed, but not submitted: it is still in its composer"
UNREAD = "typed, but its program has not read it yet"


Post = Callable[[str, Callable[[Failed | None], None]], None]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be typed to which session."""

    pane: str
    uid: str
    lock: Path
    standing: Callable[[], Standing | None]  # what is recorded of the session now; None: not wanted any more
    text: str = ""
    enter: bool = False
    keys: tuple[str, ...] = ()  # pressed instead, by their tmux names
    post: Post | None = None  # hands a text that is to be submitted over without the keyboard
    leave: Leave = Leave()
    patience: float = 0.0  # seconds to wait until it may be typed to


def type_to(server: TmuxServer, message: Message, done: Callable[[Failed | None], None]) -> None:
    """Type, once; `done(None)` when it was typed and, if asked for, submitted.

    `Failed("busy")` and `Failed("asks")`: nothing was typed, the guard did not allow it in time.
    `Failed("unsent")`: it was typed, and nothing shows that Enter was taken.
    """
    _Attempt(server, message, done).begin()


class _Attempt:
    def __init__(self, server: TmuxServer, message: Message, done: Callable[[Failed | None], None]) -> None:
        self._server = server
        self._message = message
        self._done = done
        self._lock: int | None = None
        now = server.now()
        self._lock_until = now + BUSY_SECONDS
        self._until = now + message.patience
        self._pause = LOOK_SECONDS
        self._why = ""  # the guard did not allow it so far
        self._enters = 0  # pressed so far
        self._working = False  # before it was typed to
        self._before = Look(screen="")  # when it was typed to
        self._place: Place | None = None  # of the text in the composer

    # --- the lock and the guard ----------------------------------------------------------------

    def begin(self) -> None:
        try:
            self._lock = _locked(self._message.lock)
        except OSError as error:
            failed = Failed(reason="refused", message=f"{error.filename}: {error.strerror}")
            self._later(0, lambda: self._end(failed))
            return
        if self._lock is not None:
            self._check(self._begin_typing, self._not_now)
        elif self._server.now() < self._lock_until:
            self._later(AGAIN_SECONDS, self.begin)
        else:
            self._end(Failed(reason="busy", message="someone else is typing to it"))

    def _check(
        self, allowed: Callable[[Look], None], refused: Callable[[Failed], None], own: str = ""
    ) -> None:
        """Ask the guard, with what is there now."""
        message = self._message

        def judge(watchers: tuple[Watcher, ...], look: Look | Failed) -> None:
            if isinstance(look, Failed):
                self._end(look)
                return
            why = refusal(
                message.standing(),
                look.screen,
                watchers,
                pane=message.pane,
                now=time.time(),
                leave=message.leave,
                text=message.text if message.enter else "",
                own=own,
            )
            if why is None:
                allowed(look)
            else:
                refused(why)

        def seen(watchers: tuple[Watcher, ...] | Failed) -> None:
            if isinstance(watchers, Failed):
                self._end(watchers)
            else:
                self._server.look(message.pane, message.uid, lambda look: judge(watchers, look))

        self._server.watchers(seen)

    def _not_now(self, why: Failed) -> None:
        """Try again later if there is time; meanwhile others may be allowed to type."""
        if why.reason == "gone" and self._why:
            why = Failed(reason="gone", message=f"not typed in its time: {self._why}")
        if why.reason == "gone" or self._server.now() >= self._until:
            self._end(why)
            return
        self._why = why.message
        self._release()
        pause, self._pause = self._pause, min(self._pause * 1.5, MAX_LOOK_SECONDS)
        self._lock_until = self._server.now() + pause + BUSY_SECONDS
        self._later(pause, self.begin)

    # --- the message ---------------------------------------------------------------------------

    def _begin_typing(self, look: Look) -> None:
        message, self._before = self._message, look
        standing = message.standing()
        self._working = standing is not None and standing.activity == "working"
        if message.keys:
            self._server.send_keys(message.pane, message.uid, message.keys, self._end)
        elif message.text and message.enter and message.post is not None:
            message.post(message.text, self._end)
        elif message.text:
            if (mark := self._mark()) and shows(look.screen, mark):
                self._not_now(Failed(reason="busy", message="an earlier message is still in its composer"))
                return
            self._remember("")
            self._server.paste(message.pane, message.uid, message.text, self._pasted)
        elif message.enter:
            self._press(look)
        else:
            self._end(None)

    def _pasted(self, failed: Failed | None) -> None:
        if failed is not None or not self._message.enter:
            self._end(failed)
            return
        if self._reads_by_line():
            self._press(self._before)  # the terminal itself takes Enter
            return
        self._later(
            POLL_SECONDS, lambda: self._when_read(READ_SECONDS, lambda: self._when_shown(SHOWN_SECONDS))
        )

    def _when_shown(self, seconds: float) -> None:
        """Go on when the composer shows the text: only then the program is done with the paste."""
        message = self._message

        def seen(look: Look | Failed) -> None:
            if isinstance(look, Failed):
                self._end(Failed(reason="unsent", message=f"typed, but not submitted: {look.message}"))
                return
            self._place = place_of(message.text, self._before.screen, look.screen)
            if self._place is None and seconds > 0:
                self._later(POLL_SECONDS, lambda: self._when_shown(seconds - POLL_SECONDS))
            else:
                self._later(PASTE_SECONDS, self._may_enter)

        self._server.look(message.pane, message.uid, seen)

    def _when_read(self, seconds: float, then: Callable[[], None]) -> None:
        """Go on when the program has read what was typed, or after some time."""
        state = terminal(self._before.tty)
        if state is None or not state.unread or seconds <= 0:
            then()
        else:
            self._later(POLL_SECONDS, lambda: self._when_read(seconds - POLL_SECONDS, then))

    def _may_enter(self) -> None:
        """Press Enter unless a dialog has come up since: it would be answered."""
        own = self._message.text

        def refused(why: Failed) -> None:
            self._unsent(Failed(reason="unsent", message=f"typed, but not submitted: {why.message}"))

        self._check(self._press, refused, own=own)

    def _press(self, look: Look) -> None:
        message = self._message
        if self._enters == 0 and look is not self._before:
            self._place = place_of(message.text, self._before.screen, look.screen) or self._place
        self._enters += 1

        def pressed(failed: Failed | None) -> None:
            if failed is not None:
                self._end(failed)
            elif not message.text:
                self._end(None)
            else:
                self._after_enter(0)

        self._server.send_keys(message.pane, message.uid, ("Enter",), pressed)

    # --- what became of it ---------------------------------------------------------------------

    def _after_enter(self, looks: int) -> None:
        """Look whether the text has left the composer, a few times."""
        if self._place is None:
            seconds = sum(TAKEN_SECONDS[1:])
            self._later(TAKEN_SECONDS[0], lambda: self._when_read(seconds, self._was_read))
            return
        self._later(TAKEN_SECONDS[looks], lambda: self._look_again(looks))

    def _was_read(self) -> None:
        """A program that does not show what is typed has at least read it."""
        state = terminal(self._before.tty)
        self._end(Failed(reason="unsent", message=UNREAD) if state is not None and state.unread else None)

    def _look_again(self, looks: int) -> None:
        standing = self._message.standing()
        if standing is not None and standing.activity == "working" and not self._working:
            self._end(None)  # the runtime's own word
            return

        def seen(look: Look | Failed) -> None:
            if isinstance(look, Failed):
                self._end(Failed(reason="unsent", message=f"typed; {look.message}"))
            elif self._place is None or not holds(look.screen, self._place) or self._reads_by_line():
                self._end(None)
            elif looks + 1 < len(TAKEN_SECONDS):
                self._after_enter(looks + 1)
            elif self._enters < ENTERS:
                self._when_read(READ_SECONDS, self._may_enter)
            else:
                self._unsent(Failed(reason="unsent", message=UNSENT))

        self._server.look(self._message.pane, self._message.uid, seen)

    def _reads_by_line(self) -> bool:
        """Whether the program has given the keyboard back, as shells do while a command runs."""
        state = terminal(self._before.tty)
        return state is not None and state.by_line

    def _unsent(self, failed: Failed) -> None:
        if self._place is not None:
            self._remember(self._place.mark)
        self._end(failed)

    # --- plumbing ------------------------------------------------------------------------------

    def _mark(self) -> str:
        """Return what the lock's file remembers of a message that was not submitted."""
        if self._lock is None:
            return ""
        return os.pread(self._lock, MARK_BYTES, 0).decode("ascii", "replace")

    def _remember(self, mark: str) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, mark.encode(), 0)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._server.later(seconds, action)

    def _end(self, failed: Failed | None) -> None:
        self._release()
        self._done(failed)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path) -> int | None:
    """Return a descriptor that holds the lock; None while another does."""
    descriptor = session_file(os.fspath(path), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
