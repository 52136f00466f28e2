"""A person's own configuration of tmux, looked at before a server is started with it.

tmux drops a whole file for one line that it can't parse, and tells nobody who is not attached.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

PARSE_SECONDS = 10.0  # for a tmux that reads a file and ends


def conf_problem(conf: Path) -> str:
    """Why tmux would not take a configuration, in its own words with the line; empty when it would.

    The file is only parsed: nothing in it is run.
    """
    with tempfile.TemporaryDirectory(prefix="marvel-") as directory:
        argv = ["tmux", "-S", f"{directory}/s", "-f", "/dev/null", "start-server", ";"]
        try:
            done = subprocess.run(
                [*argv, "source-file", "-n", str(conf)],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=PARSE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return ""  # tmux can't be asked; what is started next tells why
    if done.returncode == 0:
        return ""
    said = (done.stdout + done.stderr).decode(errors="replace").split("\n")
    return next((line.strip() for line in said if str(conf) in line), "")
