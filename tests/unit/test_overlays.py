"""Settings of an agent's own, made of the user's and ours; the user's are only read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from marvel.daemon import overlays
from marvel.runtimes import LaunchPlan
from marvel.runtimes.adapter import Mirror, Overlay

OURS = {"statusLine": {"command": "ours"}, "hooks": {"Stop": ["ours"]}}


def settings(tmp_path: Path, *base: str, **fields: Any) -> tuple[dict[str, Any], LaunchPlan]:
    overlay = Overlay(OURS, base=base, **fields)
    plan = LaunchPlan(argv=("claude",), cwd=str(tmp_path), env={}, overlays={"/s.json": overlay})
    done = overlays.resolved(plan, {"HOME": str(tmp_path)})
    return json.loads(done.files["/s.json"]), done


@pytest.mark.parametrize("way", ["text", "absolute", "relative", "home"])
def test_the_users_settings_are_merged_with_ours_wherever_they_are(tmp_path: Path, way: str) -> None:
    theirs = '{"model": "opus", "hooks": {"Stop": ["theirs"], "PreToolUse": ["theirs"]}}'
    file = tmp_path / "mine.json"
    file.write_text(theirs)
    base = {"text": theirs, "absolute": str(file), "relative": "mine.json", "home": "$HOME/mine.json"}[way]
    content, _ = settings(tmp_path, base)
    assert content == {
        "model": "opus",
        "hooks": {"Stop": ["theirs", "ours"], "PreToolUse": ["theirs"]},
        "statusLine": {"command": "ours"},
    }
    assert file.read_text() == theirs


def test_what_ours_replaces_is_kept_in_a_variable_and_defaults_give_way(tmp_path: Path) -> None:
    theirs = '{"statusLine": {"command": "theirs"}, "tui": "fullscreen"}'
    displaced = ((("statusLine", "command"), "KEPT"),)
    content, plan = settings(tmp_path, theirs, displaced=displaced, defaults={"tui": "default", "a": 1})
    assert (content["tui"], content["a"]) == ("fullscreen", 1)
    assert plan.env["KEPT"] == "theirs"


def test_settings_may_have_comments_and_addresses(tmp_path: Path) -> None:
    content, _ = settings(tmp_path, '{"url": "http://x/*y*/", // one\n /* two */ "b": "a \\" // c"}')
    assert (content["url"], content["b"]) == ("http://x/*y*/", 'a " // c')


@pytest.mark.parametrize(
    ("text", "why"), [("{", "not JSON"), ("[]", "not a JSON object"), (None, "does not exist")]
)
def test_settings_that_can_not_be_merged_are_named(tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "mine.json").write_text(text)
    with pytest.raises(overlays.Unmergeable, match=f"mine.json.*{why}"):
        settings(tmp_path, "mine.json")


def test_a_home_of_the_sessions_own_has_links_to_all_but_its_settings(tmp_path: Path) -> None:
    home, path = tmp_path / "home" / ".gemini", tmp_path / "session" / ".gemini"
    home.mkdir(parents=True)
    (home / "GEMINI.md").write_text("memory")
    (home / "settings.json").write_text("{}")
    mirror = Mirror(str(path), ("$OTHER/.gemini", "$HOME/.gemini"), ("tmp",), ("oauth_creds.json",))
    plan = LaunchPlan(argv=("gemini",), cwd="/", env={}, mirror=mirror, after={"OTHER": "/set/afterwards"})
    done = overlays.resolved(plan, {"HOME": str(tmp_path / "home")})
    assert done.env["OTHER"] == "/set/afterwards"
    assert done.mirror is not None
    for _ in range(2):
        overlays.reflect(done.mirror, {str(path / "settings.json")})
    assert sorted(os.listdir(path)) == ["GEMINI.md", "oauth_creds.json", "tmp"]
    (path / "oauth_creds.json").write_text("a login inside of the session")
    (path / "tmp" / "chat").write_text("a conversation")
    assert (home / "oauth_creds.json").read_text() == "a login inside of the session"
    assert (home / "tmp" / "chat").exists()
