"""The peers, installed into a directory of the benchmark's own. A peer that can't be had is left out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON_PEERS = ("supervisor==4.3.0", "circus==0.19.0", "setuptools<81")  # supervisor wants pkg_resources
PM2 = "pm2@6"
INSTALL_SECONDS = 300


class Tools:
    """Where the peers' programs are."""

    def __init__(self, directory: Path, wanted: frozenset[str]) -> None:
        self._bin = directory / "venv" / "bin"
        self._node = directory / "node"
        if wanted & {"supervisor", "circus"}:
            self._install_python(directory / "venv")
        if "pm2" in wanted and shutil.which("npm"):
            self._quietly("npm", "install", "--no-audit", "--no-fund", "--prefix", str(self._node), PM2)

    def python_program(self, name: str) -> str | None:
        """A program of the peers' venv."""
        return _existing(self._bin / name)

    def pm2(self) -> str | None:
        """The program pm2."""
        return _existing(self._node / "node_modules" / ".bin" / "pm2")

    def _install_python(self, venv: Path) -> None:
        self._quietly(sys.executable, "-m", "venv", str(venv))
        self._quietly(str(self._bin / "pip"), "install", "-q", *PYTHON_PEERS)

    def _quietly(self, *argv: str) -> None:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, env=dict(os.environ)
        )
        if done.returncode != 0:
            print(f"not installed: {' '.join(argv[-3:])}: {done.stderr.strip()[-200:]}", file=sys.stderr)


def _existing(path: Path) -> str | None:
    return str(path) if path.exists() else None
