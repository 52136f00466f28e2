"""One value in a JSON file of the user's own: there, or nothing changed."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path

import pytest

from marvel.daemon import trust
from marvel.runtimes.adapter import Merge
from marvel.runtimes.claude import trust as claude_trust
from marvel.tmux.timers import Timers

DIRECTORIES = 30


def merge(path: Path, *names: str) -> Merge:
    return Merge(str(path), names or ("projects", "/w", "hasTrustDialogAccepted"), True)


def test_a_fifo_in_the_place_of_the_file_is_an_error_and_nobody_waits_for_it(tmp_path: Path) -> None:
    file = tmp_path / ".claude.json"
    os.mkfifo(file)
    with pytest.raises(OSError, match="not a regular file"):
        trust.put(merge(file))


def test_the_value_is_put_beside_what_is_there_and_the_mode_is_kept(tmp_path: Path) -> None:
    file = tmp_path / ".claude.json"
    file.write_text('{"theme": "dark", "projects": {"/v": {"a": 1}}}')
    os.chmod(file, 0o640)
    assert trust.put(merge(file))
    content = json.loads(file.read_text())
    assert content == {
        "theme": "dark",
        "projects": {"/v": {"a": 1}, "/w": {"hasTrustDialogAccepted": True}},
    }
    assert file.stat().st_mode & 0o777 == 0o640
    before = file.stat().st_ino
    assert trust.put(merge(file))
    assert file.stat().st_ino == before
    assert os.listdir(tmp_path) == [".claude.json"]


def test_a_file_that_is_not_there_is_made_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / ".claude.json"
    assert trust.put(merge(file))
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"projects": 3}', '{"projects": {"/w": []}}'])
def test_a_file_of_another_shape_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".claude.json"
    file.write_text(text)
    assert not trust.put(merge(file))
    assert file.read_text() == text


def test_a_link_is_followed_to_the_file_it_means(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("{}")
    link.symlink_to(real)
    assert trust.put(merge(link))
    assert link.is_symlink()
    assert "/w" in json.loads(real.read_text())["projects"]


def test_claude_keeps_its_note_where_its_configuration_is() -> None:
    assert claude_trust("/w", {"HOME": "/h"}).path == "/h/.claude.json"
    assert claude_trust("/w", {"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}).path == "/c/.claude.json"


def test_a_file_that_its_own_program_has_locked_is_left_alone_until_it_is_free(tmp_path: Path) -> None:
    file, lock = tmp_path / ".claude.json", tmp_path / ".claude.json.lock"
    file.write_text("{}")
    lock.mkdir()
    with pytest.raises(trust.Locked):
        trust.put(merge(file))
    assert file.read_text() == "{}"
    assert lock.exists()
    lock.rmdir()
    assert trust.put(merge(file))
    assert os.listdir(tmp_path) == [".claude.json"]


def test_a_value_that_is_there_needs_no_lock(tmp_path: Path) -> None:
    file = tmp_path / ".claude.json"
    trust.put(merge(file))
    (tmp_path / ".claude.json.lock").mkdir()
    assert trust.put(merge(file))


def test_a_lock_that_its_holder_left_behind_is_taken_over(tmp_path: Path) -> None:
    file, lock = tmp_path / ".claude.json", tmp_path / ".claude.json.lock"
    lock.mkdir()
    long_ago = time.time() - trust.STALE_SECONDS - 1
    os.utime(lock, (long_ago, long_ago))
    assert trust.put(merge(file))
    assert os.listdir(tmp_path) == [".claude.json"]


def test_a_session_waits_for_the_lock_and_a_long_wait_is_recorded_with_its_path(tmp_path: Path) -> None:
    file, lock = tmp_path / ".claude.json", tmp_path / ".claude.json.lock"
    lock.mkdir()
    timers, again, notes = Timers(lambda: 0.0), [], []
    waiting = trust.Trust(timers=timers, again=again.append, note=notes.append)
    attempts = round(trust.PATIENCE_SECONDS / trust.RETRY_SECONDS)
    assert not any(waiting.is_settled("u1", merge(file)) for _ in range(attempts - 1))
    assert not notes
    assert not waiting.is_settled("u1", merge(file))
    assert len(notes) == 1
    timers.run(trust.RETRY_SECONDS)
    assert set(again) == {"u1"}
    lock.rmdir()
    assert waiting.is_settled("u1", merge(file))
    assert waiting.is_settled("u2", None)


def test_no_change_of_a_writer_that_takes_the_lock_is_undone(tmp_path: Path) -> None:
    file, lock = tmp_path / ".claude.json", tmp_path / ".claude.json.lock"
    file.write_text(json.dumps({"n": 0, "projects": {}}))
    done: list[str] = []

    def write() -> None:
        while len(done) < DIRECTORIES:
            with contextlib.suppress(FileExistsError):
                lock.mkdir()
                content = json.loads(file.read_text())
                assert content["n"] == counts[-1]
                content["n"] += 1
                counts.append(content["n"])
                fresh = tmp_path / "fresh"
                fresh.write_text(json.dumps(content))
                fresh.replace(file)
                lock.rmdir()
                held.set()

    held, counts = threading.Event(), [0]
    writer = threading.Thread(target=write)
    writer.start()
    while len(done) < DIRECTORIES:
        held.wait()  # so that both get their turn
        held.clear()
        with contextlib.suppress(trust.Locked):
            name = f"/d/{len(done)}"
            if trust.put(merge(file, "projects", name, "hasTrustDialogAccepted")):
                done.append(name)
    writer.join()
    content = json.loads(file.read_text())
    assert content["n"] == counts[-1]
    assert list(content["projects"]) == done
