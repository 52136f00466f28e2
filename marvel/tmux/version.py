"""Is there a tmux, and can it do what is needed?"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from marvel.errors import MarvelError, TmuxUnavailable

MINIMUM = "3.2a"
ANSWER_SECONDS = 10.0  # for a program that only prints a line
MAX_SOCKET_PATH = 107  # bytes, measured: a socket address holds 108 with its NUL

_HOW_TO_INSTALL = (
    "Install it with your system's package manager, for example `apt install tmux`, "
    "`dnf install tmux`, `pacman -S tmux` or `apk add tmux`."
)


def version_key(version: str) -> tuple[int, int, str]:
    """An order of tmux versions: `3.2` < `3.2a` < `3.3-rc` … < `3.10`. Development builds count as
    the release they lead to; what can't be read counts as new.
    """
    found = re.search(r"(\d+)\.(\d+)([a-z]?)", version)
    return (int(found[1]), int(found[2]), found[3]) if found else (999, 0, "")


def ask_tmux() -> str:
    """What `tmux -V` prints. Raises OSError, and subprocess.SubprocessError when it says nothing in time."""
    done = subprocess.run(["tmux", "-V"], capture_output=True, timeout=ANSWER_SECONDS, check=False)
    return done.stdout.decode(errors="replace")


def ask_libtmux() -> str:
    """The same as libtmux finds it, which takes 100 ms to import. Raises OSError, when libtmux finds none."""
    # Its own get_version() drops the letter, which tells 3.2 from 3.2a.
    from libtmux.common import tmux_cmd
    from libtmux.exc import LibTmuxException

    try:
        return " ".join(tmux_cmd("-V").stdout)
    except LibTmuxException as error:
        raise OSError(str(error) or type(error).__name__) from None


def check_version(ask: Callable[[], str] = ask_tmux) -> str:
    """The version of the installed tmux; raises with instructions if it can't be used."""
    try:
        printed = ask()
    except (OSError, subprocess.SubprocessError) as error:
        why = (isinstance(error, OSError) and error.strerror) or error
        message = f"tmux is not installed, or does not run ({why})"
        raise TmuxUnavailable(message, hint=_HOW_TO_INSTALL) from None
    version = printed.removeprefix("tmux ").strip()
    if not version:
        raise TmuxUnavailable("`tmux -V` did not say a version", hint=_HOW_TO_INSTALL)
    if version_key(version) < version_key(MINIMUM):
        message = f"tmux {version} is too old: marvel needs {MINIMUM} or newer"
        raise TmuxUnavailable(message, hint=_HOW_TO_INSTALL)
    return version


def check_socket_path(path: Path) -> None:
    """Refuse a path that tmux could not listen at. Its own message would come much later."""
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise MarvelError(
            f"the path of the tmux socket is {length} bytes long, the limit is {MAX_SOCKET_PATH}: {path}",
            hint="Use a shorter state directory or a shorter workspace name.",
        )
