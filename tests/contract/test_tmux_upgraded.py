"""Another tmux is installed while a server runs: the server's own program is used, or both are named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tmux_rig import Rig

from marvel.tmux import Failed, call, program_for
from marvel.tmux.processes import listener

# As a tmux 3.6 behaves towards an older server: plain commands are answered, a control client is not.
NEWER = """#!/bin/sh
[ "$1" = -V ] && {{ echo "tmux 9.9"; exit; }}
for word; do [ "$word" = -C ] && exec sleep 1000; done
exec {real} "$@"
"""


@pytest.fixture
def upgraded(rig: Rig) -> dict[str, str]:
    """A server with a pane, started by a tmux that is replaced: the environment with the new one on PATH."""
    old, new = rig.directory / "old", rig.directory / "new"
    old.mkdir()
    new.mkdir()
    real = shutil.which("tmux") or ""
    shutil.copy(real, old / "tmux")
    (new / "tmux").write_text(NEWER.format(real=real))
    (new / "tmux").chmod(0o700)
    rest = os.environ["PATH"]
    rig.server = rig.open(rig.connect({"PATH": f"{old}:{rest}", "HOME": "/"}))
    rig.create("sleep", "1000")
    rig.server.close()
    return {"PATH": f"{new}:{rest}", "HOME": "/"}


def test_a_server_is_talked_to_by_its_own_program_even_when_its_file_is_gone(
    rig: Rig, upgraded: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (rig.directory / "old" / "tmux").unlink()
    pid = listener(rig.socket)
    rig.server = rig.open(rig.connect(upgraded))
    assert (rig.server.pid, len(rig.panes()), rig.downs) == (pid, 1, [])
    rig.create("sleep", "1000")
    assert Path(f"/proc/{rig.client()}/exe").samefile(f"/proc/{pid}/exe")
    monkeypatch.setenv("PATH", upgraded["PATH"])
    assert program_for(rig.socket) == f"/proc/{pid}/exe"


def test_two_versions_that_cannot_talk_are_named(rig: Rig, upgraded: dict[str, str]) -> None:
    (rig.directory / "old" / "tmux").chmod(0)  # it can't be run any more, as without its libraries
    pid, version = listener(rig.socket), rig.tmux("display-message", "-p", "#{version}").strip()
    words = f"server ws is tmux {version} (pid {pid}), tmux on PATH is 9.9: they cannot talk"
    server = rig.connect(upgraded)
    server.open(start=True)
    rig.until(lambda: server.fileno() is not None, server)
    rig.skew += 6  # it stays silent
    rig.until(lambda: rig.downs, server)
    assert (rig.downs, server.gone) == ([words], False)
    asked = call(rig.connect(upgraded), rig.server.panes, timeout=0.1)
    assert isinstance(asked, Failed)


def test_the_tmux_on_path_is_used_where_the_server_runs_the_same(up: Rig) -> None:
    assert program_for(up.socket) == "tmux"
    assert program_for(up.directory / "nothing") == "tmux"
