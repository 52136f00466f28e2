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
KINDS = ("sessions", "teams", "workspaces", "endpoints")
SINGULAR = ("session", "team", "workspace", "endpoint")
SESSION_OR_TEAM = ("restart", "wait", "describe", "why")
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
    given = [word for word in words[1:-1] if not word.startswith("-")]
    if before.startswith("-"):
        values = _values(before, given)
        if values is not None:
            return values
    match command:
        case "daemon":
            return ["status", "logs", "install"] if not given else []
        case "completion":
            return list(SCRIPTS)
        case "get":
            return list(KINDS) if not given else _keys(given[0])
        case "delete":
            return list(SINGULAR) if not given else _keys(given[0])
        case "scale" | "shift":
            return [] if given else _keys("team")
        case "export":
            return [] if given else [*_keys("workspace"), *_keys("team")]
        case "kill" | "capture" | "inject" | "attach" | "logs":
            return [] if given else _keys("session")
        case _ if command in SESSION_OR_TEAM:
            if command == "describe" and given and given[0] in SINGULAR:
                return _keys(given[0])
            kinds = list(SINGULAR) if command == "describe" and not given else []
            return [*kinds, *_keys("session"), *_keys("team")] if not given else []
    return []


def _values(option: str, given: list[str]) -> list[str] | None:
    """What an option may be set to; None when it takes no value, or one that can't be guessed."""
    match option:
        case "--for":
            return list(CONDITIONS)
        case "-o" | "--output":
            return ["table", "wide", "json", "name", "jsonl"]
        case "--workspace":
            return _keys("workspace")
        case "--team":
            return sorted({key.partition("/")[2] for key in _keys("team")})
        case "--role":
            team = next((word for word in given if "/" in word), "")
            return sorted(
                {row["name"] for row in _rows("roles") if team in ("", f"{row['workspace']}/{row['team']}")}
            )
        case "--state":
            from marvel.cli.request import STATES

            return list(STATES)
    return None


def _keys(kind: str) -> list[str]:
    """Live keys of a kind."""
    match kind.rstrip("s") if kind != "s" else kind:
        case "session" | "s":
            from marvel.cli.objects import is_listed

            rows = [row for row in _rows("sessions") if is_listed(row)]
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
