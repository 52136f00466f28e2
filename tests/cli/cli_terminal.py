"""A person at a terminal: command lines in, text and status out, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from marvel.__main__ import run
from marvel.cli.app import run_typer
from marvel.cli.errors import bounded
from marvel.events import Ref


class Terminal:
    """Calls marvel as a person would, with one state directory."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.sessions: dict[str, Ref] = {}
        self._capsys = capsys

    def __call__(self, line: str, *, status: int = 0) -> str:
        """What a command line prints; it must end with this status."""
        out, err, ended = self.full(line)
        assert ended == status, err
        return out

    def error(self, line: str, status: int) -> str:
        """What a command line that fails says."""
        out, err, ended = self.full(line)
        assert (ended, out) == (status, "")
        return err

    def full(self, line: str, *, typer: bool = False) -> tuple[str, str, int]:
        """Standard output, standard error and status, by either lane."""
        self._capsys.readouterr()
        lane = run_typer if typer else run
        status = bounded(lambda: lane(line.split()))
        return (*self._capsys.readouterr(), status)
