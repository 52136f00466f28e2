"""What keeps the output of a pane: bounded, whole, and by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from marvel.tmux.writer import BLOCK_BYTES, DROPPED_BLOCKS, MAX_BYTES, writer

CHUNK = 64 * 1024


class Pipe:
    """A writer as tmux runs it: its standard input is a socket."""

    def __init__(self, log: Path) -> None:
        self.end, other = socket.socketpair()
        self.end.settimeout(20)
        self.process = subprocess.Popen(["sh", "-c", writer(str(log))], stdin=other)
        other.close()

    def close(self) -> int:
        self.end.close()
        return self.process.wait(timeout=20)


def numbered(size: int) -> bytes:
    """Bytes of which each part says where it was."""
    return b"".join(b"%015d\n" % number for number in range(size // 16))


def wait_for(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "it's 100% #1 $HOME.log"


def test_what_is_written_is_there_at_once_and_nothing_is_lost_at_the_end(log: Path) -> None:
    pipe = Pipe(log)
    pipe.end.sendall(b"first")
    wait_for(lambda: log.exists() and log.read_bytes() == b"first")
    pipe.end.sendall(b" last")
    assert pipe.close() == 0
    assert log.read_bytes() == b"first last"
    assert log.stat().st_mode & 0o777 == 0o600


def test_two_files_are_kept_none_bigger_than_the_bound_and_no_byte_is_lost_between_them(log: Path) -> None:
    data = numbered(MAX_BYTES * 2 + MAX_BYTES // 2)
    pipe = Pipe(log)
    for start in range(0, len(data), CHUNK):
        pipe.end.sendall(data[start : start + CHUNK])
    assert pipe.close() == 0
    before = log.with_name(log.name + ".1")
    assert sorted(log.parent.iterdir()) == sorted([log, before])
    assert MAX_BYTES - BLOCK_BYTES < before.stat().st_size <= MAX_BYTES
    kept = before.read_bytes() + log.read_bytes()
    assert data.endswith(kept)
    assert before.stat().st_mode & 0o777 == 0o600


def test_a_file_from_before_is_gone_on_with_and_counts(log: Path) -> None:
    log.write_bytes(b"x" * (MAX_BYTES - 1))
    pipe = Pipe(log)
    pipe.end.sendall(b"more")
    assert pipe.close() == 0
    assert (log.read_bytes(), log.with_name(log.name + ".1").stat().st_size) == (b"more", MAX_BYTES - 1)


@pytest.mark.parametrize("name", ["fifo", "link", "directory"])
def test_nothing_but_a_file_is_written_to_and_the_agent_is_not_held_up(log: Path, name: str) -> None:
    other = log.with_name("other")
    {"fifo": os.mkfifo, "link": lambda path: os.symlink(other, path), "directory": os.mkdir}[name](log)
    pipe = Pipe(log)
    pipe.end.sendall(b"x" * (BLOCK_BYTES * DROPPED_BLOCKS * 4))
    assert pipe.close() == 0
    assert not other.exists()


@pytest.mark.parametrize("gone", [False, True])
def test_a_file_that_was_emptied_or_taken_away_is_written_to_again(log: Path, gone: bool) -> None:
    log.write_bytes(b"from before")
    pipe = Pipe(log)
    pipe.end.sendall(b"x")
    wait_for(lambda: log.stat().st_size == len(b"from before" + b"x"))
    if gone:
        log.unlink()
    else:
        os.truncate(log, 0)
    pipe.end.sendall(numbered(MAX_BYTES + MAX_BYTES // 2) + b"END")
    assert pipe.close() == 0
    assert log.read_bytes().endswith(b"END")


def test_a_full_disk_costs_what_came_meanwhile_and_no_more(log: Path) -> None:
    """A limit on the size of files stands in for the disk: its writes fail, too, after a part."""
    end, other = socket.socketpair()
    limited = f"ulimit -f {2 * 1024}; trap '' XFSZ; {writer(str(log))}"  # of 512 bytes
    with subprocess.Popen(["sh", "-c", limited], stdin=other) as process:
        other.close()
        end.settimeout(20)
        end.sendall(numbered(4 * 1024 * 1024))
        end.sendall(b"x" * BLOCK_BYTES)
        end.close()
        assert process.wait(timeout=20) == 0
    assert log.stat().st_size == 1024 * 1024
