"""Files of the state directory: regular ones only, through no link, and private whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel import logs
from marvel.errors import LogUnavailable, MarvelError
from marvel.settings import Paths, own_file, private_directory, secure_contents, session_file
from marvel.store.bell import Bell, ring
from marvel.store.log import Store
from marvel.store.query import Reader, daemon_note

CREATE = os.O_WRONLY | os.O_CREAT


@pytest.fixture(params=[0o000, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_is_made_is_private_whatever_the_umask(paths: Paths, umask: int) -> None:
    os.close(own_file(paths.head, CREATE))
    private_directory(paths.session("u1"))
    assert (mode(paths.head), mode(paths.session("u1"))) == (0o600, 0o700)


def test_the_log_is_private_after_a_rotation_too(
    paths: Paths, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 200)
    log = logs.set_up(paths.log, console=False)
    for number in range(5):
        log.info("pass", number=number, padding="x" * 100)
    for handler in logging.getLogger("marvel").handlers:
        handler.close()
    assert {mode(paths.log), mode(f"{paths.log}.1")} == {0o600}


@pytest.mark.parametrize("what", ["fifo", "link", "directory"])
def test_something_else_in_the_place_of_a_file_is_neither_waited_for_nor_followed(
    paths: Paths, what: str
) -> None:
    elsewhere = Path(paths.home, "elsewhere")
    elsewhere.write_text("theirs")

    def put(path: str) -> None:
        match what:
            case "fifo":
                os.mkfifo(path)
            case "link":
                os.symlink(elsewhere, path)
            case _:
                os.mkdir(path)

    put(paths.head)
    for flags in (os.O_RDONLY, CREATE, CREATE | os.O_TRUNC):
        with pytest.raises(OSError, match=r"."):
            own_file(paths.head, flags)
    put(paths.bell)
    ring(paths.bell)
    bell = Bell(paths.bell)
    assert bell.fileno() is None  # its watcher polls
    bell.wait(0.0)
    bell.close()
    put(paths.lock)
    with pytest.raises(LogUnavailable):
        daemon_note(paths)
    with pytest.raises(MarvelError, match=f"{paths.bell} is "):
        secure_contents(paths)
    os.unlink(paths.database)
    put(paths.database)
    with pytest.raises(LogUnavailable):
        Store(paths)
    if what != "link":
        with pytest.raises(LogUnavailable):
            Reader(paths)
    assert elsewhere.read_text() == "theirs"


def test_nothing_is_written_through_a_link_in_the_place_of_a_session_s_directory(paths: Paths) -> None:
    elsewhere = Path(paths.home, "elsewhere")
    elsewhere.mkdir()
    os.makedirs(paths.sessions)
    os.symlink(elsewhere, paths.session("u1"))
    with pytest.raises(OSError, match=r"."):
        session_file(paths.tail("u1"), CREATE)
    with pytest.raises(NotADirectoryError):
        private_directory(paths.session("u1"))
    assert list(elsewhere.iterdir()) == []
