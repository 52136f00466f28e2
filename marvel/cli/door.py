"""The terminal's way into the log: the client's door, and what is said after it."""

from pathlib import Path
from typing import Any

from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.client.door import Door
from marvel.commands.orders import Order, read
from marvel.daemon.gate import Decide
from marvel.events import Event
from marvel.resources import Capability, TeamKey
from marvel.settings import Paths, paths
from marvel.store.query import daemon_note
from marvel.tmux.version import check_socket_path


def record(
    decide: Decide, *, needs: Capability | None = None, what: str = "", workspace: str | None = None
) -> list[Event]:
    """Decide and append one command; returns its events, none when it changed nothing.

    Inside an agent session it is refused unless the role has the capability it `needs`; None: always.
    """
    return Door(paths()).record(decide, needs=needs, what=what, workspace=workspace)


def obey(order: Order, *, command: str | None = None) -> list[Event]:
    """Carry out one order in this process, say what became of it, and return its events."""
    events = Door(paths()).obey(order, command=command)
    show(order.told(events))
    warn_without_daemon(paths())
    return events


def carry_out(name: str, arguments: dict[str, Any], command: str) -> None:
    """An order that no daemon has done. Raises MarvelError."""
    if name == "run":
        check_workspace(arguments["in_workspace"])
    obey(read(name, arguments), command=command)


def permit(needs: Capability, team: TeamKey, *, what: str) -> None:
    """Refuse, and record, what this agent session may not do to a team. Raises Rejected."""
    Door(paths()).permit(needs, [team], what=what)


def check_workspace(name: str) -> None:
    """Refuse a workspace whose tmux socket would have too long a path, before anything is recorded."""
    check_socket_path(Path(paths().tmux_socket(name)))


def warn_without_daemon(where: Paths) -> None:
    """What was recorded waits for a daemon."""
    if daemon_note(where) is None:
        say("no daemon is running: recorded, and done once one runs (marvel daemon -d)")
