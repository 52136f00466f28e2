"""The console script `marvel`: looks at argv before anything heavy is imported.

A lane does a command without Typer, or returns None for what it does not know. Everything else,
--help included, is Typer's.
"""

from __future__ import annotations

import gc
import os
import sys

from marvel.cli.errors import bounded
from marvel.errors import UsageError

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Run the command line of this process; its exit status."""
    _open_streams()
    return bounded(lambda: run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run one command line. Raises MarvelError."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that can't show a letter shows `?`
    _check_words(argv)
    lane = LANES.get(argv[0]) if argv else None
    status = lane(argv[1:]) if lane is not None else None
    if status is not None:
        return status
    from marvel.cli.app import run_typer

    return run_typer(argv)


def _open_streams() -> None:
    """What the caller closed (`>&-`) goes nowhere; otherwise the next file to be opened takes its number."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _check_words(argv: list[str]) -> None:
    """What is not UTF-8 can be neither recorded nor looked up, only typed to an agent."""
    for number, word in enumerate(argv, 1):
        try:
            word.encode()
        except UnicodeEncodeError:
            if argv[0] != "inject":
                raise UsageError(f"argument {number} is not UTF-8") from None


def _get(argv: list[str]) -> int | None:
    gc.disable()  # 2 ms of 20; what is read is printed and forgotten
    from marvel.cli.get import fast

    try:
        return fast(argv)
    finally:
        gc.enable()


def _simulator(argv: list[str]) -> int | None:
    from marvel.simulator import main as simulate

    return simulate(argv)


def _complete(argv: list[str]) -> int | None:
    from marvel.cli.completion import complete

    return complete(argv)


def _heartbeat(argv: list[str]) -> int | None:
    gc.disable()
    from marvel.cli.heartbeat import fast

    return fast(argv)


def _order(name: str) -> Callable[[list[str]], int | None]:
    def lane(argv: list[str]) -> int | None:
        gc.disable()
        from marvel.cli.order import fast

        try:
            return fast(name, argv)
        finally:
            gc.enable()

    return lane


ORDERS = ("scale", "shift", "run", "kill", "restart")
LANES: dict[str, Callable[[list[str]], int | None]] = {
    "get": _get,
    "heartbeat": _heartbeat,
    "simulator": _simulator,
    "__complete": _complete,
}
LANES |= {name: _order(name) for name in ORDERS}

if __name__ == "__main__":
    sys.exit(main())
