"""The words of `marvel run`: names and variables checked, paths made absolute. For both lanes."""

from __future__ import annotations

import os

from marvel import keys
from marvel.errors import UsageError

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any


def arguments(
    argv: list[str], *, role: str, team: str, workspace: str, cwd: str | None, env: list[str]
) -> dict[str, Any]:
    """What an order to run is made of. Raises UsageError."""
    variables = _variables(env)
    directory = os.path.abspath(cwd or os.getcwd())
    if not keys.is_text(directory):
        raise UsageError("the working directory has a name that is not UTF-8", hint="--cwd DIRECTORY")
    keys.check_names(workspace, team, role)
    command = os.path.abspath(argv[0]) if "/" in argv[0] else argv[0]
    return {
        "argv": (command, *argv[1:]),
        "team": team,
        "role": role,
        "in_workspace": workspace,
        "cwd": directory,
        "env": variables,
    }


def _variables(pairs: list[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        keys.check_variable(name, value if equals else None)
        variables[name] = value
    return variables
