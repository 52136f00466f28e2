"""What `marvel doctor` says of each agent CLI that the declared teams use."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from string import Template as Text
from typing import NamedTuple

from marvel.resources import Template
from marvel.runtimes import Adapter, adapter_of
from marvel.runtimes.values import version

ASK_SECONDS = 10.0


class Found(NamedTuple):
    """One agent CLI as the daemon would find it."""

    adapter: Adapter
    command: str
    path: str
    version: tuple[int, ...]  # empty: it does not tell
    login: str  # where one was found; empty: nowhere


def used(templates: Iterable[Template], environ: Mapping[str, str]) -> Iterator[Found]:
    """The agent CLIs of some templates, each once; those that are not there are left to others to name."""
    commands = {}
    for template in templates:
        adapter, command = adapter_of(template), template.runtime.command or template.runtime.image
        if adapter.signals:
            commands[adapter.name, command] = adapter
    for (_, command), adapter in sorted(commands.items(), key=lambda item: item[0]):
        path = shutil.which(command, path=environ.get("PATH", os.defpath))
        if path is not None:
            yield Found(adapter, command, path, _asked(path, adapter, environ), _login(adapter, environ))


def words(numbers: tuple[int, ...]) -> str:
    """A version as people write it."""
    return ".".join(map(str, numbers)) if numbers else "of unknown version"


def _asked(path: str, adapter: Adapter, environ: Mapping[str, str]) -> tuple[int, ...]:
    """What `--version` says. A wrapper of another name is not run: who knows what it does with that."""
    if os.path.basename(path) != adapter.name:
        return ()
    try:
        done = subprocess.run(
            [path, "--version"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return version(done.stdout)


def _login(adapter: Adapter, environ: Mapping[str, str]) -> str:
    """The variable or file that makes a login likely."""
    login = adapter.login
    if login is None:
        return ""
    for name in login.variables:
        if environ.get(name):
            return name
    for pattern in login.files:
        path = Text(pattern).safe_substitute(environ)
        if "$" not in path and os.path.exists(path):
            return path
    return ""
