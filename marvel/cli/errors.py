"""The one error boundary: whatever happens inside becomes text on stderr and an exit status.

0 done, 1 refused or failed, 2 usage, 3 timed out, 4 no such resource; 130 interrupted, 141 nobody reads.
"""

from __future__ import annotations

import os
import sys

from marvel.errors import MarvelError

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

FAILED = 1
INTERRUPTED = 130  # as a shell reports SIGINT
UNREAD = 141  # as a shell reports SIGPIPE


def bounded(command: Callable[[], int]) -> int:
    """Run a command; its exit status, or that of the error it ended in."""
    try:
        status = command()
        _flush()
    except MarvelError as error:
        return _left(_refused(error))
    except BrokenPipeError:
        return _left(UNREAD)
    except KeyboardInterrupt:
        return _left(INTERRUPTED)
    except Exception as error:
        return _left(_refused(_unwritable(error)) if _is_full(error) else _internal(error))
    return status


def say(line: str) -> None:
    """One line (or several, of a manifest) to a person, on stderr; harmless to a terminal."""
    from marvel.text import printable

    try:
        sys.stderr.write("\n".join(printable(part) for part in line.split("\n")) + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody to tell


def _refused(error: MarvelError) -> int:
    say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")
    return error.exit_code


def _unwritable(error: OSError) -> MarvelError:
    return MarvelError(f"output can't be written: {error.strerror}", hint="is the disk full?")


def _is_full(error: Exception) -> TypeGuard[OSError]:
    """Whether standard output took no more: a file would have been named."""
    from errno import ENOSPC

    return isinstance(error, OSError) and error.errno == ENOSPC and error.filename is None


def _rows_of_a_wrong_shape() -> MarvelError | None:
    """What is wrong with the tables that commands read, if anything: then that is what a command ran into.

    Looked at only when one has failed: a listing must not pay for a check of every row.
    """
    try:
        from marvel.settings import paths
        from marvel.store.query import Reader
        from marvel.store.rows import load_world

        with Reader(paths()) as reader:
            load_world(reader)
    except MarvelError as found:
        return found
    except Exception:
        return None
    return None


def _internal(error: Exception) -> int:
    if (found := _rows_of_a_wrong_shape()) is not None:
        return _refused(found)
    if os.environ.get("MARVEL_DEBUG"):
        import traceback

        traceback.print_exc()
    say(f"error: internal error: {type(error).__name__}: {error}")
    say("hint: this is a bug in marvel; MARVEL_DEBUG=1 shows where it happened")
    return FAILED


def _flush() -> None:
    """Push out what is buffered, while there still is someone to hear of a failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(error) from error


def _left(status: int) -> int:
    """End with a status. What is still buffered and can't be written must not complain at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return status
