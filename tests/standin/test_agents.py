"""The real CLIs against a stand-in of their makers' APIs: what each tells, limits, resume, and its end.

Each takes part where it is installed: in PATH, or named by `MARVEL_TEST_CLAUDE`, `MARVEL_TEST_CODEX`,
`MARVEL_TEST_GEMINI`, `MARVEL_TEST_OPENCODE`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.home import Home
from tests.standin.clis import CLIS, CODEX, Cli
from tests.standin.failures import WORDS
from tests.standin.server import Standin

WAIT_SECONDS = 100.0
PAUSE_SECONDS = 0.2
REFUSALS = 3  # of one turn, after which a CLI that says nothing of it is taken at its word
FIRST = "e/t-r-g1-0"

Rows = list[dict[str, Any]]


def _param(cli: Cli) -> Any:
    reason = f"{cli.name} is not installed ({cli.variable} names one)"
    return pytest.param(cli, id=cli.name, marks=pytest.mark.skipif(cli.binary is None, reason=reason))


pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]
each = pytest.mark.parametrize("cli", [_param(cli) for cli in CLIS])


ORDINARY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def users() -> list[Any]:
    """This user, and for root an ordinary one too: root is let do what others are not."""
    found = [pytest.param((), id="this-user")]
    if (
        os.geteuid() == 0
        and subprocess.run([*ORDINARY, "true"], capture_output=True, check=False).returncode == 0
    ):
        found.append(pytest.param(ORDINARY, id="ordinary-user"))
    return found


@pytest.fixture(params=users())
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """Not in /tmp: codex makes no helpers of its own below it."""
    made = Home(os.path.expanduser("~"), real_starts=True, prefix=request.param)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def api() -> Iterator[Standin]:
    made = Standin()
    yield made
    made.close()


def worked(
    home: Home,
    api: Standin,
    cli: Cli,
    prompt: str,
    replicas: int = 1,
    args: tuple[str, ...] = (),
    more: str = "",
) -> None:
    """Start a role of this CLI, with a home of its own and a project that marvel may trust.

    `more` are lines for the end of its manifest.
    """
    user, project = home.path / "user", home.path / "project"
    user.mkdir(exist_ok=True)
    project.mkdir()
    setting = cli.set_up(user, project, api.url)
    env = {"HOME": str(user), **setting.env}
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in env.items())
    home.start()
    manifest = home.write(
        f"""
[workspace]
name = "e"
[[team]]
name = "t"
[[team.role]]
name = "r"
replicas = {replicas}
prompt = {json.dumps(prompt)}
[team.role.runtime]
image = "{cli.name}"
command = {json.dumps(cli.binary)}
args = {json.dumps([*setting.args, *args])}
cwd = {json.dumps(str(project))}
env = {{ {pairs} }}
trust_workspace = true
[team.role.healthcheck]
type = "heartbeat"
{more}"""
    )
    home.marvel("work", manifest)


def until(home: Home, wanted: Callable[[Rows], object]) -> Rows:
    """The listed sessions, once they are as wanted."""
    deadline = time.monotonic() + WAIT_SECONDS
    rows: Rows = []
    while time.monotonic() < deadline:
        rows = home.sessions()
        if wanted(rows):
            return rows
        time.sleep(PAUSE_SECONDS)
    screens = "\n".join(home.marvel("capture", row["key"], ok=False).stdout for row in rows)
    raise AssertionError(f"not as wanted within {WAIT_SECONDS:g} s: {rows}\n{screens}\n{home.describe()}")


def one(home: Home, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The same for a role of one."""
    [row] = until(home, lambda rows: len(rows) == 1 and wanted(rows[0]))
    return row


@each
def test_a_role_of_two_is_healthy_tells_its_context_and_a_shift_gives_fresh_ones(
    home: Home, api: Standin, cli: Cli
) -> None:
    worked(home, api, cli, "hello there", replicas=2)
    rows = until(home, lambda found: len(found) == 2 and all(_settled(row) for row in found))
    assert api.saw("hello there")
    conversations = {row["agent_session_id"] for row in rows}
    assert len(conversations) == 2
    assert all(row["model"] for row in rows)
    assert [row["restarts"] for row in rows] == [0, 0]
    home.marvel("shift", "e/t")
    rows = until(
        home,
        lambda found: len(found) == 2 and all(row["generation"] == 2 and _settled(row) for row in found),
    )
    assert not conversations & {row["agent_session_id"] for row in rows}


