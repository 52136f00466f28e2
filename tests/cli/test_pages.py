"""Every command of the documentation is typed, page by page, and what a page shows is what is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from transcript import Typed, Written, blocks, pattern

from tests.integration.home import Home

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if any(isinstance(block, Typed) for block in blocks(page))
]
COMMAND_SECONDS = 60


class Desk:
    """Where a reader sits: a directory of their own with the examples in it, and a shell."""

    def __init__(self, home: Home) -> None:
        self.directory = home.path / "desk"
        self.directory.mkdir()
        (self.directory / "examples").symlink_to(ROOT / "examples")
        self._environ = {
            **{name: value for name, value in home.environ.items() if name != "XDG_CONFIG_HOME"},
            "HOME": str(self.directory),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "LOGNAME": "ann",
        }

    def write(self, file: Written) -> None:
        path = self.directory / file.name.replace("~", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")

    def type(self, command: str) -> tuple[str, int]:
        """What a terminal shows after a command, and its exit status."""
        done = subprocess.run(
            ["bash", "-c", command],
            env=self._environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        return done.stdout, done.returncode


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_what_is_seen(home: Home, page: Path) -> None:
    desk = Desk(home)
    for block in blocks(page):
        if isinstance(block, Written):
            desk.write(block)
            continue
        shown, status = desk.type(block.command)
        told = f"$ {block.command}\n{shown}[exit {status}]"
        assert pattern(block.seen).fullmatch(shown), told
        assert (status != 0) == any(line.startswith("error: ") for line in shown.splitlines()), told
