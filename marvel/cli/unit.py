"""`marvel daemon install`: a systemd user unit whose stop leaves the agents alive."""

import os
import sys
from pathlib import Path

from marvel.cli.door import check_person
from marvel.cli.get import show
from marvel.errors import Rejected
from marvel.settings import paths

# KillMode=process: only the daemon gets the signal. tmux servers and agents stay in the unit's control
# group, and the next start adopts them.
UNIT = """\
[Unit]
Description=marvel, a control plane for AI agent sessions

[Service]
ExecStart={python} -P -m marvel daemon
Environment="MARVEL_HOME={home}"
Environment="PATH={path}"
KillMode=process
Restart=on-failure
RestartSec=1

[Install]
WantedBy=default.target
"""


def install(*, force: bool) -> None:
    """Write the unit and say how to start it. Raises Rejected when another unit is in its place."""
    check_person("daemon install")
    text = UNIT.format(
        python=_escaped(sys.executable),
        home=_escaped(paths().home),
        path=_escaped(os.environ.get("PATH", os.defpath)),
    )
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    unit = Path(config) / "systemd" / "user" / "marvel.service"
    if unit.exists() and unit.read_text(encoding="utf-8") != text and not force:
        raise Rejected(f"{unit} exists and differs", hint="--force replaces it")
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(text, encoding="utf-8")
    show(
        f"{unit}\n"
        "systemctl --user daemon-reload && systemctl --user enable --now marvel\n"
        "loginctl enable-linger    # so that it survives your logout\n"
    )


def _escaped(text: str) -> str:
    """A value as a unit file wants it: `%` begins a specifier, quotes and backslashes are syntax."""
    return text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
