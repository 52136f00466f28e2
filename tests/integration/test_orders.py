"""Commands through the running daemon, and without it: the same words, once."""

import os
import signal
import subprocess
import sys

import pytest

from tests.integration.home import Home
from tests.integration.manifests import SLEEP, manifest, role

TEXT = manifest(role(*SLEEP, replicas=2))


def test_a_command_is_done_by_the_daemon_and_says_what_it_says_without_one(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(TEXT))
    home.running(2)
    with_daemon = [_outcome(home, line) for line in LINES]
    home.running(3)
    commands = [event["command"] for event in home.events("role.scaled")]
    home.kill_daemon()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "2")
    assert [_outcome(home, line) for line in LINES] == with_daemon
    assert commands[0] is not None
    home.whole()


def test_a_team_is_worked_and_deleted_by_the_daemon_as_without_one(home: Home) -> None:
    home.write(TEXT)
    home.write(TEXT.replace("replicas = 2", "replicas = 1"), "fewer.toml")
    home.write(LARGE, "large.toml")  # more than a daemon reads at once
    without = [_outcome(home, line) for line in LIFE]
    home.start()
    assert [_outcome(home, line) for line in LIFE] == without
    assert [status for status, _, _ in without] == [0, 0, 0, 1, 0, 0, 4, 0, 4, 0]
    home.whole()


@pytest.mark.parametrize("line", ["work m.toml --wait", "kill w/t-r-g1-0 --wait", "shift undo w/t", "stop"])
def test_who_has_a_daemon_do_it_never_imports_the_log(home: Home, line: str) -> None:
    home.start()
    home.write(TEXT)
    home.marvel("work", "m.toml", "--wait")
    code = "import sys; from marvel.__main__ import main; main(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *line.split()],
        env=home.environ,
        cwd=home.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    loaded = set(done.stdout.split())
    assert "marvel.client.asking" in loaded
    assert not {"sqlalchemy", "alembic", "structlog", "libtmux"} & loaded
    if line == "stop":
        assert home.daemon is not None
        assert home.daemon.wait(timeout=30) == 0


def test_a_daemon_that_does_not_answer_is_not_waited_for_and_does_it_never_again(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(TEXT))
    home.running(2)
    assert home.daemon is not None
    os.kill(home.daemon.pid, signal.SIGSTOP)
    try:
        done = home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
    finally:
        os.kill(home.daemon.pid, signal.SIGCONT)
    assert done.stdout == "w/t/r scaled to 3\n"
    home.running(3)
    assert len(home.events("role.scaled")) == 1


LARGE = manifest(role(*SLEEP, replicas=0, more=f'prompt = "{"x" * 70_000}"'), team="large")
LIFE = [
    "work m.toml",
    "work m.toml",
    "work fewer.toml --yes",
    "work m.toml fewer.toml",
    "work large.toml",
    "delete team w/t",
    "delete team w/t",
    "work m.toml --prune --yes",
    "delete endpoint w/e",
    "delete workspace w",
]
LINES = [
    "scale w/t --role r --replicas 3",
    "scale w/t --role r --replicas 3",
    "scale w/t --role r --replicas 3000",
    "scale w/t --role nobody --replicas 3",
    "scale w/nothing --role r --replicas 3",
    "scale w --role r --replicas 3",
    "kill w/nobody",
    "restart nobody",
    "shift w/nothing",
    "run --workspace Wrong sleep 1",
    "run --env MARVEL_TOKEN=x sleep 1",
    "run --env NOTHING sleep 1",
]


def _outcome(home: Home, line: str) -> tuple[int, str, list[str]]:
    """Exit status, output and errors of a command, but for the note that no daemon runs."""
    done = home.marvel(*line.split(), ok=False)
    said = [one for one in done.stderr.splitlines() if not one.startswith("no daemon is running")]
    return done.returncode, done.stdout, said
