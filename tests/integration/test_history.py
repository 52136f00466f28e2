"""The log as a user sees it, with a real daemon: why, looking back, copies of a log that is written to."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role


def why(home: Home, key: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(home.marvel("why", key, "-o", "json").stdout)
    return told


def test_without_tmux_sessions_are_pending_and_start_once_it_is_there(home: Home) -> None:
    programs = home.path / "bin"
    programs.mkdir()
    for name in ("tmux", "sleep", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    path, home.environ["PATH"] = home.environ["PATH"], str(programs)
    home.start()
    home.environ["PATH"] = path
    os.rename(programs / "tmux", programs / "tmux-later")
    home.marvel("work", home.write(manifest(role(*SLEEP))))
    until(lambda: home.events("session.start-delayed"), "the delay is recorded", home.describe)
    told = why(home, "w/t-r-g1-0")
    assert (told["state"], told["because"]) == ("pending", "tmux can't be used: tmux is not installed")
    assert home.events("tmux.server-lost") == []
    os.rename(programs / "tmux-later", programs / "tmux")
    home.running(1)


def test_the_chain_of_causes_of_a_shifted_session_goes_back_to_who_asked(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    home.marvel("shift", "w/t", "--wait")
    told = why(home, "w/t-r-g2-0")
    kinds = [event["kind"] for event in told["chain"]]  # type: ignore[attr-defined]
    assert kinds[0] == "shift.requested"
    assert kinds[-2:] == ["session.scheduled", "session.started"]
    assert str(told["actor"]).startswith("user:")
    gone = why(home, "w/t-r-g1-0")
    assert "took over its work, in a shift" in json.dumps(gone["not_done"])


def test_a_log_is_backed_up_and_archived_while_agents_run(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))), "--wait")
    copy = home.path / "copy.db"
    home.marvel("backup", str(copy))
    home.marvel("archive", "--before", "8")
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "4")
    home.running(4)
    home.marvel("verify")
    home.kill_daemon()
    _throw_away_rows(home.path / "marvel.db")
    home.marvel("rebuild")
    home.marvel("rebuild", "--check")
    home.start()
    assert len({row["pid"] for row in home.running(4)}) == 4
    assert home.events("session.ended") == []


def test_a_restored_log_is_gone_on_from_and_unknown_agents_are_ended(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    kept = {row["pid"] for row in home.running(2)}
    copy = home.path / "copy.db"
    home.marvel("backup", str(copy))
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
    home.running(3)
    refused = home.marvel("restore", str(copy), ok=False)
    assert (refused.returncode, "another daemon runs here" in refused.stderr) == (1, True)
    home.marvel("stop", "--keep-sessions")
    assert home.daemon is not None
    home.daemon.wait(timeout=30)
    told = home.marvel("restore", str(copy))
    assert "w/t-r-g1-2: unknown to this log" in told.stderr
    home.start()
    assert {row["pid"] for row in home.running(2)} == kept
    until(lambda: len(home.processes()) == 2, "the unknown agent is ended")
    assert home.events("log.restored")[0]["actor"].startswith("user:")


def _throw_away_rows(database: Path) -> None:
    with sqlite3.connect(database) as log:
        log.executescript(
            "DELETE FROM sessions; DELETE FROM roles; DELETE FROM cohorts; DELETE FROM snapshots"
        )
    log.close()
