"""The signatures of the commands that change something. What they do is imported when they do it."""

from typing import Annotated

import typer

Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="Manifests; - is standard input.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="WORKSPACE/NAME, or a unique ending.")]
TeamArgument = Annotated[str, typer.Argument(metavar="WORKSPACE/TEAM")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when it is done.")]
Timeout = Annotated[str, typer.Option(metavar="TIME", help="How long to wait at most, such as 90s or 5m.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Prune = Annotated[bool, typer.Option("--prune", help="Remove the workspace's teams that are not named.")]
ForceLarge = Annotated[bool, typer.Option("--force-large", help="Allow more than 1,000 sessions.")]


def work(
    files: Files,
    wait: Wait = False,
    timeout: Timeout = "5m",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    prune: Prune = False,
    strict: Annotated[bool, typer.Option("--strict", help="A missing command is an error.")] = False,
    force_large: ForceLarge = False,
    yes: Yes = False,
) -> None:
    """Make the world what manifests declare."""
    from marvel.cli.work import work as do

    do(
        files,
        dry_run=dry_run,
        prune=prune,
        strict=strict,
        force_large=force_large,
        yes=yes,
        wait=wait,
        timeout=seconds(timeout),
    )


def up(files: Files, timeout: Timeout = "60s") -> None:
    """Start a daemon if none runs, work manifests, wait until all is ready, show the sessions."""
    from marvel.cli.work import up as do

    do(files, timeout=seconds(timeout))


def diff(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE…]", help="Manifests.")] = None,
    prune: Prune = False,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="POSITION|TIME", help="Compare two moments: the earlier."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="POSITION|TIME", help="The later one.  [default: now]")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="text|json", help="How to print what moments differ in.")
    ] = "text",
) -> int:
    """What `marvel work` would change, or what moments differ in; exit status 1 when that is anything."""
    from marvel.errors import UsageError

    if since is not None and not files:
        from marvel.cli.differences import diff as compare

        return compare(since, to, output)
    if since is not None or to is not None or output != "text" or not files:
        raise UsageError("diff takes manifests, or --from and --to", hint="marvel diff --help")
    from marvel.cli.work import diff as do

    return do(files, prune=prune)


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Copy the event log to a file, also while a daemon runs; the copy is checked."""
    from marvel.cli.copies import backup as do

    do(file)


def archive(
    before: Annotated[
        str, typer.Option("--before", metavar="POSITION|TIME", help="What is older goes.", show_default=False)
    ],
) -> None:
    """Move old events to a file beside the event log: a log of its own, which verify can check."""
    from marvel.cli.copies import archive as do

    do(before)


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What backup made.")],
    yes: Yes = False,
) -> None:
    """Put a backup in the place of the event log, which is kept aside. No daemon may run."""
    from marvel.cli.copies import restore as do

    do(file, yes=yes)


def scale(
    team: TeamArgument,
    role: Annotated[str, typer.Option(metavar="NAME", help="The role.", show_default=False)],
    replicas: Annotated[int, typer.Option(metavar="N", help="Sessions wanted.", show_default=False)],
    force_large: ForceLarge = False,
) -> None:
    """Set how many sessions a role shall have."""
    from marvel.cli.act import scale as do

    do(team, role, replicas, force_large=force_large)


def shift(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[VERB] WORKSPACE/TEAM", help="VERB: status abort pause resume undo history."),
    ],
    role: Annotated[str | None, typer.Option(metavar="NAME", help="Only this role.")] = None,
    wait: Wait = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="status: until it is done.")] = False,
    to: Annotated[int | None, typer.Option("--to", metavar="GEN", help="undo: back to this one.")] = None,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait at most.")] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json")] = "text",
) -> None:
    """Replace a team's sessions by fresh ones, role after role; or look at that, or change its course."""
    from marvel.cli import shifts as do
    from marvel.errors import UsageError

    usage = f"{context.command_path} --help"
    verb, key = ("begin", words[0]) if len(words) == 1 else (words[0], words[1])
    allowed = {
        "begin": ("wait", "timeout"),
        "status": ("watch", "timeout", "output"),
        "history": ("output",),
        "undo": ("to", "wait", "timeout"),
        **dict.fromkeys(("abort", "resume"), ("wait", "timeout")),
        "pause": (),
    }
    if len(words) > 2 or verb not in allowed or (len(words) == 1 and key in allowed):
        raise UsageError(f"shift {' '.join(words)}: not a verb and a team", hint=usage)
    given = {
        "wait": wait,
        "watch": watch,
        "to": to is not None,
        "timeout": timeout,
        "output": output != "text",
    }
    for name, value in given.items():
        if value and name not in allowed[verb]:
            raise UsageError(f"--{name} does not apply to shift {verb}", hint=usage)
    if output not in ("text", "json"):
        raise UsageError(f"there is no output {output!r}", hint="-o text | json")
    limit = None if timeout is None else seconds(timeout)
    match verb:
        case "begin":
            do.begin(key, role, wait=wait, timeout=limit)
        case "status":
            do.status(key, role, watch=watch, output=output, timeout=limit)
        case "history":
            do.history(key, role, output)
        case "abort" | "pause" | "resume" | "undo":
            do.change(verb, key, role, to, wait=wait, timeout=limit)


