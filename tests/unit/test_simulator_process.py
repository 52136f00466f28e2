"""The simulator as a process: in a pipe, in a pseudo-terminal, with and without a daemon."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

PATIENCE_SECONDS = 10


class Agent:
    """A running simulator and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: int, keyboard: int) -> None:
        self.process = process
        self.seen = ""
        self._output = output
        self._keyboard = keyboard

    def see(self, text: str, times: int = 1) -> None:
        """Wait until it has printed `text`."""
        deadline = monotonic() + PATIENCE_SECONDS
        while self.seen.count(text) < times:
            assert select.select([self._output], [], [], max(0, deadline - monotonic()))[0], self.seen
            chunk = os.read(self._output, 65536).decode(errors="replace")
            assert chunk, f"ended without {text!r}: {self.seen!r}"
            self.seen += chunk

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def status(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)


class Starter:
    """Starts simulators and ends each of them after the test, whatever happened."""

    def __init__(self) -> None:
        self._agents: list[Agent] = []
        self._descriptors: list[int] = []

    def piped(self, *argv: str) -> Agent:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        return self._start(argv, theirs_in, theirs_out, output=ours_in, keyboard=ours_out)

    def on_terminal(self, *argv: str) -> Agent:
        ours, theirs = pty.openpty()
        return self._start(argv, theirs, theirs, output=ours, keyboard=ours)

    def _start(self, argv: tuple[str, ...], stdin: int, stdout: int, *, output: int, keyboard: int) -> Agent:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("MARVEL_")}
        command = [sys.executable, "-m", "marvel.simulator", *argv]
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stdout, env=environ, start_new_session=True
        )
        for descriptor in {stdin, stdout}:
            os.close(descriptor)
        self._descriptors += {output, keyboard}
        agent = Agent(process, output, keyboard)
        self._agents.append(agent)
        return agent

    def close(self) -> None:
        for agent in self._agents:
            agent.process.kill()
            agent.process.wait()
        for descriptor in self._descriptors:
            os.close(descriptor)


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.close()


class Daemon:
    """The other end of the socket: takes beats one by one and answers as told."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._listener.settimeout(PATIENCE_SECONDS)

    def beat(self, answer: bytes = b'{"result":{"status":"ok"}}\n') -> dict[str, Any]:
        """The next beat's parameters. A beat that its sender gave up on counts too."""
        connection, _ = self._listener.accept()
        with connection:
            request = json.loads(connection.recv(65536))
            with suppress(BrokenPipeError):
                connection.sendall(answer)
        assert request["method"] == "heartbeat"
        params: dict[str, Any] = request["params"]
        return params

    def quiet_for(self, seconds: float) -> bool:
        return not select.select([self._listener], [], [], seconds)[0]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    peer = Daemon(tmp_path / "s")
    yield peer
    peer.close()


def test_it_beats_at_once_and_then_with_each_tick_with_a_growing_context(
    start: Starter, daemon: Daemon
) -> None:
    start.piped("--tick", "20", "--socket", daemon.path, "--workspace", "w", "--name", "a-1")

    beats = [daemon.beat() for _ in range(4)]

    assert all(beat["session_key"] == "w/a-1" and beat["state"] == "working" for beat in beats)
    assert beats[0]["context_percent"] == 0
    percents = [beat["context_percent"] for beat in beats]
    assert percents == sorted(set(percents))


def test_a_refused_beat_is_shown_and_the_next_one_clears_it(start: Starter, daemon: Daemon) -> None:
    agent = start.piped("--tick", "20", "--socket", daemon.path, "--name", "a-1")

    daemon.beat(b'{"error":"unknown session a-1"}')
    agent.see("working no beat: refused: unknown session a-1\n")
    for _ in range(2):
        daemon.beat()
    agent.see("working\n")


