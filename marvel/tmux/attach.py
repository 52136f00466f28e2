"""The command line that puts a person's terminal at one pane.

Each terminal gets a tmux session of its own that shares the workspace's windows, so that two people can
look at two agents. It ends when they detach; the windows, and the agents in them, do not.
"""

from __future__ import annotations

import secrets
from pathlib import Path


def attach_argv(socket: Path, workspace: str, uid: str, *, read_only: bool, nested: bool) -> list[str]:
    """The argv of tmux. `nested`: it runs inside another tmux, to which all keys of the prefix belong."""
    view = f"_view-{secrets.token_hex(4)}"
    flags = "read-only,ignore-size" if read_only else ""
    commands = [
        ["new-session", "-E", "-t", f"={workspace}", "-s", view, *(["-f", flags] if flags else [])],
        # Only now, with a terminal attached: a session without one would end at once.
        ["set-option", "-t", f"={view}:", "destroy-unattached", "on"],
        ["select-window", "-t", f"={view}:={uid}"],
    ]
    if nested:
        options = (("prefix", "None"), ("prefix2", "None"), ("status", "off"))
        commands += [["set-option", "-t", f"={view}:", *option] for option in options]
    argv = ["tmux", "-u", "-S", str(socket)]
    for number, words in enumerate(commands):
        argv += [*([";"] if number else []), *words]
    return argv
