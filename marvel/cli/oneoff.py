"""The words of `marvel run`: names and variables checked, paths made absolute. For both lanes."""

from __future__ import annotations

import os

from marvel.errors import UsageError

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any


def arguments(
    argv: list[str], *, role: str, team: str, workspace: str, cwd: str | None, env: list[str]
) -> dict[str, Any]:
    """What an order to run is made of. Raises UsageError."""
    variables = _variables(env)
    for name, limit in ((workspace, 30), (team, 63), (role, 63)):
        _check_name(name, limit)
    command = os.path.abspath(argv[0]) if "/" in argv[0] else argv[0]
    return {
        "argv": (command, *argv[1:]),
        "team": team,
        "role": role,
        "in_workspace": workspace,
        "cwd": os.path.abspath(cwd or os.getcwd()),
        "env": variables,
    }


def _variables(pairs: list[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or "\0" in value or name.startswith("MARVEL_"):
            raise UsageError(f"--env {pair.partition('=')[0]!r} is not NAME=VALUE of your own")
        variables[name] = value
    return variables


def _check_name(name: str, limit: int) -> None:
    ok = name.replace("-", "a").isalnum() and name == name.lower() and name.isascii()
    if not ok or name[0] == "-" or name[-1] == "-" or len(name) > limit:
        raise UsageError(
            f"{name!r} is not a name", hint=f"letters a-z, digits and inner dashes, at most {limit}"
        )