def test_a_daemon_that_is_gone_or_silent_does_not_stop_the_agent(
    start: Starter, daemon: Daemon, tmp_path: Path
) -> None:
    gone = start.piped("--tick", "20", "--socket", str(tmp_path / "nothing"))
    silent = start.piped("--tick", "20", "--socket", daemon.path)

    gone.see("no beat: No such file or directory\n", times=3)
    silent.see("no beat: timed out\n", times=2)


def test_it_hangs_on_usr1_and_goes_on_with_usr2(start: Starter, daemon: Daemon) -> None:
    agent = start.piped("--tick", "20", "--socket", daemon.path, "--growth", "0", "0")
    daemon.beat()

    agent.send(signal.SIGUSR1)
    while not daemon.quiet_for(0.3):
        daemon.beat()
    agent.see("hung\n")
    assert agent.process.poll() is None

    agent.send(signal.SIGUSR2)
    daemon.beat()


def test_it_hangs_when_told_to_and_can_still_be_ended(start: Starter) -> None:
    agent = start.piped("--tick", "20", "--hang-after", "0.1")

    agent.see("hung\n")
    agent.send(signal.SIGTERM)

    assert agent.status() == 143


def test_it_ends_when_told_to_with_the_status_it_was_told(start: Starter) -> None:
    agent = start.piped("--exit-after", "0", "--exit-code", "7")

    assert agent.status() == 7


def test_term_and_interrupt_end_it_with_a_shells_statuses(start: Starter) -> None:
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        agent = start.piped()
        agent.see("tick 0")
        agent.send(number)
        agent.see(f"goodbye ({number.name})\n")
        assert agent.status() == status


def test_it_can_be_told_to_ignore_term_and_hangup(start: Starter) -> None:
    agent = start.piped("--ignore-term", "--tick", "20")
    agent.see("tick 0")

    agent.send(signal.SIGTERM)
    agent.send(signal.SIGHUP)
    agent.see("working\n", times=agent.seen.count("working\n") + 3)

    assert agent.process.poll() is None


def test_it_says_which_arguments_and_scripts_it_does_not_use(start: Starter, tmp_path: Path) -> None:
    script = tmp_path / "chaos.py"
    script.write_text("")

    agent = start.piped("--exit-after", "0", "--model", "sonnet", "--script", str(script))
    agent.see("ignored, unknown to the simulator: --model sonnet\n")
    agent.see(f"script {script} has no function on_tick(pct, tick)\n")
    assert agent.status() == 0

    agent = start.piped("--script", f"{script}.lua", "--tick", "20")
    agent.see(f"script not found: {script}.lua\n")
    agent.see("tick 2 ")


def test_a_closed_output_and_the_end_of_the_input_do_not_end_it(start: Starter, daemon: Daemon) -> None:
    command = [sys.executable, "-m", "marvel.simulator", "--tick", "20", "--socket", daemon.path]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.close()
            for _ in range(5):
                daemon.beat()
            assert process.poll() is None
        finally:
            process.kill()


def test_an_output_that_nobody_reads_does_not_delay_it(start: Starter, daemon: Daemon) -> None:
    agent = start.on_terminal("--tick", "10", "--socket", daemon.path)
    daemon.beat()

    for _ in range(60):  # far more than the terminal holds
        agent.type("x" * 1000 + "\r")
        daemon.beat()


def test_on_a_terminal_the_status_is_redrawn_in_place_and_typed_lines_stay_above_it(start: Starter) -> None:
    agent = start.on_terminal("--tick", "20", "--name", "a-1", "--generation", "3")

    agent.see("\r\x1b[Ja-1 g3 [")
    agent.type("hello; #{pane_id}")
    agent.see("> hello; #{pane_id}")
    agent.type("\r")
    agent.see("received: hello; #{pane_id}\r\n")
    agent.see("tick 9")

    assert agent.seen.count("received:") == 1
    assert "hello; #{pane_id}\r\nhello" not in agent.seen


def test_from_a_pipe_it_takes_lines_too(start: Starter) -> None:
    agent = start.piped("--tick", "1000")
    agent.see("tick 0")

    agent.type("one\ntwo\n")

    agent.see("received: one\nreceived: two\n")
