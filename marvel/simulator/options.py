"""What a simulated agent was told: its command line, and the environment of its pane."""

from __future__ import annotations

import argparse
import os

from marvel.client import from_environment

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

HELP_COLUMNS = 100  # said here, else argparse imports shutil to find out, at every start
TICK_DEFAULT_MS = 1000
TICK_LEAST_MS = 10
TICK_MOST_MS = 24 * 3600 * 1000
SECONDS_MOST = 366 * 24 * 3600.0
GROWTH_DEFAULT_PERCENT = (1.0, 5.0)


class Options(argparse.Namespace):
    """The command line, typed."""

    tick: int  # milliseconds
    seed: int | None
    name: str
    workspace: str
    team: str
    role: str
    generation: str  # a number from marvel, anything from a person
    socket: str  # empty: nobody to beat to
    script: str | None
    exit_after: float | None  # seconds
    exit_code: int
    hang_after: float | None  # seconds
    context_start: float  # percent
    growth: Sequence[float]  # least and most percent per tick
    ignore_term: bool
    unknown: list[str]  # arguments that mean nothing to us

    beat_to: dict[str, Any]  # arguments of `client.heartbeat` that stay the same; empty: no beats
    identity: str  # what seeds the chance of an agent without --seed


def read_options(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Options from `argv`, else from `environ`. What is not understood is kept in `unknown`.

    Exits with status 2 on a value that makes no sense, such as a tick of no time at all.
    """
    parser = _parser(environ)
    options, unknown = parser.parse_known_args(argv, Options())
    low, high = options.growth
    if low > high:
        parser.error("argument --growth: MIN is more than MAX")
    options.unknown = unknown
    options.beat_to = _beat_to(options, environ)
    options.identity = environ.get("MARVEL_SESSION_UID") or f"{options.name}/{os.getpid()}"
    return options


def _beat_to(options: Options, environ: Mapping[str, str]) -> dict[str, Any]:
    """Whom to beat to, as whom. An agent told to be someone else does not use its pane's uid and token."""
    if not options.socket:
        return {}
    known = from_environment(environ)
    key = f"{options.workspace}/{options.name}" if options.workspace else options.name
    if key != known.get("session_key"):
        known = {"session_key": key}
    return {**known, "socket_path": options.socket}


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """No abbreviations and no `-h`: manifests pass flags that are meant for other agents."""
    parser = argparse.ArgumentParser(
        prog="marvel simulator",
        description="A fake agent: its context grows, it sends beats, it dies or hangs on request. "
        "SIGUSR1 hangs it, SIGUSR2 lets it go on.",
        allow_abbrev=False,
        add_help=False,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=HELP_COLUMNS),
    )
    add = parser.add_argument
    add("--help", action="help", help="show this text and exit")
    add("--tick", type=_milliseconds, default=TICK_DEFAULT_MS, metavar="MS", help="time between two beats")
    add("--seed", type=int, metavar="N", help="same seed, same growth (default: by session)")
    for name, meaning in (
        ("workspace", "workspace to beat for"),
        ("team", "team, for the first line"),
        ("role", "role, for the first line"),
        ("generation", "generation, for the status line"),
        ("socket", "socket to beat to; none: no beats"),
    ):
        variable = f"MARVEL_{name.upper()}"
        add(f"--{name}", default=environ.get(variable, ""), help=f"{meaning} (default: ${variable})")
    session = environ.get("MARVEL_SESSION") or "simulator"
    add("--name", default=session, help="session to beat for (default: $MARVEL_SESSION)")
    add("--script", metavar="FILE", help="a supervisor script")
    add("--exit-after", type=_seconds, metavar="SECONDS")
    add("--exit-code", type=_exit_code, default=0, metavar="N", help="status of --exit-after")
    add("--hang-after", type=_seconds, metavar="SECONDS", help="then neither tick nor beat, but stay alive")
    add("--context-start", type=_percent, default=0.0, metavar="PCT")
    add("--growth", nargs=2, type=_percent, default=GROWTH_DEFAULT_PERCENT, metavar=("MIN", "MAX"))
    add("--ignore-term", action="store_true", help="ignore TERM and HUP")
    return parser


def _milliseconds(text: str) -> int:
    return int(_between(int(text), TICK_LEAST_MS, TICK_MOST_MS))


def _seconds(text: str) -> float:
    return _between(float(text), 0, SECONDS_MOST)


def _percent(text: str) -> float:
    return _between(float(text), 0, 100)


def _exit_code(text: str) -> int:
    return int(_between(int(text), 0, 255))


def _between(number: float, least: float, most: float) -> float:
    if not least <= number <= most:  # NaN is not between anything
        raise argparse.ArgumentTypeError(f"{number:g} is not between {least:g} and {most:g}")
    return number
