"""`marvel daemon install`: a systemd user unit whose stop leaves the agents alive."""

import os
import sys
from pathlib import Path

from marvel.cli.door import check_person
from marvel.cli.get import show
from marvel.errors import Rejected
from marvel.settings import paths
from marvel.store.query import Reader
from marvel.text import is_plain

# KillMode=process: only the daemon gets the signal. tmux servers and agents stay in the unit's control
# group, and the next start adopts them.
UNIT = """\
[Unit]
Description=marvel, a control plane for AI agent sessions

[Service]
ExecStart={python} -P -m marvel daemon
# Agents get the environment of this unit. What a role names in env_from (an API key) has to be in it, too:
# put NAME=VALUE lines into the file below (mode 0600), or use systemctl --user import-environment NAME.
Environment={home}
Environment={path}
EnvironmentFile=-{file}
KillMode=process
Restart=on-failure
RestartSec=1

[Install]
WantedBy=default.target
"""


def install(*, force: bool) -> None:
    """Write the unit and say how to start it. Raises Rejected when another unit is in its place."""
    check_person("daemon install")
    home = paths().home
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    file = os.path.join(config, "marvel", "environment")
    text = UNIT.format(
        python=quoted(sys.executable).replace("$", "$$"),  # variables expand in command lines alone
        home=quoted(f"MARVEL_HOME={home}"),
        path=quoted(f"PATH={os.environ.get('PATH', os.defpath)}"),
        file=_checked(file).replace("%", "%%"),  # this setting takes the rest of the line as it stands
    )
    unit = Path(config) / "systemd" / "user" / "marvel.service"
    if unit.exists() and unit.read_text(encoding="utf-8") != text and not force:
        raise Rejected(f"{unit} exists and differs", hint="--force replaces it")
    unit.parent.mkdir(parents=True, exist_ok=True)
    fresh = unit.with_name(f"{unit.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(unit)
    show(
        f"{unit}\n"
        "systemctl --user daemon-reload && systemctl --user enable --now marvel\n"
        "loginctl enable-linger    # so that it survives your logout\n"
    )
    names = _needed()
    if names:
        show(
            f"agents need {' '.join(names)} (env_from): put NAME=VALUE lines into {file}, chmod 600 {file}\n"
        )


def _needed() -> list[str]:
    """Return the variables that recorded roles take from the daemon's environment."""
    with Reader(paths()) as reader:
        roles = reader.rows("roles")
    runtimes = [role["spec"].get("template", {}).get("runtime", {}) for role in roles]
    return sorted({name for runtime in runtimes for name in runtime.get("env_from", ())})


def quoted(text: str) -> str:
    """Return one word of a unit file: in quotes, since a path may have a space; `%` begins a specifier."""
    text = _checked(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'


def _checked(text: str) -> str:
    if not is_plain(text):
        raise Rejected(f"{text!r} cannot stand in a unit file", hint="use a path without control characters")
    return text
