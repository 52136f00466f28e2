"""Whatever an agent says of itself, and whatever stands in a manifest: no terminal is steered by it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cli_terminal import Terminal
from recorded import History
from rich.text import Text
from textual.widgets import Static

import marvel
from marvel import events
from marvel.cli.mcp_server import Server
from marvel.client import Marvel
from marvel.resources import (
    EndpointSpec,
    HealthcheckSpec,
    Manifest,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    TeamSpec,
    Template,
)
from marvel.settings import Paths
from marvel.text import harmless
from marvel.top.app import Cockpit
from marvel.top.session import SessionScreen

# Clears the screen, renames the window, resets, writes the clipboard, makes a link, C1 CSI, goes back over
# the line, writes from right to left, isolates, and what takes no room: spaces, a joiner, a filler, a tag.
EVIL = (
    "a\x1b[2J\x1b]0;pwned\x07\x1bc\x1b]52;c;eA==\x07\x1b]8;;http://x\x1b\\y\x1b]8;;\x1b\\\x9b31m"
    "\r\b\x7f\u202eb\u2066\u200b\ufeffc\u200dd\u3164\U000e0041\n$(c)"
)
SQUAD = RoleKey("demo", "squad", "agent")
PAGES = (
    "get sessions",
    "get sessions --all -o wide",
    "get teams -o wide",
    "get endpoints",
    "get shifts",
    "get sessions -o name",
    "describe session demo/squad-agent-g1-0",
    "describe session demo/squad-agent-g1-1",
    "describe team demo/squad",
    "describe workspace demo",
    "describe endpoint demo/e",
    "events -n 100",
    "export demo",
    "why demo/squad-agent-g1-0",
    "why demo/squad-agent-g1-1",
    "why demo/squad",
    "report",
    "get sessions --at 15",
    "describe demo/squad-agent-g1-1 --at 15",
    "replay --speed 1000000",
    "get sessions -o json",
    "get sessions -o jsonl",
    "describe session demo/squad-agent-g1-0 -o json",
    "events -o json",
    "capture demo/squad-agent-g1-1",
    "logs demo/squad-agent-g1-1",
    "logs demo/squad-agent-g1-0",
    "capture --ansi demo/squad-agent-g1-1",
    "logs --ansi demo/squad-agent-g1-1",
    "logs --ansi demo/squad-agent-g1-0",
)


def evil_world(home: Path) -> None:
    """A role and two sessions in which every text is evil."""
    history = History(home)
    runtime = RuntimeSpec(
        image="claude",
        command=f"/bin/{EVIL}",
        args=(EVIL, f"--{EVIL}"),
        env={"NAME": EVIL},
        cwd=f"/tmp/{EVIL}",
    )
    template = Template(runtime=runtime)
    told = {
        field.name: EVIL
        for field in msgspec.structs.fields(Template)
        if field.type is str and field.name in ("persona", "identity", "prompt", "resume_prompt")
    }
    template = msgspec.structs.replace(template, **told)
    role = RoleSpec(name="agent", replicas=2, template=template, healthcheck=HealthcheckSpec())
    team = TeamSpec(name="squad", roles=(role,))
    history.apply(
        Manifest(workspace="demo", teams=(team,), endpoints=(EndpointSpec(name="e", team="squad"),))
    )
    history.cohort(SQUAD, 1, template, 2)
    lives, ended = (history.schedule(SQUAD, 1, index, image="claude") for index in (0, 1))
    for pane, ref in enumerate((lives, ended), 1):
        history.start(ref, pane)
    said = events.SessionSignaled(activity="waiting", detail=EVIL, model=EVIL, agent_session_id=EVIL)
    history.add(lives, said)
    history.add(lives, events.SessionAttention(reason="waiting", detail=EVIL))
    history.add(lives, events.HealthChanged(health="unhealthy", reason=EVIL))
    history.end(ended, exit_status=1, reason=EVIL, detail=EVIL, tail_sha256="ab")
    history.close()
    for uid in (lives.uid, ended.uid):
        directory = home / "sessions" / str(uid)
        directory.mkdir(parents=True, mode=0o700)
        (directory / "tail").write_text(f"{EVIL}\n{EVIL}\n")
    (home / "sessions" / str(lives.uid) / "output.log").write_text(f"{EVIL}\n{EVIL}")


@pytest.fixture
def evil(empty: Terminal) -> Terminal:
    evil_world(empty.home)
    return empty


def steers(text: str) -> list[str]:
    """What does not show, or shows as nothing."""
    return sorted({c for c in text if (not c.isprintable() and c not in "\n\t") or c in "\u3164\U000e0041"})


@pytest.mark.parametrize("line", PAGES)
def test_nothing_evil_reaches_the_terminal(evil: Terminal, line: str) -> None:
    out, err, status = evil.full(line)
    assert status == 0, err
    assert out + err
    assert (steers(out), steers(err)) == ([], [])


@pytest.mark.parametrize("line", ["describe session {}", "kill {}", "get {}", "{}", "capture {}", "wait {}"])
def test_what_is_refused_is_quoted_without_its_escapes(evil: Terminal, line: str) -> None:
    out, err, status = evil.full(line.format("x\x1b[2J\x9bm"))
    assert status in (1, 2, 4)
    assert any(said.startswith("error: ") for said in err.splitlines())
    assert (steers(out), steers(err)) == ([], [])


def test_a_screen_keeps_what_shows_and_loses_what_steers() -> None:
    family = "👨\u200d👩\u200d👧\té日\n"
    assert harmless(family) == family
    assert harmless("a\x1b[2J\x9b\r\u202e") == "a?[2J???"


@pytest.mark.parametrize(("line", "status"), [("daemon logs", 0), ("doctor", 1)])
def test_what_tells_of_marvel_itself_has_nothing_evil_in_it(evil: Terminal, line: str, status: int) -> None:
    (evil.home / "daemon.log").write_text(f"{EVIL}\n")
    out, err, ended = evil.full(line)
    assert (ended, steers(out), steers(err)) == (status, [], [])


def test_a_tool_of_mcp_gives_text(evil: Terminal) -> None:
    calls = [
        ("capture", {"key": "demo/squad-agent-g1-1"}),
        ("list_sessions", {}),
        ("events", {}),
        ("why", {"key": "demo/squad-agent-g1-0"}),
    ]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": n, "arguments": a}})
        for n, a in calls
    ]
    answers: list[Any] = []
    Server(Marvel(str(evil.home)), answers.append).run(line.encode() for line in lines)
    assert len(answers) == len(calls)
    for answer in answers:
        [content] = answer["result"]["content"]
        assert content["text"]
        assert steers(content["text"]) == []


def test_the_cockpit_shows_the_screen_of_an_ended_session_as_text(evil: Terminal) -> None:
    app = Cockpit(Paths(str(evil.home)))

    async def look() -> None:
        async with app.run_test(size=(160, 50)) as pilot:
            await pilot.press("a")
            line = next(each for each in app.fleet.lines if each.key.endswith("-1"))
            app.fleet.find(line.id)
            await pilot.press("enter")
            for _ in range(600):
                if isinstance(app.screen, SessionScreen) and "c?d" in _shown(app, "#text-screen"):
                    break
                await pilot.pause(0.05)
            for part in ("screen", "events", "why", "lineage"):
                assert steers(_shown(app, f"#text-{part}")) == [], part
            assert "c?d" in _shown(app, "#text-screen")
            content = app.screen.query_one("#text-screen", Static).content
            assert isinstance(content, Text)
            assert not any(getattr(span.style, "link", None) for span in content.spans)

    asyncio.run(look())


def _shown(app: Cockpit, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def test_one_room_knows_what_is_harmless() -> None:
    """Its predicate is used by all; the simulator has a form of its own for what it is told."""
    root = Path(marvel.__file__).parent
    own = [
        str(file.relative_to(root)) for file in root.rglob("*.py") if "isprintable" in file.read_text("utf-8")
    ]
    assert sorted(own) == ["simulator/screen.py", "text.py"]


@pytest.mark.parametrize("line", ["run {}", "get sessions --workspace {}", "events --kind {}", "describe {}"])
def test_words_that_are_not_utf_8_are_refused_as_such(evil: Terminal, line: str) -> None:
    assert evil.error(line.format("\udcff"), 2).startswith("error: argument ")
