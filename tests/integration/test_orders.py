"""Commands through the running daemon, and without it: the same words, once."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from marvel.settings import Paths
from tests.integration.home import Home, fork_marvel, put_new_log
from tests.integration.manifests import SLEEP, STUBBORN, manifest, role

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


def test_a_restart_is_waited_for_though_its_sessions_are_young(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(TEXT), "--wait")
    home.kill_daemon()
    done = home.marvel("restart", "w/t", "--wait", "--timeout", "1s", ok=False)
    assert (done.returncode, done.stdout) == (3, "w/t restarting\n")


def test_where_no_name_can_be_recorded_is_said(home: Home) -> None:
    odd = home.path / os.fsdecode(b"\xff")
    odd.mkdir()
    for argv, why in (
        (("run", "--", "true"), "the working directory has a name that is not UTF-8"),
        (("work", "-"), "lies in a directory whose name is not UTF-8"),
    ):
        done = fork_marvel(argv, home.environ, odd, TEXT)
        assert done.returncode in (1, 2)
        assert why in done.stderr
        assert "internal" not in done.stderr


def test_a_wait_is_for_what_was_asked_also_of_one_that_is_on_its_way(home: Home) -> None:
    home.start()
    deaf = manifest(role(*STUBBORN, sections='[team.role.stop]\ngrace = "1500ms"'))
    home.marvel("work", home.write(deaf), "--wait")
    (row,) = home.running(1)
    home.marvel("kill", "w/t-r-g1-0")
    assert home.marvel("kill", row["uid"], "--wait").stdout.endswith("is already stopping\n")
    assert [event["uid"] for event in home.events("session.ended")] == [row["uid"]]


@pytest.mark.parametrize("answer", [{"done": 1}, {"said": 7}, {"refused": {"kind": "X"}}, [], None])
def test_what_another_version_answers_is_no_fault(home: Home, answer: object) -> None:
    """The order is carried out here, under the same command id."""
    put_new_log(home.path)
    with replying(home, {"result": answer}):
        done = home.marvel("work", home.write(manifest(role(*SLEEP, replicas=0))))
    assert done.stdout.startswith("+ workspace w\n")


@contextlib.contextmanager
def replying(home: Home, answer: object) -> Iterator[None]:
    """Something at the daemon's socket that answers each request the same."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(Paths(str(home.path)).socket)
        listening.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with listening.accept()[0] as peer:
                        peer.recv(65536)
                        peer.sendall(json.dumps(answer).encode() + b"\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


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
