"""The terminal's way into the log: the client's door, and what is said after it."""

from pathlib import Path
from typing import Any

from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.client.asking import new_command
from marvel.client.door import Door
from marvel.commands.order import Order
from marvel.commands.orders import read
from marvel.resources import Capability, TeamKey
from marvel.settings import Paths, check_private, paths
from marvel.store.condition import troubles
from marvel.store.query import Reader, daemon_note
from marvel.store.rows import load_world
from marvel.tmux.version import check_socket_path
from marvel.world import World


def obey(order: Order) -> str:
    """Have one order carried out, and say what became of it; its command id, which `events_of` takes."""
    command = send(order)
    warn_without_daemon(paths())
    return command


def send(order: Order, *, quietly: bool = False) -> str:
    """The same without a word on whether a daemon runs; `quietly` without any."""
    command = new_command()
    said = Door(paths()).send(order, command)
    if not quietly:
        show(said)
    return command


def events_of(command: str) -> list[dict[str, Any]]:
    """The events that a command led to, oldest first; none when it changed nothing."""
    with Reader(paths()) as reader:
        return list(reader.events("command = ?", command, oldest_first=True))


def present(workspace: str | None) -> World:
    """The recorded world of a workspace, or of all of them, read without creating anything."""
    where = paths()
    if not check_private(where.home):
        return World()
    with Reader(where) as reader:
        return load_world(reader, workspace)


def carry_out(name: str, arguments: dict[str, Any], command: str) -> None:
    """An order that no daemon has done. Raises MarvelError."""
    if name == "run":
        check_workspace(arguments["in_workspace"])
    show(Door(paths()).carry_out(read(name, arguments), command))
    warn_without_daemon(paths())


def permit(needs: Capability, team: TeamKey, *, what: str) -> None:
    """Refuse, and record, what this agent session may not do to a team. Raises Rejected."""
    Door(paths()).permit(needs, [team], what=what)


def check_person(what: str) -> None:
    """Refuse, and record, what only a person may do when this runs in a session. Raises Rejected."""
    Door(paths()).check_person(what)


def check_workspace(name: str) -> None:
    """Refuse a workspace whose tmux socket would have too long a path, before anything is recorded."""
    check_socket_path(Path(paths().tmux_socket(name)))


def warn_without_daemon(where: Paths) -> None:
    """What was recorded waits for a daemon that runs and records."""
    note = daemon_note(where)
    if note is None:
        say("no daemon is running: recorded, and done once one runs (marvel daemon -d)")
        return
    for trouble in troubles(note):
        say(f"{trouble}: recorded, and done once it can")
