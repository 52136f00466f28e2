"""`marvel daemon`: run it, ask how it is, read its log."""

import os
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def daemon(
    context: typer.Context,
    detached: Annotated[
        bool, typer.Option("-d", "--detach", help="In the background; returns when it is ready.")
    ] = False,
    controllers: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Only these: sessions, health, shifts.")
    ] = None,
) -> None:
    """Run the daemon that keeps sessions as declared. INT and TERM end it and leave the agents."""
    if context.invoked_subcommand is not None:
        return
    from marvel.cli.door import check_person
    from marvel.cli.errors import say
    from marvel.settings import paths

    check_person("daemon")
    chosen = [name.strip() for name in controllers.split(",")] if controllers else []
    if detached:
        from marvel.daemon.detached import detach

        say(f"daemon started, pid {detach(paths(), controllers=chosen)}")
        return
    from marvel.daemon.main import run

    why = run(paths(), controllers=chosen)  # an end that nobody asked for is an error
    say(f"daemon ended ({why})" + ("" if why == "stop" else "; its sessions run on"))


@app.command()
def status(
    output: Annotated[str, typer.Option("-o", "--output", metavar="text|json")] = "text",
) -> int:
    """Report how the daemon is. The exit status is 0 only when it runs, is ready and can record."""
    import json

    from marvel.cli.get import show
    from marvel.cli.objects import published
    from marvel.cli.servers import unreachable_now
    from marvel.cli.table import counted
    from marvel.cli.times import rfc3339
    from marvel.client import request
    from marvel.errors import DaemonUnavailable, UsageError
    from marvel.settings import paths
    from marvel.store.condition import shortages, troubles
    from marvel.store.query import daemon_note

    if output not in ("text", "json"):
        raise UsageError(f"there is no output {output!r}", hint="-o text | json")
    where = paths()
    note = daemon_note(where)
    if note is None:
        if output == "json":
            show(json.dumps({"running": False, "ready": False}) + "\n")
        raise DaemonUnavailable("no daemon is running", hint="marvel daemon -d starts one")
    try:
        found = request(where.socket, "status", {})
    except OSError as error:
        raise DaemonUnavailable(f"the daemon does not answer: {error}", hint=f"see {where.log}") from error
    silent = unreachable_now(where)
    if output == "json":
        found["unreachable"] = silent
        since = rfc3339(found.pop("since"))
        show(json.dumps({"running": True, **published(found), "since": since}, indent=2) + "\n")
    else:
        alive = counted(found["sessions"], "session")
        show(
            f"running, pid {found['pid']}, since {rfc3339(found['since'])}\n"
            f"version {found['version']}, run {found['run_id']}, {alive} alive\n"
            f"head at position {found['position']}, {found['hash'][:16]}\n"
            f"home {where.home}\n"
            + "".join(f"not ready: {line}\n" for line in troubles(note))
            + "".join(f"{line}\n" for line in shortages(note))
            + "".join(f"{line}\n" for line in silent)
        )
    return 0 if found["ready"] else 1


@app.command()
def install(
    force: Annotated[bool, typer.Option("--force", help="Replace a unit that differs.")] = False,
) -> None:
    """Write a systemd user unit. Stopping it leaves the agents alive; starting it adopts them."""
    from marvel.cli.unit import install as do

    do(force=force)


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", metavar="N", min=0)] = 50,
) -> None:
    """The daemon's own log, newest last."""
    from marvel.cli.following import follow as go_on
    from marvel.cli.following import last
    from marvel.cli.get import show
    from marvel.errors import NotFound
    from marvel.settings import paths

    path = paths().log
    if not os.path.exists(path):
        raise NotFound(f"no log at {path}", hint="no daemon ever ran here")
    for line in last(path, lines):
        show(line)
    if follow:
        go_on(path, lambda: True)