@each
def test_a_killed_agent_goes_on_with_its_conversation(home: Home, api: Standin, cli: Cli) -> None:
    worked(home, api, cli, "hello there")
    first = one(home, _settled)
    os.kill(first["pid"], signal.SIGKILL)
    again = one(
        home,
        lambda row: (
            row["uid"] != first["uid"] and row["agent_session_id"] and api.saw_together("hello", "Continue.")
        ),
    )
    assert again["agent_session_id"] == again["resumes"] == first["agent_session_id"]


@each
def test_an_agent_waits_at_a_permission_dialog_and_leaves_nothing_behind(
    home: Home, api: Standin, cli: Cli
) -> None:
    worked(home, api, cli, "use TOOL please")
    waiting = one(home, lambda row: row["activity"] == "waiting")
    assert waiting["activity_detail"].startswith("permission")
    assert home.marvel("get", "sessions", "--waiting", "-o", "name").stdout == f"session/{FIRST}\n"
    home.marvel("stop", "--yes")
    assert home.processes() == []


@each
def test_an_agent_that_hit_a_limit_is_limited_and_not_restarted(home: Home, api: Standin, cli: Cli) -> None:
    worked(home, api, cli, "LIMIT now")
    if cli.at_limits == "silent":  # it was refused several times, and says no more than that it works
        one(home, lambda row: len(api.requests) >= REFUSALS and row["activity"])
        [row] = home.sessions()
        assert (row["activity"], row["limited_until_at"]) == ("working", None)
    else:
        row = one(home, lambda row: row["activity"] == "limited")
        assert row["activity_detail"]
        assert (row["limited_until_at"] is not None) == (cli.at_limits == "tells until when")
    assert row["restarts"] == 0


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("cli", [_param(cli) for cli in CLIS if cli.at_limits != "silent"])
def test_a_turn_that_an_error_ended_is_not_one_that_is_done(
    home: Home, api: Standin, cli: Cli, word: str
) -> None:
    """opencode tries again by itself after a limit or a failure of the server, and says so."""
    worked(home, api, cli, f"now {word} please")
    tries = cli.name == "opencode" and WORDS[word] in ("limit", "server")
    if tries:
        row = one(home, lambda row: row["activity"] == "limited")
        assert row["limited_until_at"] is not None
    else:
        row = one(home, lambda row: row["failure"] == WORDS[word] and row["attention"])
        assert (row["continues_at"] is not None) == (WORDS[word] in ("limit", "server"))
    assert home.marvel("get", "sessions", "--waiting", "-o", "name").stdout == f"session/{FIRST}\n"
    assert row["restarts"] == 0


@pytest.mark.parametrize("cli", [_param(cli) for cli in CLIS if cli.name != "gemini"])
@pytest.mark.parametrize("word", ["SLOW", "TOOL"])
def test_a_person_who_presses_escape_ends_a_turn_and_a_dialog(
    home: Home, api: Standin, cli: Cli, word: str
) -> None:
    worked(home, api, cli, f"{word} please")
    activity = "working" if word == "SLOW" else "waiting"
    row = one(home, lambda row: row["activity"] == activity and api.saw(word))
    for _ in range(2):  # opencode asks for a second one
        home.tmux("e", "send-keys", "-t", row["pane"], "Escape")
        time.sleep(PAUSE_SECONDS)
    assert one(home, lambda row: row["activity"] == "idle")["restarts"] == 0


@pytest.mark.parametrize("cli", [_param(CODEX)])
def test_a_hook_that_the_user_set_himself_goes_on_running(home: Home, api: Standin, cli: Cli) -> None:
    seen = home.path / "seen"
    hook = f'hooks.Stop=[{{hooks=[{{type="command",command="touch {seen}"}}]}}]'
    worked(home, api, cli, "hello there", args=("-c", hook))
    one(home, lambda row: _settled(row) and seen.exists())


def _settled(row: dict[str, Any]) -> bool:
    return row["health"] == "healthy" and row["activity"] == "idle" and row["context_percent"] is not None
