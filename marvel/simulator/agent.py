"""The loop of a simulated agent: one select that wakes for a tick, a signal or something typed.

A beat is the only thing that can take time here, and it is given little: an agent whose daemon is gone,
wedged or of another opinion says so on its status line and works on.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from time import monotonic

from marvel.client import Refused, heartbeat
from marvel.simulator.draft import Draft
from marvel.simulator.model import grow, next_due, random_source
from marvel.simulator.options import Options, read_options
from marvel.simulator.screen import (
    HUNG,
    WORKING,
    Status,
    draft_line,
    plain_line,
    printable,
    received_line,
    status_line,
)
from marvel.simulator.scripting import Script, ScriptError
from marvel.simulator.terminal import Terminal

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

BEAT_TIMEOUT_SECONDS = 0.2
SIGNAL_BYTES = 512
SIGNAL_STATUS = 128  # a shell's status for a process that a signal ended, less the signal; claude's too
CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one agent until it is told to end; the result is its exit status."""
    options = read_options(sys.argv[1:] if argv is None else argv, os.environ)
    signals = _catch_signals(options.ignore_term)
    terminal = Terminal()
    try:
        return Agent(options, terminal, signals).run()
    finally:
        terminal.close()


class Agent:
    """One agent at work. `run` is its life, everything else one reason to wake up."""

    def __init__(self, options: Options, terminal: Terminal, signals: int) -> None:
        started = monotonic()
        self._options = options
        self._terminal = terminal
        self._signals = signals  # a descriptor from which signal numbers are read
        self._chance = random_source(options.seed, options.identity)
        self._status = Status(options.name, options.generation, options.context_start)
        self._draft = Draft()
        self._script: Script | None = None
        self._tick_seconds = options.tick / 1000
        self._tick_due: float | None = started + self._tick_seconds  # None: hung, no more ticks
        self._hang_due = None if options.hang_after is None else started + options.hang_after
        self._exit_due = None if options.exit_after is None else started + options.exit_after

    def run(self) -> int:
        """Live until a signal or a deadline ends it, and return the exit status."""
        self._introduce()
        self._beat()
        self._log_tick()
        while True:
            self._show()
            numbers, typed = self._wait()
            for number in numbers:
                if number in (signal.SIGINT, signal.SIGTERM):
                    self._terminal.say(f"goodbye ({signal.Signals(number).name})")
                    return SIGNAL_STATUS + number
                self._obey(number)
            for line in self._draft.feed(typed):
                self._terminal.say(received_line(line))
            now = monotonic()
            if self._exit_due is not None and now >= self._exit_due:
                self._terminal.say(f"goodbye (as told, status {self._options.exit_code})")
                return self._options.exit_code
            if self._hang_due is not None and now >= self._hang_due:
                self._hang()
            if self._tick_due is not None and now >= self._tick_due:
                self._tick(self._tick_due, now)

    def _introduce(self) -> None:
        """Say who this is, and what of its orders it will not follow."""
        options, say = self._options, self._terminal.say
        place = "/".join(filter(None, [options.workspace, options.team, options.role]))
        say(printable(f"simulator {options.name} {place}".rstrip() + f", a beat every {options.tick} ms"))
        if options.unknown:
            say(printable(f"ignored, unknown to the simulator: {' '.join(options.unknown)}"))
        if options.script is not None:
            try:
                self._script = Script(
                    options.script, self._say, workspace=options.workspace, team=options.team
                )
            except ScriptError as error:
                self._say(str(error))
            else:
                say(printable(f"script {options.script}"))

    def _say(self, text: str) -> None:
        """Lines from elsewhere, harmless."""
        for line in text.splitlines():
            self._terminal.say(printable(line))

    def _wait(self) -> tuple[bytes, bytes]:
        """Sleep until there is something to do. Returns signal numbers and what was typed."""
        deadlines = [due for due in (self._tick_due, self._hang_due, self._exit_due) if due is not None]
        timeout = max(0.0, min(deadlines) - monotonic()) if deadlines else None
        watched = [self._signals]
        if self._terminal.input is not None and self._status.state == WORKING:
            watched.append(self._terminal.input)  # an agent that hangs does not listen either
        readable = select.select(watched, [], [], timeout)[0]
        numbers = os.read(self._signals, SIGNAL_BYTES) if self._signals in readable else b""
        typed = self._terminal.read() if self._terminal.input in readable else b""
        return numbers, typed

    def _obey(self, number: int) -> None:
        """Hang, or go on. A resize needs nothing: every round draws at the width of that moment."""
        if number == signal.SIGUSR1:
            self._hang()
        elif number == signal.SIGUSR2 and self._status.state == HUNG:
            self._status.state = WORKING
            self._tick_due = monotonic()

    def _hang(self) -> None:
        self._status.state = HUNG
        self._tick_due = self._hang_due = None
        self._log_tick()

    def _tick(self, due: float, now: float) -> None:
        status = self._status
        status.tick += 1
        low, high = self._options.growth
        status.context_percent = grow(status.context_percent, low, high, self._chance)
        self._tick_due = next_due(due, self._tick_seconds, now)
        self._beat()
        self._log_tick()
        if self._script is not None:
            try:
                self._script.on_tick(status.context_percent, status.tick)
            except ScriptError as error:
                self._say(str(error))

    def _beat(self) -> None:
        """Tell the daemon; what goes wrong is shown, and tried again with the next tick."""
        if not self._options.beat_to:
            return
        try:
            heartbeat(
                **self._options.beat_to,
                context_percent=self._status.context_percent,
                state=WORKING,
                timeout=BEAT_TIMEOUT_SECONDS,
            )
        except Refused as refusal:
            self._status.beat_error = f"refused: {refusal}"
        except OSError as error:
            self._status.beat_error = error.strerror or str(error)
        else:
            self._status.beat_error = ""

    def _show(self) -> None:
        """Bring the bottom of the screen up to date: the status, and what is being typed if anything."""
        if not self._terminal.is_terminal:
            return
        width = self._terminal.width()
        rows = [status_line(self._status, width)]
        if self._draft.text:
            rows.append(draft_line(self._draft.text, width))
        self._terminal.show(rows)

    def _log_tick(self) -> None:
        """Where nothing can be redrawn, every tick is a line."""
        if not self._terminal.is_terminal:
            self._terminal.say(plain_line(self._status))


def _catch_signals(ignore_term: bool) -> int:
    """Turn signals into bytes on a descriptor, so that `select` wakes for them like for anything else."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in CAUGHT:
        signal.signal(number, _noted)
    if ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return readable


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Needed for the number to be written to the wake-up descriptor; there is nothing else to do."""
