"""What people are told of agent CLIs: versions, logins, dialogs; on a CLI that is only pretended."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.home import Home, until
from tests.integration.manifests import manifest, role

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "agents"
CLAUDE = """#!/bin/sh
test "$1" = --version && { echo "%s (Claude Code)"; exit 0; }
echo "Welcome"
echo "Select login method:"
exec sleep 1000
"""
ROLE = '[[team.role]]\nname = "a"\n[team.role.runtime]\ncommand = "claude"\n'


@pytest.fixture
def pretended(home: Home) -> Path:
    """A `claude` on the PATH that never gets past its login."""
    home.real_starts = True  # doctor looks at the environment that the daemon was started with
    program = home.path / "bin" / "claude"
    program.parent.mkdir()
    home.environ["PATH"] = f"{program.parent}:{home.environ['PATH']}"
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        home.environ.pop(name, None)
    home.environ["HOME"] = str(home.path)
    program.write_text(CLAUDE % "2.1.197")
    program.chmod(0o755)
    return program


def test_an_agent_at_its_login_is_named_wherever_a_person_looks(home: Home, pretended: Path) -> None:
    home.start()
    up = home.marvel("up", home.write(manifest(ROLE)), "--timeout", "2s", ok=False)
    assert up.returncode == 3
    assert "w/t-a-g1-0: no sign of life, marvel attach w/t-a-g1-0 (it shows a login dialog)" in up.stderr
    assert "answer it: marvel attach w/t-a-g1-0" in home.marvel("describe", "w/t-a-g1-0").stdout
    assert "you: it shows a login dialog" in home.marvel("why", "w/t-a-g1-0").stdout
    doctor = home.marvel("doctor").stdout
    assert f"claude 2.1.197 at {pretended} tells heartbeat, context" in doctor
    assert "claude: no login was found" in doctor
    assert "w/t-a-g1-0 shows a login dialog" in doctor
    [row] = home.running(1)
    assert row["restarts"] == 0


QUESTION = "printf 'Add .aider* to .gitignore? (Y)es/(N)o [Yes]: '; read answer; clear; exec sleep 1000"


def test_a_question_of_any_program_is_named_until_it_is_answered(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role("sh", "-c", QUESTION))))
    home.running(1)
    asks = "you: it shows a question"
    until(lambda: asks in home.marvel("why", "r-0").stdout, "why names it", home.describe)
    described = json.loads(home.marvel("describe", "session", "r-0", "-o", "json").stdout)
    assert described["dialog"] == "question"
    home.marvel("inject", "r-0", "--keys", "y", "Enter", "--force")
    until(lambda: asks not in home.marvel("why", "r-0").stdout, "it is gone", home.describe)


def test_a_login_that_is_likely_is_told_by_where_it_is(home: Home, pretended: Path) -> None:
    home.marvel("work", home.write(manifest(ROLE)))
    home.environ["ANTHROPIC_API_KEY"] = "k"
    told = home.marvel("doctor").stdout
    assert "claude: a login is likely (ANTHROPIC_API_KEY)" in told
    assert "claude 2.1.197" in told


def test_a_version_that_is_too_old_runs_as_it_is_and_is_told_once(home: Home, pretended: Path) -> None:
    pretended.write_text(CLAUDE % "1.0.3")
    home.start()
    home.marvel("work", home.write(manifest(ROLE)))
    until(lambda: home.events("session.degraded"), "it is told", home.describe)
    home.running(1)
    [event] = home.events("session.degraded")
    assert event["payload"]["reason"] == "too-old"
    assert "1.0.3" in event["payload"]["detail"]
    [row] = home.sessions()
    command = Path(f"/proc/{row['pid']}/cmdline").read_bytes()
    assert b"--settings" not in command
    assert "claude 1.0.3" in (told := home.marvel("doctor").stdout)
    assert "is too old" in told


def test_settings_of_a_role_that_can_not_be_merged_leave_it_unheard_and_that_is_said(
    home: Home, pretended: Path
) -> None:
    home.start()
    home.marvel("work", home.write(manifest(ROLE + 'args = ["--settings", "mine.json"]\n')))
    until(lambda: home.events("session.degraded"), "it is told", home.describe)
    [event] = home.events("session.degraded")
    assert event["payload"]["reason"] == "settings"
    assert "mine.json does not exist" in event["payload"]["detail"]
    home.running(1)


def inside(home: Home, runtime: str) -> None:
    """A session of this runtime, and its environment for what a person types."""
    home.start()
    home.marvel("work", home.write(manifest(ROLE.replace('command = "claude"', runtime))), "--wait")
    [row] = home.running(1)
    token = Path(f"/proc/{row['pid']}/environ").read_text().partition("MARVEL_TOKEN=")[2].partition("\0")[0]
    home.environ |= {
        "MARVEL_SOCKET": str(home.path / "marvel.sock"),
        "MARVEL_SESSION_UID": row["uid"],
        "MARVEL_WORKSPACE": "w",
        "MARVEL_SESSION": row["name"],
        "MARVEL_TOKEN": token,
    }


def test_what_codex_adds_to_its_record_after_a_hook_tells_how_the_turn_ended(home: Home) -> None:
    inside(home, 'image = "codex"\ncommand = "sh"\nargs = ["-c", "exec sleep 1000"]')
    record = home.path / "rollout.jsonl"
    refused = (FIXTURES / "codex-rollout-task_complete-error.json").read_text().replace("\n", "")
    record.write_text(refused + "\n")  # of the turn before
    hook = {"hook_event_name": "UserPromptSubmit", "session_id": "s", "transcript_path": str(record)}
    home.marvel("heartbeat", "--from", "codex-hook", stdin=json.dumps(hook))
    until(lambda: home.sessions()[0]["activity"] == "working", "it works", home.describe)
    now = datetime.now(UTC).isoformat()
    counted = {"used_percent": 100.0, "resets_at": 4102444800}
    with record.open("a") as file:
        token_count = {"type": "token_count", "info": None, "rate_limits": {"primary": counted}}
        file.write(json.dumps({"timestamp": now, "payload": token_count}) + "\n")
        file.write(json.dumps({**json.loads(refused), "timestamp": now}) + "\n")
    until(lambda: home.sessions()[0]["activity"] == "limited", "it is limited", home.describe)
    [row] = home.sessions()
    assert row["activity_detail"] == "usage_limit_exceeded"
    assert row["limited_until_at"].startswith("2100-01-01")
    assert row["restarts"] == 0


def test_a_hooks_payload_is_taken_from_people_too_and_always_with_status_0(home: Home) -> None:
    inside(home, 'command = "cat"')
    payload = '{"hook_event_name": "PermissionRequest", "session_id": "s", "tool_name": "Bash"}'
    done = home.marvel("heartbeat", "--from", "claude-hook", stdin=payload)
    assert (done.stdout, done.stderr) == ("", "")
    until(lambda: home.sessions()[0]["activity"] == "waiting", "it waits", home.describe)
    assert home.sessions("--waiting")[0]["activity_detail"] == "permission: Bash"
    for argv, text in ((("--from", "nobody"), "{"), (("--from=codex-notify", "{}"), ""), (("--from",), "")):
        done = home.marvel("heartbeat", *argv, stdin=text)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
