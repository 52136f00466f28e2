"""Every command by name. Its module is imported when it is called, and never for `--help` of the whole.

A command is a plain function with Typer's annotations; what it returns is its exit status (None: 0).
"""

import difflib
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from marvel.errors import MarvelError, UsageError

SEE, CHANGE, SESSIONS, DAEMON, LOG = "See", "Change", "One session", "The daemon", "The event log"


class Entry(NamedTuple):
    """One command."""

    section: str  # of the help; empty: not shown
    where: str  # module:name of a function, or of a Typer with commands of its own
    help: str  # one line
    settings: dict[str, Any] | None = None  # context settings, such as ignore_unknown_options


READING = "marvel.cli.reading"
CHANGING = "marvel.cli.changing"
COMMANDS = {
    "get": Entry(SEE, f"{READING}:get", "List sessions, teams, workspaces or endpoints."),
    "describe": Entry(SEE, f"{READING}:describe", "Tell all about one resource."),
    "diff": Entry(SEE, f"{CHANGING}:diff", "What working a manifest would change."),
    "wait": Entry(SEE, f"{CHANGING}:wait", "Wait until something is as wanted."),
    "work": Entry(CHANGE, f"{CHANGING}:work", "Make the world what manifests declare."),
    "apply": Entry("", f"{CHANGING}:work", "The same as work."),
    "up": Entry(CHANGE, f"{CHANGING}:up", "A daemon, a manifest, ready sessions: all at once."),
    "scale": Entry(CHANGE, f"{CHANGING}:scale", "Set how many sessions a role shall have."),
    "restart": Entry(CHANGE, f"{CHANGING}:restart", "Replace a session, or a team's one at a time."),
    "delete": Entry(CHANGE, f"{CHANGING}:delete", "Delete a resource and all that is in it."),
    "run": Entry(SESSIONS, f"{CHANGING}:run", "Start a one-off session."),
    "heartbeat": Entry(SESSIONS, f"{READING}:heartbeat", "Tell marvel that this agent lives."),
    "kill": Entry(SESSIONS, f"{CHANGING}:kill", "End a session; its slot is filled again."),
    "daemon": Entry(DAEMON, "marvel.cli.daemon:app", "Run the daemon; its status and its log."),
    "stop": Entry(DAEMON, f"{CHANGING}:stop", "Stop all sessions, then the daemon."),
    "events": Entry(LOG, f"{READING}:events", "What happened, newest last."),
    "verify": Entry(LOG, f"{READING}:verify", "Check the hash chain of the event log."),
    "rebuild": Entry(LOG, f"{READING}:rebuild", "Derive the tables anew from the event log."),
    "version": Entry(LOG, f"{READING}:version", "Print the version."),
    "simulator": Entry(SESSIONS, f"{READING}:simulator", "A fake agent, for trying things out."),
}


class Commands(TyperGroup):
    """The group of all commands, each made when it is needed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else made(cmd_name, entry)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean marvel {close[0]}?" if close else "marvel --help lists the commands"
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for section in (SEE, CHANGE, SESSIONS, DAEMON, LOG):
            rows = [(name, entry.help) for name, entry in COMMANDS.items() if entry.section == section]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="marvel",
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich would be 60 ms of every --help
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def marvel() -> None:
    """marvel: a control plane for AI agent sessions in tmux panes."""


def run_typer(argv: list[str]) -> int:
    """Run a command line; its exit status. Raises MarvelError."""
    if argv == ["--version"]:
        argv = ["version"]
    command = typer.main.get_command(app)
    try:  # not command.main(): it has an opinion of its own about errors and closed pipes
        with command.make_context("marvel", argv or ["--help"]) as context:
            status = command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.TyperException as error:
        raise _in_words(error) from error
    return int(status or 0)


def made(name: str, entry: Entry) -> Any:
    """The command of an entry, as Typer builds it."""
    module, _, attribute = entry.where.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command = typer.main.get_command(found)
    else:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name, context_settings=entry.settings)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command


def _in_words(error: typer.TyperException) -> MarvelError:
    """A usage error of Typer as one of ours."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "marvel"
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=f"{command} --help")
