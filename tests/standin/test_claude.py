"""The real claude, against a stand-in of its API: heartbeat, activity, limits, resume, and its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.home import Home
from tests.standin.anthropic import Standin

CLAUDE = os.environ.get("MARVEL_TEST_CLAUDE") or shutil.which("claude")
WAIT_SECONDS = 45.0
PAUSE_SECONDS = 0.1
SESSION = "e/t-r-g1-0"

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(CLAUDE is None, reason="claude is not installed (MARVEL_TEST_CLAUDE names one)"),
]


@pytest.fixture
def api() -> Iterator[Standin]:
    made = Standin()
    yield made
    made.close()


def worked(home: Home, api: Standin, prompt: str) -> None:
    """One claude at work, with a home of its own and the trust dialog answered."""
    user, project = home.path / "user", home.path / "project"
    user.mkdir()
    project.mkdir()
    trusted = {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted}
    (user / ".claude.json").write_text(json.dumps(known))
    env = {
        "HOME": str(user),
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_AUTH_TOKEN": "stand-in",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in env.items())
    manifest = home.path / "m.toml"
    manifest.write_text(
        f"""
[workspace]
name = "e"
[[team]]
name = "t"
[[team.role]]
name = "r"
prompt = {json.dumps(prompt)}
[team.role.runtime]
image = "claude"
command = {json.dumps(CLAUDE)}
cwd = {json.dumps(str(project))}
env = {{ {pairs} }}
[team.role.healthcheck]
type = "heartbeat"
"""
    )
    home.start()
    home.marvel("work", str(manifest))


def until(home: Home, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The session, once it is as wanted."""
    deadline = time.monotonic() + WAIT_SECONDS
    shown: dict[str, Any] = {}
    while time.monotonic() < deadline:
        shown = json.loads(home.marvel("get", "session", SESSION, "-o", "json").stdout)
        if wanted(shown):
            return shown
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"not as wanted within {WAIT_SECONDS:g} s: {shown}")


def carrying(uid: str) -> list[int]:
    """Processes that carry a session's uid in their environment."""
    mark = f"MARVEL_SESSION_UID={uid}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_claude_tells_its_context_and_goes_on_after_a_kill(home: Home, api: Standin) -> None:
    worked(home, api, "hello there")
    first = until(home, lambda s: s["activity"] == "idle" and s["context_percent"] is not None)
    assert api.saw("hello there")
    assert first["agent_session_id"]
    assert first["model"]
    os.kill(first["pid"], signal.SIGKILL)
    again = until(home, lambda s: s["uid"] != first["uid"] and api.saw("Continue."))
    assert again["agent_session_id"] == again["resumes"] == first["agent_session_id"]


def test_claude_waits_at_a_permission_dialog_and_leaves_nothing_behind(home: Home, api: Standin) -> None:
    worked(home, api, "use TOOL please")
    waiting = until(home, lambda s: s["activity"] == "waiting")
    assert waiting["activity_detail"].startswith("permission")
    assert home.marvel("get", "sessions", "--waiting", "-o", "name").stdout == f"session/{SESSION}\n"
    home.marvel("stop", "--yes")
    assert carrying(waiting["uid"]) == []


def test_claude_that_hit_a_limit_is_limited_and_not_restarted(home: Home, api: Standin) -> None:
    worked(home, api, "LIMIT now")
    limited = until(home, lambda s: s["activity"] == "limited")
    assert (limited["activity_detail"], limited["restarts"]) == ("rate_limit", 0)
