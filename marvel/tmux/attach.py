"""The command line that puts a terminal at one pane, and what such terminals leave behind.

Each terminal gets a tmux session of its own, a view, that shares the workspace's windows, so that two people
can look at two agents. The shell that opened a view ends it once tmux has returned; the windows, and the
agents in them, stay. `destroy-unattached` would end it as well, but up to tmux 3.6 a `detach-client` from
outside on such a session can crash the server, with all agents in it.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from pathlib import Path

from marvel.tmux.program import NAME

# It outlives a closed terminal: there is still the view to end. The word order is that of `attach_argv`.
_SHOW = (
    'trap : HUP TERM; program=$1 socket=$2 view=$3; shift 3; "$program" -u -S "$socket" "$@"; status=$?; '
    '"$program" -S "$socket" kill-session -t "=$view" 2>/dev/null; exit $status'
)
_ABANDONED = re.compile(r"(_view-([0-9]{1,10})-[0-9a-f]+) 0")
ANSWER_SECONDS = 5.0  # for a tmux that lists or ends sessions


def attach_argv(
    socket: Path, workspace: str, uid: str, *, read_only: bool, nested: bool, program: str = NAME
) -> list[str]:
    """Return the argv of a shell that shows the pane. `nested`: it runs inside another tmux, to which all
    keys of the prefix belong.
    """
    view = f"_view-{os.getpid()}-{secrets.token_hex(4)}"
    flags = "read-only,ignore-size" if read_only else ""
    commands = [
        ["new-session", "-E", "-t", f"={workspace}", "-s", view, *(["-f", flags] if flags else [])],
        ["select-window", "-t", f"={view}:={uid}"],
    ]
    if nested:
        options = (("prefix", "None"), ("prefix2", "None"), ("status", "off"))
        commands += [["set-option", "-t", f"={view}:", *option] for option in options]
    argv = ["sh", "-c", _SHOW, "sh", program, str(socket), view]
    for number, words in enumerate(commands):
        argv += [*([";"] if number else []), *words]
    return argv


def end_abandoned_views(socket: Path, program: str = NAME) -> None:
    """End views that no terminal is attached to and whose opener was killed before it could."""
    for view, opener in _ABANDONED.findall(
        _answer(program, socket, "list-sessions", "-F", "#{session_name} #{session_attached}")
    ):
        if not os.path.exists(f"/proc/{opener}"):
            _answer(program, socket, "kill-session", "-t", f"={view}")


def _answer(program: str, socket: Path, *words: str) -> str:
    """Return what tmux printed; nothing if it could not be asked."""
    argv = [program, "-S", str(socket), *words]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
