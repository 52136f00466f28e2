"""The signature of `marvel top`, the terminal it takes, and the picture it makes without one."""

import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from marvel.top.app import Cockpit

SIZE = re.compile(r"(\d{1,3})x(\d{1,3})")
LEAST, MOST = (40, 10), (500, 200)  # columns and lines of a picture


def top(
    *,
    snapshot: Annotated[
        str | None, typer.Option(metavar="FILE.svg", help="Write a picture of it, and end.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="COLUMNSxLINES", help="Of the picture.")] = "120x40",
) -> int:
    """The whole fleet on one screen, live: who works, who waits for you, who is full, what failed."""
    if snapshot is not None:
        return _picture(snapshot, size)
    from marvel.cli.screen import die_of
    from marvel.cli.watching import is_terminal
    from marvel.errors import Rejected

    if not is_terminal() or sys.stdin is None or not sys.stdin.isatty():
        raise Rejected("top needs a terminal", hint="marvel top --snapshot FILE.svg makes a picture")
    from marvel.cli.table import is_coloured

    if not is_coloured():
        os.environ["NO_COLOR"] = "1"  # config.toml may say so too; Textual knows the variable alone
    app = _cockpit()
    status = app.run()
    if app.ended_by is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        die_of(app.ended_by)
    if app.bug is not None:
        raise app.bug
    return status or 0


def _cockpit() -> "Cockpit":
    from marvel.settings import paths
    from marvel.top.app import Cockpit

    return Cockpit(paths())


def _picture(file: str, size: str) -> int:
    """Draw one frame where nobody sees it, and write that."""
    from marvel.errors import MarvelError, UsageError

    if not file.endswith(".svg"):
        raise UsageError(f"a picture is an SVG, not {file!r}", hint="marvel top --snapshot top.svg")
    found = SIZE.fullmatch(size)
    columns, lines = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (LEAST[0] <= columns <= MOST[0] and LEAST[1] <= lines <= MOST[1]):
        raise UsageError(f"--size can't be {size!r}", hint="--size 120x40; 40x10 to 500x200")
    app = _cockpit()
    made: list[str] = []

    async def shoot(pilot: "Pilot[object]") -> None:
        await pilot.pause()
        made.append(app.export_screenshot(title="marvel top"))
        app.exit(0)

    app.run(headless=True, size=(columns, lines), auto_pilot=shoot)
    if app.bug is not None or not made:
        raise app.bug or MarvelError("no picture was made")
    try:
        Path(file).write_text(made[0], encoding="utf-8")
    except OSError as error:
        raise MarvelError(f"{file} can't be written: {error.strerror}") from error
    return 0
