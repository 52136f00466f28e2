"""What can't be looked at is unknown, and unknown is not gone."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from marvel.daemon import processes
from marvel.daemon.machine import Machine
from marvel.daemon.processes import UID_VARIABLE
from marvel.shortages import is_gone, is_unknown, shortage, shortage_in
from marvel.tmux import processes as around_tmux
from marvel.tmux.filelimit import FileLimit


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Every open() fails with EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def agent() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(["sleep", "60"], env={UID_VARIABLE: "u1", "PATH": os.defpath})
    yield started
    started.kill()
    started.wait()


def test_a_process_can_not_be_looked_at_without_a_descriptor_and_is_not_called_gone(
    agent: subprocess.Popen[bytes],
) -> None:
    for look in (processes.open_handle, processes.look_at):
        with no_descriptor_left(), pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            look(agent.pid)
        assert look(agent.pid) is not None
    agent.kill()
    agent.wait()
    assert processes.look_at(agent.pid) is None
    assert processes.open_handle(agent.pid) is None


def test_a_proc_that_does_not_show_this_process_says_nothing_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marvel.daemon.processes.os.listdir", lambda _path: ["1", "version"])
    with pytest.raises(OSError, match="not mounted"):
        processes.belonging_to({"u1": None})


def test_ending_a_process_needs_no_descriptor_that_is_not_held_already(
    agent: subprocess.Popen[bytes],
) -> None:
    machine = Machine(FileLimit())
    with no_descriptor_left():
        found = machine.belonging_to({"u1": None}, others=(), known={})
        assert [process.pid for process in found["u1"]] == [agent.pid]
        machine.send(found["u1"], signal.SIGTERM)
    assert agent.wait(10) == -signal.SIGTERM


def test_whether_a_tmux_server_runs_is_not_known_without_a_descriptor(
    agent: subprocess.Popen[bytes], tmp_path: os.PathLike[str]
) -> None:
    from pathlib import Path

    path = Path(tmp_path, "w.sock")
    with no_descriptor_left():
        assert around_tmux.listener(path) == 0
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            around_tmux.hidden_server(path)
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            around_tmux.ServerProcess(agent.pid)
    assert around_tmux.listener(path) is None
    assert around_tmux.hidden_server(path) is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM])
def test_only_enoent_and_esrch_mean_gone(number: int) -> None:
    assert is_unknown(OSError(number, ""))
    assert not is_gone(OSError(number, ""))
    assert is_gone(OSError(errno.ENOENT, ""))
    assert is_gone(OSError(errno.ESRCH, ""))


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("create window failed: fork failed: Resource temporarily unavailable", "processes"),
        ("create window failed: fork failed: No space left on device", "pseudo-terminals"),
        ("create window failed: fork failed: Cannot allocate memory", "memory"),
        ("no file for the text: No space left on device", "disk space"),
        ("create window failed: index in use", ""),
    ],
)
def test_a_shortage_is_named_from_what_tmux_prints(message: str, what: str) -> None:
    assert shortage_in(message) == (f"the machine is short of {what}" if what else "")
    assert (
        shortage(OSError(errno.EMFILE, "")) == "the machine is short of open files (the limit of one process)"
    )
    assert shortage(OSError(errno.EACCES, "")) == ""
