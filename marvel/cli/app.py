"""Every command by name. Its module is imported when it is called, and never for `--help` of the whole.

A command is a plain function with Typer's annotations; what it returns is its exit status (None: 0).
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from marvel.cli.catalog import COMMANDS, SECTIONS, Entry
from marvel.cli.suggestions import suggestion
from marvel.errors import MarvelError, UsageError


class Commands(TyperGroup):
    """The group of all commands, each made when it is needed."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else made(cmd_name, entry)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            if args[0] == "help":
                known = args[1:2] if args[1:] and args[1] in COMMANDS else []
                raise UsageError("unknown command 'help'", hint=" ".join(("marvel", *known, "--help")))
            raise UsageError(f"unknown command {args[0]!r}", hint=suggestion(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for section in SECTIONS:
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
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command


def _in_words(error: typer.TyperException) -> MarvelError:
    """A usage error of Typer as one of ours."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "marvel"
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=f"{command} --help")
