"""Which tmux program talks to a server: the one that the server itself runs.

A server lives on when the package is upgraded under it, and not every two versions understand each other:
control clients and terminals of 3.6 and newer cannot talk to an older server, nor the other way round. The
program of the listening process, reached through /proc, always can, even after its file was replaced.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from marvel.tmux.processes import is_tmux_server, listener

NAME = "tmux"  # as it is looked up in PATH
VERSION_SECONDS = 1.0  # for a program that prints a line; the daemon waits for it


def servers_own(socket: Path, search: str | None = None) -> str | None:
    """Return the program of the server at `socket` unless it is the tmux on PATH, or cannot be determined.

    `search` is the PATH to compare with, by default that of this process.
    """
    pid = listener(socket)
    program, on_path = f"/proc/{pid}/exe", shutil.which(NAME, path=search)
    try:
        if not pid or not is_tmux_server(pid):
            return None
        return None if on_path and os.path.samefile(program, on_path) else program
    except OSError:
        return None


def program_for(socket: Path) -> str:
    """Return the program to run for a server at `socket`; its own one only if it can be executed."""
    own = servers_own(socket)
    return own if own and _said(own, "-V") else NAME


def mismatch(socket: Path, workspace: str, search: str) -> str:
    """Return why the tmux on PATH cannot talk to the server at `socket`; empty if its version is no reason.

    Plain commands are answered across versions, so the server can report its own.
    """
    program = shutil.which(NAME, path=search)
    if program is None or servers_own(socket, search) is None:
        return ""
    found = _said(program, "-S", str(socket), "display-message", "-p", "#{pid} #{version}").split()
    on_path = _said(program, "-V").removeprefix("tmux ")
    if len(found) != 2 or not on_path or found[1] == on_path:
        return ""
    pid, version = found
    return f"server {workspace} is tmux {version} (pid {pid}), tmux on PATH is {on_path}: they cannot talk"


def _said(*argv: str) -> str:
    """Return what a program printed; nothing if it failed or took too long."""
    try:
        done = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
