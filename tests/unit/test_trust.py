"""One value in a JSON file of the user's own: there, or nothing changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from marvel.daemon import trust
from marvel.runtimes.adapter import Merge
from marvel.runtimes.claude import trust as claude_trust


def merge(path: Path, *names: str) -> Merge:
    return Merge(str(path), names or ("projects", "/w", "hasTrustDialogAccepted"), True)


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
