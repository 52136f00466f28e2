"""What `attach`, `capture`, `inject` and `logs` do."""

import os
import sys
from pathlib import Path

from marvel.cli.door import permit
from marvel.cli.errors import say
from marvel.cli.following import follow, last
from marvel.cli.get import show
from marvel.client import Marvel
from marvel.client.messages import ALL_HISTORY, Delivery, Wish
from marvel.errors import NotFound, Rejected, TimedOut, UsageError
from marvel.resources import Session, TeamKey
from marvel.settings import paths
from marvel.text import coloured, harmless
from marvel.tmux import attach_argv, end_abandoned_views, program_for

MAX_STDIN_BYTES = 1024 * 1024  # of a text to be typed
OUTER = "TMUX"  # the variable that tells of a tmux around us


def attach(key: str, *, read_only: bool, only_print: bool) -> int:
    """Put this terminal at an agent's pane; inside tmux, in a new window of it."""
    session = Marvel().session(key)
    if not session.alive or not session.pane:
        hint = f"marvel capture {session.key} shows its last lines" if not session.alive else ""
        raise Rejected(f"{session.key} has no pane ({session.state})", hint=hint)
    if not read_only:
        permit("inject", TeamKey(session.workspace, session.team), what=f"attach {session.key}")
    nested = bool(os.environ.get(OUTER))
    socket = Path(paths().tmux_socket(session.workspace))
    program = program_for(socket)
    end_abandoned_views(socket, program)
    argv = attach_argv(
        socket, session.workspace, session.uid, read_only=read_only, nested=nested, program=program
    )
    if nested:
        # Our own separators must reach the inner tmux and not split the outer one's command.
        inner = ["env", "-u", OUTER, "-u", "TMUX_PANE", *(word if word != ";" else "\\;" for word in argv)]
        outer = program_for(Path(os.environ[OUTER].split(",")[0]))
        argv = [outer, "new-window", "-n", session.name, "--", *inner]
    if only_print:
        import shlex

        show(shlex.join(argv) + "\n")
        return 0
    if not nested and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Rejected("attach needs a terminal", hint=f"marvel capture {session.key}")
    sys.stdout.flush()
    try:
        os.execvp(argv[0], argv)  # noqa: S606
    except FileNotFoundError:
        raise Rejected("tmux is not installed", hint="install tmux 3.2a or newer") from None


def capture(key: str, *, start: str | None, end: str | None, join: bool, ansi: bool) -> None:
    """Print what a pane shows, or the last lines of an ended session."""
    marvel = Marvel()
    session = marvel.session(key)
    first, last_line = _line("-S", start, -ALL_HISTORY), _line("-E", end, ALL_HISTORY)
    if not session.alive:
        say(f"{session.key} has ended ({session.state}): its last lines")
    found = marvel.capture(session.uid, start=first, end=last_line, join=join, ansi=ansi)
    show(coloured(found) if ansi else harmless(found))


def inject(
    key: str, words: list[str], *, enter: bool, keys: bool, role: str | None, force: bool, patience: float
) -> int:
    """Type to agents, and say what became of it."""
    wish = Wish(enter=enter, force=force, patience=patience)
    if keys:
        if not words:
            raise UsageError("--keys needs names of keys", hint=f"marvel inject {key} --keys C-c Enter")
        wish = Wish(keys=(*words, *(["Enter"] if enter else [])), force=force, patience=patience)
    else:
        text = _stdin() if words in ([], ["-"]) else " ".join(words)
        if not text and not enter:
            raise UsageError("there is nothing to type", hint="-e presses Enter")
        wish = Wish(text=text, enter=enter, force=force, patience=patience)
    deliveries = Marvel().send(key, wish, role=role)
    for delivery in deliveries:
        if delivery.outcome != "failed":
            show(f"{delivery.key} {delivery.outcome}\n")
    return _failures(deliveries, patience)


def _failures(deliveries: list[Delivery], patience: float) -> int:
    failed = [delivery for delivery in deliveries if delivery.detail]
    for delivery in failed[:-1]:
        say(f"error: {delivery.detail}")
    if not failed:
        return 0
    last = failed[-1]
    if last.outcome == "typed":
        raise Rejected(last.detail, hint=f"marvel attach {last.key}")
    if not last.may_wait:
        raise Rejected(last.detail)
    if patience:
        raise TimedOut(f"{last.detail}, for {patience:g} s", hint=f"marvel attach {last.key}")
    answer = f"marvel attach {last.key}, or keys with --keys"
    raise Rejected(last.detail, hint=f"--wait waits until that is over; answer a dialog: {answer}")


def logs(key: str, *, following: bool, lines: int, previous: bool, ansi: bool) -> None:
    """Print what a session printed: its log, else its kept last lines, else its screen."""
    marvel, where = Marvel(), paths()
    session = marvel.session(key)
    if previous:
        session = _before(marvel, session)
    path = where.output(session.uid)
    if os.path.exists(path):
        for line in last(path, lines, ansi=ansi):
            show(line)
        if following:
            follow(path, lambda: _is_alive(marvel, session.uid), ansi=ansi)
        return
    say(f"{session.key} has no log (log_output is not set): its screen or its last lines")
    found = marvel.capture(session.uid, start=-lines if session.alive else None, ansi=ansi)
    shown = coloured(found) if ansi else harmless(found)
    show("".join(shown.splitlines(keepends=True)[-lines:] if lines else []))
    if following:
        raise Rejected(f"{session.key} has no log to follow", hint="log_output = true in its role")


def _before(marvel: Marvel, session: Session) -> Session:
    if not session.replaces:
        raise NotFound(f"{session.key} is the first in its slot: there is no previous one")
    return marvel.session(session.replaces)


def _is_alive(marvel: Marvel, uid: str) -> bool:
    try:
        return marvel.session(uid).alive
    except NotFound:
        return False


def _stdin() -> str:
    """The text to type, from a pipe. One newline at its end is the pipe's, not the text's."""
    if sys.stdin.isatty():
        raise UsageError("there is no text", hint="marvel inject KEY TEXT, or text on standard input")
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise UsageError(f"more than {MAX_STDIN_BYTES} bytes to type")
    return data.decode(errors="surrogateescape").removesuffix("\n")


def _line(option: str, text: str | None, far: int) -> int | None:
    """A line number; `-` is as far as there is."""
    if text is None or text == "-":
        return None if text is None else far
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no line", hint="a number, negative for history, or -"
        ) from None
