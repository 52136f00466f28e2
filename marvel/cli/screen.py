"""A terminal taken over for a while: frames, keys, signals; given back however it ends.

A signal that ends a program goes through Python as `Signaled`, so that the terminal is whole again before
it takes effect. Stopping (C-z) gives the terminal back too; continuing takes it over anew.
"""

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Self

from marvel.cli.view import Size, keys

# alternate screen, cursor hidden, no wrapping at the right edge; and back
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
FATAL = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
TOLD = (signal.SIGWINCH, signal.SIGCONT)
FALLBACK = Size(80, 24)  # of a terminal that does not know
READ_BYTES = 1024
MODE_ATTRIBUTE, CHARACTERS = 3, 6  # places in what tcgetattr gives


class Signaled(BaseException):
    """A signal that ends the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Screen:
    """The terminal on standard output, and the keys of that on standard input, if it is one."""

    def __init__(self) -> None:
        self._output = sys.stdout.fileno()
        self._encoding = sys.stdout.encoding or "ascii"
        self._input = 0 if sys.stdin.isatty() else None
        self._modes: list[Any] | None = None
        self._last: list[str] = []
        self._wake, self._waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._handlers: dict[int, Any] = {}

    @property
    def descriptors(self) -> list[int]:
        """What is readable when there is something for `keys`."""
        return [self._wake] if self._input is None else [self._wake, self._input]

    def __enter__(self) -> Self:
        self._wakeup = signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        handlers: dict[int, Callable[[int, FrameType | None], None]] = {
            **dict.fromkeys(FATAL, _raise),
            **dict.fromkeys(TOLD, self._redraw),
            signal.SIGTSTP: self._stop,
        }
        for number, handler in handlers.items():
            self._handlers[number] = signal.signal(number, handler)
        try:
            self._take()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._wake)
        os.close(self._waking)

    def size(self) -> Size:
        """As it is now."""
        with contextlib.suppress(OSError):
            found = os.get_terminal_size(self._output)
            if found.columns and found.lines:
                return Size(found.columns, found.lines)
        return FALLBACK

    @property
    def stale(self) -> bool:
        """Whether what was drawn is no longer there."""
        return not self._last

    def draw(self, lines: list[str]) -> None:
        """Show a frame, in one write, unless it is there already. Raises Signaled when nobody sees it."""
        if lines == self._last:
            return
        self._last = lines
        try:
            self._write(HOME + "\r\n".join(line + CLEAR_LINE for line in lines) + CLEAR_REST)
        except OSError as error:
            raise Signaled(signal.SIGHUP) from error

    def keys(self, ready: set[int]) -> list[str]:
        """What was typed. Raises Signaled when nobody can type any more."""
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, READ_BYTES)
        if self._input is None or self._input not in ready:
            return []
        try:
            data = os.read(self._input, READ_BYTES)
        except OSError:
            data = b""
        if not data:
            raise Signaled(signal.SIGHUP)
        return keys(data.decode(errors="replace"))

    def _take(self) -> None:
        """Keys one by one and unseen; C-c, C-z and C-\\ still are signals."""
        if self._input is not None:
            modes = termios.tcgetattr(self._input)
            if self._modes is None:
                self._modes = termios.tcgetattr(self._input)
            modes[MODE_ATTRIBUTE] &= ~(termios.ICANON | termios.ECHO)
            modes[CHARACTERS][termios.VMIN], modes[CHARACTERS][termios.VTIME] = 1, 0
            termios.tcsetattr(self._input, termios.TCSANOW, modes)
        self._last = []
        self._write(ENTER)

    def _give_back(self) -> None:
        with contextlib.suppress(OSError):
            self._write(LEAVE)
        if self._input is not None and self._modes is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self._input, termios.TCSANOW, self._modes)

    def _write(self, text: str) -> None:
        data = memoryview(text.encode(self._encoding, errors="replace"))
        while data:
            data = data[os.write(self._output, data) :]

    def _redraw(self, number: int, _: FrameType | None) -> None:
        """The size changed; or it runs again after a stop, and others had the terminal meanwhile."""
        self._last = []
        if number == signal.SIGCONT:
            with contextlib.suppress(OSError, termios.error):
                self._take()

    def _stop(self, number: int, _: FrameType | None) -> None:
        """Stop as everybody does, with the terminal as it was found. SIGCONT takes it over anew."""
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)


def _raise(number: int, _: FrameType | None) -> None:
    raise Signaled(number)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals have to wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*FATAL, signal.SIGINT, signal.SIGTSTP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def die_of(number: int) -> None:
    """End by a signal, so that whoever waits for this process sees it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
