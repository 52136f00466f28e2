"""Shell completion: commands, options' values and live names, without importing what draws help.

The scripts ask `marvel __complete WORD…`, whose last word is the one being typed; it answers one candidate
a line. Nothing is ever said on stderr: a half-typed line must not be disturbed.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing is not worth 3 ms of every key press
if TYPE_CHECKING:
    from typing import Any

SCRIPTS = {
    "bash": """\
_marvel() {
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(marvel __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- \\
        "${COMP_WORDS[COMP_CWORD]}"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _marvel marvel
""",
    "zsh": """\
#compdef marvel
_marvel() {
    local -a found
    found=("${(@f)$(marvel __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _marvel marvel
""",
    "fish": """\
function __marvel_complete
    set -l words (commandline -opc) (commandline -ct)
    marvel __complete $words[2..-1] 2>/dev/null
end
complete -c marvel -a '(__marvel_complete)'
""",
}
KINDS = ("sessions", "teams", "workspaces", "endpoints", "shifts")
SINGULAR = ("session", "team", "workspace", "endpoint")
VERBS = ("status", "abort", "pause", "resume", "undo", "history")  # of shift
SESSION_OR_TEAM = ("restart", "wait", "describe", "why")
TO_A_PROCESS = ("kill", "attach", "inject")  # what has ended takes none of these
CONDITIONS = ("ready", "healthy", "deleted", "state=running", "state=failed", "state=stopped")


def print_script(shell: str) -> None:
    """The completion script of a shell. Raises UsageError."""
    from marvel.cli.get import show
    from marvel.errors import UsageError

    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for {shell!r}", hint=" ".join(SCRIPTS))
    show(SCRIPTS[shell])


def complete(words: list[str]) -> int:
    """Print what the last word may become."""
    from marvel.errors import MarvelError

    words = words or [""]
    try:
        found = candidates(words)
    except MarvelError:
        found = []
    for candidate in found:
        if candidate.startswith(words[-1]):
            sys.stdout.write(f"{candidate}\n")
    return 0


def candidates(words: list[str]) -> list[str]:
    """All that could stand in the place of the last word."""
    if len(words) == 1:
        from marvel.cli.catalog import COMMANDS

        return [name for name, entry in COMMANDS.items() if entry.section]
    command, before = words[0], words[-2]
    if "--" in words[1:-1]:
        return []  # what follows is a text or a command line
    options = _options(words)
    given = _given(words, options)
    if before in options and options[before] is not None:
        return _values(before, options[before] or "", given)
    if words[-1].startswith("-"):
        return sorted(options)
    match command:
        case "daemon":
            return ["status", "logs", "install"] if not given else []
        case "completion":
            return list(SCRIPTS)
        case "get":
            return list(KINDS) if not given else _keys(given[0])
        case "delete":
            return list(SINGULAR) if not given else _keys(given[0])
        case "scale":
            return [] if given else _keys("team")
        case "shift":
            return [*VERBS, *_keys("team")] if not given else _keys("team") if given[-1] in VERBS else []
        case "export":
            return [] if given else [*_keys("workspace"), *_keys("team")]
        case "capture" | "logs":
            return [] if given else _keys("session")
        case _ if command in TO_A_PROCESS:
            teams = _keys("team") if command == "inject" else []
            return [] if given else [*_keys("session", alive=True), *teams]
        case _ if command in SESSION_OR_TEAM:
            if command == "describe" and given and given[0] in SINGULAR:
                return _keys(given[0])
            kinds = list(SINGULAR) if command == "describe" and not given else []
            return [*kinds, *_keys("session"), *_keys("team")] if not given else []
    return []


def _options(words: list[str]) -> dict[str, str | None]:
    """Return the options of a command, as it declares them: by name, the metavar of its value, if it has one.

    Typer is imported only when one is typed or a value of one is wanted: that takes longer than all the rest.
    """
    if not any(word.startswith("-") for word in words[1:]):
        return {}
    from marvel.cli.app import made
    from marvel.cli.catalog import COMMANDS

    if words[0] not in COMMANDS:
        return {}
    command = made(words[0], COMMANDS[words[0]])
    command = getattr(command, "commands", {}).get(words[1], command)
    found: dict[str, str | None] = {}
    for option in command.params:
        if option.param_type_name == "option":
            value = None if option.is_flag or option.count else (option.metavar or "")
            found |= dict.fromkeys((*option.opts, *option.secondary_opts), value)
    return found


def _given(words: list[str], options: dict[str, str | None]) -> list[str]:
    """Return the arguments before the last word, without options and their values."""
    places = range(1, len(words) - 1)
    found = [at for at in places if not words[at].startswith("-") and options.get(words[at - 1]) is None]
    return [words[at] for at in found]


def _values(option: str, metavar: str, given: list[str]) -> list[str]:
    """Return what an option may be set to; nothing when that can't be guessed."""
    match option:
        case "--for":
            return list(CONDITIONS)
        case "-o" | "--output":
            return metavar.split("|")
        case "--session":
            return _keys("session")
        case "--kind":
            from marvel.events import KINDS as EVENTS

            return sorted(EVENTS)
        case "--workspace":
            return _keys("workspace")
        case "--team":
            if "KEY" in metavar:
                return _keys("team")
            return sorted({key.partition("/")[2] for key in _keys("team")})
        case "--role":
            team = next((word for word in given if "/" in word), "")
            return sorted(
                {row["name"] for row in _rows("roles") if team in ("", f"{row['workspace']}/{row['team']}")}
            )
        case "--state":
            from marvel.cli.request import STATES

            return list(STATES)
    return []


def _keys(kind: str, *, alive: bool = False) -> list[str]:
    """Keys of a kind that are in a plain listing, or only those of sessions that are alive."""
    match kind.rstrip("s") if kind != "s" else kind:
        case "session" | "s":
            from marvel.cli.objects import ALIVE, is_listed

            rows = [row for row in _rows("sessions") if is_listed(row)]
            rows = [row for row in rows if not alive or row["state"] in ALIVE]
            return sorted(f"{row['workspace']}/{row['name']}" for row in rows)
        case "team" | "t":
            return sorted(f"{row['workspace']}/{row['name']}" for row in _rows("teams"))
        case "workspace" | "w":
            return sorted(row["name"] for row in _rows("workspaces"))
        case "endpoint" | "e":
            return sorted(f"{row['workspace']}/{row['name']}" for row in _rows("endpoints"))
    return []


def _rows(table: str) -> list[dict[str, Any]]:
    from marvel.settings import paths
    from marvel.store.query import Reader

    with Reader(paths()) as reader:
        return reader.rows(table)
