"""The signatures of the commands that look at panes and type to them."""

from typing import Annotated

import typer

from marvel.cli.changing import KeyArgument, Timeout, seconds


def attach(
    key: KeyArgument,
    read_only: Annotated[bool, typer.Option("--read-only", "-r", help="Look, and type nothing.")] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Print the command instead.")] = False,
) -> int:
    """Look at the real pane of an agent, and type there. Detaching (C-b d) leaves everything running."""
    from marvel.cli.panes import attach as do

    return do(key, read_only=read_only, only_print=only_print)


def capture(
    key: KeyArgument,
    start: Annotated[
        str | None, typer.Option("-S", metavar="N", help="First line: 0 is the top, -N history, - all.")
    ] = None,
    end: Annotated[str | None, typer.Option("-E", metavar="N", help="Last line.")] = None,
    join: Annotated[bool, typer.Option("--join", "-J", help="Undo the wrapping of long lines.")] = False,
    ansi: Annotated[bool, typer.Option("--ansi", help="Keep colours.")] = False,
) -> None:
    """What a session's screen shows; of an ended session its last lines."""
    from marvel.cli.panes import capture as do

    do(key, start=start, end=end, join=join, ansi=ansi)


def inject(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A session, WORKSPACE/TEAM, or an endpoint.")],
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Missing or -: standard input. After -- when it begins with -."),
    ] = None,
    enter: Annotated[bool, typer.Option("-e", "--enter", help="Press Enter after it.")] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="TEXT is names of keys, such as C-c Enter. May answer a dialog.")
    ] = False,
    role: Annotated[str | None, typer.Option(metavar="NAME", help="Only this role of the team.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Type although someone types there, or it shows a dialog.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until no dialog is open and no one types there.")
    ] = False,
    timeout: Timeout = "60s",
) -> int:
    """Type a text to an agent, or to all of a team; says what became of it."""
    from marvel.cli.panes import inject as do

    patience = seconds(timeout) if wait else 0.0
    return do(key, text or [], enter=enter, keys=keys, role=role, force=force, patience=patience)


def logs(
    key: KeyArgument,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the session ends.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=0)] = 50,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the session before it.")] = False,
    ansi: Annotated[bool, typer.Option("--ansi", help="Keep colours.")] = False,
) -> None:
    """What a session printed: its log, with log_output in its role, else its last lines."""
    from marvel.cli.panes import logs as do

    do(key, following=follow, lines=lines, previous=previous, ansi=ansi)


def mcp() -> int:
    """Serve the Model Context Protocol on standard input and output, for agents that run a team."""
    from marvel.cli.mcp_server import serve

    return serve()
