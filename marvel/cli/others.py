"""Names what runs on marvel's tmux servers and is no session's: a person's panes, which are left alone."""

import os
from collections.abc import Iterator
from pathlib import Path

from marvel.cli.servers import line
from marvel.settings import Paths
from marvel.tmux import Failed, Pane, TmuxServer, call, server_environment
from marvel.tmux.processes import listener

ANSWER_SECONDS = 2.0  # for a server to list its panes
MAX_COMMAND = 60  # characters of one that is shown


def named(where: Paths) -> list[str]:
    """One line for each pane without a stamp: its workspace, id, pid and command."""
    lines = []
    for workspace, pane in _foreign(where):
        process = f"pid {pane.pid}, {_command(pane.pid)}" if pane.pid is not None else "ended"
        lines.append(f"pane {pane.pane} on the tmux server of {workspace} ({process}) is no session's")
    return lines


def unanswered(where: Paths) -> list[str]:
    """One line for each server that runs and cannot be talked to: why not."""
    return [
        line(workspace, found.message)
        for workspace, found in _asked(where)
        if isinstance(found, Failed) and listener(Path(where.tmux_socket(workspace))) is not None
    ]


def _foreign(where: Paths) -> Iterator[tuple[str, Pane]]:
    for workspace, found in _asked(where):
        if not isinstance(found, Failed):
            yield from ((workspace, pane) for pane in found if not pane.uid)


def _asked(where: Paths) -> Iterator[tuple[str, tuple[Pane, ...] | Failed]]:
    """Each server's panes."""
    names = os.listdir(where.tmux) if os.path.isdir(where.tmux) else []
    for name in sorted(name for name in names if name.endswith(".sock")):
        workspace = name.removesuffix(".sock")
        socket = Path(where.tmux_socket(workspace))
        server = TmuxServer(socket, workspace, environment=server_environment(os.environ))
        try:
            found = call(server, lambda done, server=server: server.panes(done), timeout=ANSWER_SECONDS)  # type: ignore[misc]
        finally:
            server.close()
        yield workspace, found


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended"
    return os.fsdecode(b" ".join(words)).strip()[:MAX_COMMAND]
