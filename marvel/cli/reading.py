"""The signatures of the commands that read. What they do is imported when they do it."""

import sys
from typing import Annotated, Optional

import typer

from marvel.cli.get import KINDS, OUTPUTS, STATES, Request

Text = Optional[str]
Key = Annotated[Text, typer.Argument(metavar="[KEY]", show_default=False)]


def get(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(KINDS)}; or s t w e.")],
    key: Annotated[Text, typer.Argument(metavar="[KEY]", help="WORKSPACE/NAME, or a unique ending.")] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="|".join(OUTPUTS), help="How to print.")
    ] = "table",
    workspace: Annotated[Text, typer.Option(metavar="NAME", help="Only this workspace.")] = None,
    team: Annotated[Text, typer.Option(metavar="NAME", help="Only this team.")] = None,
    role: Annotated[Text, typer.Option(metavar="NAME", help="Only this role.")] = None,
    state: Annotated[
        Text, typer.Option(metavar="STATE[,…]", help=f"Only these states: {', '.join(STATES)}.")
    ] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only agents that wait for someone.")] = False,
    sort_by: Annotated[Text, typer.Option(metavar="COLUMN", help="A column, or a field of the JSON.")] = None,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Rows only.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Earlier and removed sessions too.")] = False,  # noqa: A002
) -> int:
    """List sessions, teams, workspaces or endpoints."""
    from marvel.cli.get import run

    request = Request(kind, key)
    request.output, request.workspace, request.team, request.role = output, workspace, team, role
    request.state, request.waiting, request.all = state, waiting, all
    request.sort_by, request.no_headers = sort_by, no_headers
    return run(request)


def version() -> None:
    """Print the version."""
    from marvel import __version__

    typer.echo(f"marvel {__version__}")


def simulator() -> int:
    """A fake agent, for trying things out."""
    from marvel.simulator import main

    return main(sys.argv[2:])
