"""Commands of a manifest that can't be executed here."""

import os
import shutil

from marvel.resources import Manifest, RuntimeSpec

BUILT_IN = "simulator"  # marvel's own agent: always there


def missing_commands(manifest: Manifest, path: str) -> list[str]:
    """One line per role whose command is not in `path`, or is no executable file."""
    return [
        f"team {team.name}, role {role.name}: command {trouble}"
        for team in manifest.teams
        for role in team.roles
        if (trouble := _trouble(role.template.runtime, path))
    ]


def _trouble(runtime: RuntimeSpec, path: str) -> str:
    command = runtime.command or runtime.image
    if BUILT_IN in (runtime.image, os.path.basename(command)):
        return ""
    if "/" not in command:
        if shutil.which(command, path=path):
            return ""
        arguments = ", its arguments belong in args" if " " in command else ""
        return f"{command} not found{arguments}"
    if not os.path.exists(command):
        return f"{command} not found"
    if os.path.isdir(command):
        return f"{command} is a directory"
    return "" if os.access(command, os.X_OK) else f"{command} is not executable"
