"""What somebody may have put in the place of our files: links, FIFOs, halves, what is another's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from marvel.daemon import env_file, tails
from marvel.daemon.tokens import KEY_BYTES, Tokens
from marvel.errors import MarvelError
from marvel.settings import Paths, make_private, regular, secure_contents

FILES = ("marvel.db", "marvel.db.bell", "daemon.lock", "daemon.log", "head", "token.key")
DIRECTORIES = ("tmux", "beats", "sessions")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(str(tmp_path / "home"))
    make_private(made.home)
    return made


def test_a_state_directory_of_ours_is_fine_empty_or_in_use(paths: Paths) -> None:
    secure_contents(paths)
    for name in FILES:
        Path(paths.home, name).write_text("")
    for name in DIRECTORIES:
        assert stat.S_IMODE(Path(paths.home, name).stat().st_mode) == 0o700
    secure_contents(paths)


def test_it_and_what_had_to_be_made_above_it_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private(str(tmp_path / "local" / "state" / "marvel"))
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    made = [tmp_path / "local", tmp_path / "local/state", tmp_path / "local/state/marvel"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


@pytest.mark.parametrize("name", [*FILES, *DIRECTORIES])
@pytest.mark.parametrize("target", ["/etc/passwd", "/tmp", "nowhere"])
def test_a_link_in_the_place_of_anything_of_ours_is_refused(paths: Paths, name: str, target: str) -> None:
    os.symlink(target, os.path.join(paths.home, name))
    with pytest.raises(MarvelError) as raised:
        secure_contents(paths)
    assert raised.value.message == f"{paths.home}/{name} is a symbolic link"


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_directory_in_it_that_others_may_enter_is_closed(paths: Paths, name: str) -> None:
    made = Path(paths.home, name)
    made.mkdir()
    made.chmod(0o777)
    secure_contents(paths)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["token.key", "tmux"])
def test_what_belongs_to_another_is_refused(paths: Paths, name: str) -> None:
    made = Path(paths.home, name)
    made.mkdir(mode=0o700)
    os.chown(made, 65534, 65534)
    with pytest.raises(MarvelError) as raised:
        secure_contents(paths)
    assert raised.value.message == f"{made} belongs to uid 65534, not to you"


def test_only_regular_files_are_opened_and_nothing_is_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR):
        with pytest.raises(OSError, match=r"not a regular file|No such device"):
            regular(str(fifo), flags)
    made = regular(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT)
    assert stat.S_IMODE(os.fstat(made).st_mode) == 0o600
    os.close(made)


@pytest.mark.parametrize("trick", ["fifo", "link", "directory"])
def test_last_lines_are_not_kept_where_an_agent_put_something_else(tmp_path: Path, trick: str) -> None:
    tail, victim = tmp_path / "tail", tmp_path / "victim"
    victim.write_text("precious")
    match trick:
        case "fifo":
            os.mkfifo(tail)
        case "link":
            tail.symlink_to(victim)
        case _:
            tail.mkdir()
    assert tails.keep(str(tmp_path), "last words") == ""
    assert victim.read_text() == "precious"


def test_an_env_file_that_is_a_fifo_starts_nothing_and_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "env")
    with pytest.raises(ValueError, match="not a regular file"):
        env_file.read(str(tmp_path / "env"))


# --- the key of the tokens -----------------------------------------------------------------------


def test_the_key_is_whole_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    Tokens(str(tmp_path / "token.key"))
    [key] = tmp_path.iterdir()
    assert (stat.S_IMODE(key.stat().st_mode), key.stat().st_size) == (0o600, KEY_BYTES)


@pytest.mark.parametrize("size", [0, 1, KEY_BYTES - 1])
def test_half_a_key_is_refused_for_tokens_could_be_guessed(tmp_path: Path, size: int) -> None:
    key = tmp_path / "token.key"
    key.write_bytes(b"x" * size)
    with pytest.raises(MarvelError) as raised:
        Tokens(str(key))
    assert raised.value.message == f"{key} is not a whole key"