def run(
    context: typer.Context,
    role: Annotated[str, typer.Option(metavar="NAME", help="Names the session.")] = "adhoc",
    team: Annotated[str, typer.Option(metavar="NAME")] = "adhoc",
    workspace: Annotated[str, typer.Option(metavar="NAME", help="Made if missing.")] = "default",
    cwd: Annotated[str | None, typer.Option(metavar="DIRECTORY", help="Default: this one.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="May be repeated.")] = None,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="CMD [ARG…]", help="After -- when an argument begins with a dash."),
    ] = None,
) -> None:
    """Start a one-off session, which nothing restarts."""
    from marvel.cli.act import run as do
    from marvel.errors import UsageError

    if not command:
        raise UsageError("there is no command to run", hint=f"{context.command_path} CMD [ARG…]")
    do(command, role=role, team=team, workspace=workspace, cwd=cwd, env=env or [])


def kill(key: KeyArgument, wait: Wait = False, timeout: Timeout = "60s") -> None:
    """End a session; its slot is filled again."""
    from marvel.cli.act import kill as do

    do(key, wait=wait, timeout=seconds(timeout))


def restart(key: KeyArgument, wait: Wait = False, timeout: Timeout = "5m") -> None:
    """Replace a session, or a team's sessions one at a time."""
    from marvel.cli.act import restart as do

    do(key, wait=wait, timeout=seconds(timeout))


def delete(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="session, team, workspace or endpoint.")],
    key: KeyArgument,
    wait: Wait = False,
    timeout: Timeout = "60s",
) -> None:
    """Delete a resource and all that is in it."""
    from marvel.cli.act import delete as do

    do(kind, key, wait=wait, timeout=seconds(timeout))


def stop(
    keep_sessions: Annotated[
        bool, typer.Option("--keep-sessions", help="Leave the agents; the next daemon adopts them.")
    ] = False,
    yes: Yes = False,
    timeout: Timeout = "60s",
) -> None:
    """Stop all sessions, then the daemon; the next daemon brings them back."""
    from marvel.cli.act import stop as do

    do(keep_sessions=keep_sessions, yes=yes, timeout=seconds(timeout))


def wait(
    key: KeyArgument,
    condition: Annotated[
        str, typer.Option("--for", metavar="ready|healthy|state=X|deleted", help="What to wait for.")
    ] = "ready",
    timeout: Timeout = "5m",
) -> None:
    """Wait until a session or all of a team is as wanted."""
    from marvel.cli.waiting import wait as do

    do(key, condition, seconds(timeout))


def seconds(text: str) -> float:
    """Return the seconds that the `90s` or `5m` of a --timeout mean. Raises UsageError."""
    from marvel.durations import LONGEST, parse
    from marvel.errors import UsageError

    found = parse(text)
    if found is None:
        raise UsageError(
            f"--timeout: cannot parse {text!r} as a duration", hint="such as 500ms, 30s, 5m or 1h30m"
        )
    if found > LONGEST:
        raise UsageError(f"--timeout: {text!r} is more than ten years", hint="such as 30s, 5m or 1h30m")
    return found
