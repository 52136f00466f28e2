"""Commands through the running daemon, and without it: the same words, once."""

import os
import signal

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
