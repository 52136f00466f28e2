"""The signatures of the commands that read. What they do is imported when they do it."""

import sys
from typing import Annotated

import typer

from marvel.cli.request import KINDS, OUTPUTS, STATES, Request
from marvel.reporter import SOURCES

Text = str | None
At = Annotated[
    Text,
    typer.Option("--at", metavar="POSITION|TIME", help="As it was then: 4711, '10m ago', 14:10, date."),
]


def get(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(KINDS)}; or s t w e.")],
    key: Annotated[Text, typer.Argument(metavar="[KEY]", help="WORKSPACE/NAME, or a unique ending.")] = None,
    *,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="|".join(OUTPUTS), help="How to print.  [default: table]")
    ] = "",
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
    at: At = None,
    watch: Annotated[
        bool, typer.Option("-w", "--watch", help="Go on: a live table, or one JSON line per change.")
    ] = False,
    after: Annotated[
        int | None, typer.Option(metavar="POS", help="With -w: only what changed after this position.")
    ] = None,
) -> int:
    """List sessions, teams, workspaces, endpoints or shifts."""
    from marvel.cli.get import run
    from marvel.errors import UsageError

    request = Request(kind, key)
    request.output, request.workspace, request.team, request.role = output, workspace, team, role
    request.state, request.waiting, request.all = state, waiting, all
    request.sort_by, request.no_headers, request.at = sort_by, no_headers, at
    if watch:
        if at is not None:
            raise UsageError("--at shows one moment, --watch goes on", hint="leave one of them out")
        from marvel.cli.watching import watch as do

        return do(request, after)
    if after is not None:
        raise UsageError("--after goes with --watch", hint="marvel get KIND -w --after POS")
    return run(request)


def export(
    key: Annotated[str, typer.Argument(metavar="WORKSPACE[/TEAM]")],
) -> None:
    """Write a workspace or team back as a manifest. Working it again changes nothing."""
    from marvel.cli.manifests import export as do

    do(key)


def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    from marvel.cli.manifests import print_schema

    print_schema()


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend.")] = False,
) -> int:
    """Check this machine, the state directory and the declared teams; exit status 1 when something fails."""
    from marvel.cli.doctor import doctor as do

    return do(fix=fix)


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish")],
) -> None:
    """Print a shell's completion script: source it in the shell's start-up file."""
    from marvel.cli.completion import print_script

    print_script(shell)


def heartbeat(
    *,
    context: Annotated[
        Text, typer.Option(metavar="PCT", help="How full the agent's context is, 0 to 100.")
    ] = None,
    state: Annotated[
        Text, typer.Option(metavar="STATE", help="starting, working, idle, waiting, limited or compacting.")
    ] = None,
    source: Annotated[
        Text,
        typer.Option("--from", metavar="SOURCE", help=f"An agent's own payload: {', '.join(SOURCES)}."),
    ] = None,
    payload: Annotated[Text, typer.Argument(metavar="[PAYLOAD]", help="Default: standard input.")] = None,
) -> int:
    """Tell marvel that this agent lives; from inside a session, which is found through the environment.

    With --from the exit status is always 0, and nothing is printed: an agent's hook must not notice.
    """
    from marvel.cli.heartbeat import beat, report

    if source is not None:
        return report(source, *filter(None, [payload]))
    return beat(context, state)


def version() -> None:
    """Print the version."""
    from marvel import __version__

    typer.echo(f"marvel {__version__}")


def simulator() -> int:
    """A fake agent, for trying things out."""
    from marvel.simulator import main

    return main(sys.argv[2:])


def describe(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="session, team, workspace or endpoint.")],
    key: Annotated[Text, typer.Argument(metavar="KEY", help="WORKSPACE/NAME, or a unique ending.")] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="text|json", help="How to print.")
    ] = "text",
    at: At = None,
) -> int:
    """Tell all about one resource. Without KIND, KEY is a session, else a team."""
    from marvel.cli.describe import describe

    return describe(kind, key, output, at)


def why(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A session, a team, or WORKSPACE/TEAM/ROLE.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="text|json", help="How to print.")
    ] = "text",
) -> int:
    """Why something is as it is: what led to it, what it waits for, and what is deliberately not done."""
    from marvel.cli.why import why as do

    return do(key, output)


def events(
    *,
    count: Annotated[
        int | None, typer.Option("-n", metavar="N", help="Only the newest N.  [default: 50]")
    ] = None,
    since: Annotated[Text, typer.Option(metavar="T", help="Only later ones: 10m, 14:10, or a date.")] = None,
    kind: Annotated[
        Text, typer.Option(metavar="KIND", help="Only this kind; session.* means all of it.")
    ] = None,
    session: Annotated[Text, typer.Option(metavar="KEY", help="Only about this session.")] = None,
    team: Annotated[
        Text, typer.Option(metavar="KEY", help="Only about this team, and what is in it.")
    ] = None,
    warnings: Annotated[bool, typer.Option("--warnings", help="Only what needs attention.")] = False,
    actor: Annotated[Text, typer.Option(metavar="ACTOR", help="Only what this one recorded.")] = None,
    caused_by: Annotated[int | None, typer.Option(metavar="POS", help="Only what this event led to.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what happens from now.")] = False,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="table|wide|json|jsonl", help="How to print; wide: actor and cause too."
        ),
    ] = "table",
) -> int:
    """What happened, newest last; runs of alike events are one line. With --since and no -n: all of it."""
    from marvel.cli.history import events
    from marvel.cli.paging import Wanted

    wanted = Wanted(
        count=count,
        since=since,
        kind=kind,
        session=session,
        team=team,
        warnings=warnings,
        actor=actor,
        caused_by=caused_by,
    )
    return events(wanted, output, follow=follow)


def replay(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="What to look at.")] = "sessions",
    *,
    to: Annotated[
        Text, typer.Option(metavar="POS|TIME", help="Only up to this position or time: 812, 10m, 14:10.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(metavar="X", help="So many times faster than it was.  [default: 10]")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="table|wide|jsonl", help="How to print.")
    ] = "table",
    all: Annotated[bool, typer.Option("--all", help="Earlier and removed sessions too.")] = False,  # noqa: A002
) -> int:
    """Play the event log into the live table; not on a terminal, print its changes, one JSON line each."""
    from marvel.cli.replaying import replay

    request = Request(kind)
    request.output, request.all = output, all
    return replay(request, to, speed)


def report(
    since: Annotated[
        Text, typer.Option(metavar="T", help="Only from then on: 12h, 22:00, or a date.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="table|json|jsonl", help="How to print.")
    ] = "table",
) -> int:
    """What each agent did: time working, idle, waiting, limited; restarts and why; shifts, context, cost."""
    from marvel.cli.report import report as do

    return do(since, output)


def verify(
    file: Annotated[Text, typer.Argument(metavar="[FILE]", help="A backup or an archive, instead.")] = None,
) -> int:
    """Check the hash chain of the event log; names the first position that is not as it was recorded."""
    from marvel.cli.history import verify

    return verify(file)


def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; list the differences.")] = False,
) -> int:
    """Derive the tables anew from the event log."""
    from marvel.cli.history import rebuild

    return rebuild(check=check)
