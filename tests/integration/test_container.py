"""The daemon as the first process of a container."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.home import MARVEL, Home, until
from tests.integration.manifests import manifest, role

ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
CONTAINER = ["unshare", *ROOT, "--pid", "--fork", "--mount-proc", "--kill-child"]


def fields(pid: str) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return ["", "0"]


def children(parent: int) -> list[tuple[int, str]]:
    """Pid and state of each."""
    found = [(pid, fields(pid)) for pid in os.listdir("/proc") if pid.isdigit()]
    return [(int(pid), words[0]) for pid, words in found if words[1] == str(parent)]


def test_as_process_1_it_reaps_and_term_stops_the_agents(home: Home) -> None:
    if subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no pid namespace can be made here")
    container = subprocess.Popen([*CONTAINER, *MARVEL, "daemon"], env=home.environ, cwd=home.path)
    try:
        until((home.path / "marvel.sock").exists, "the daemon answers")
        leaves = "trap 'echo asked >> ended; exit 0' TERM; while :; do (sleep 0.01 &) ; sleep 0.05; done"
        home.marvel("work", home.write(manifest(role("sh", "-c", leaves))), "--wait")
        [(first, _)] = children(container.pid)
        until(lambda: len(home.events("session.started")) == 1, "it runs", home.describe)
        until(lambda: len([one for one in children(first) if one[1] == "Z"]) <= 2, "they are reaped")
        os.kill(first, signal.SIGTERM)
        assert container.wait(30) == 0
        assert (home.path / "ended").read_text() == "asked\n"
        assert home.events("daemon.stopped")[-1]["payload"]["reason"] == "stop"
    finally:
        container.kill()
        container.wait()
