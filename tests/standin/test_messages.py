"""The real CLIs: messages of all kinds arrive in the API's requests, each once, whole, apart and in order."""

# ruff: noqa: F811  (fixtures are imported)

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.home import Home
from tests.standin.clis import CLIS, Cli
from tests.standin.server import Standin
from tests.standin.test_agents import _param, _settled, api, each, home, one, worked  # noqa: F401
from tests.standin.test_agents import until as rows_until

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]

WAIT_SECONDS = 60.0
TEXTS = (
    "one line {}",
    "two lines,\nthe second has the number {}",
    "5 kB {} " + "x" * 5000 + " end",
    "many lines {}\n" + "\n".join(f"line {number} of it" for number in range(60)),
    "größe 漢字 🤖 {}",
    "/srv/data/file is a path that a message begins with {}",
    "100 kB {}\n" + "\n".join(f"{number:04} " + "y" * 95 for number in range(1000)),
)
FRAME = re.compile(r"</?pasted_content[^>]*>")  # claude 2.1.332, around a long paste
MESSAGES = int(os.environ.get("MARVEL_TEST_MESSAGES", len(TEXTS)))


def messages() -> list[str]:
    return [TEXTS[number % len(TEXTS)].format(f"(number {number})") for number in range(MESSAGES)]


def until(wanted: Callable[[], object], seconds: float = WAIT_SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not wanted():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def arrived(api: Standin, text: str) -> bool:
    return any(text in one for conversation in api.conversations() for one in conversation)


def faults(api: Standin, cli: Cli, texts: list[str]) -> list[str]:
    """Return what is wrong with the texts in the longest conversation that the API saw."""
    last = max(reversed(api.conversations()), key=len, default=[])
    conversation = [FRAME.sub("", text).strip() for text in last]
    if cli.joins:
        joined = "\n\n".join(conversation)
        conversation = [text for text in re.split(r"\n\n", joined) if text]
    found, places = [], []
    for text in texts:
        name = re.findall(r"\(number \d+\)", text)[0]
        exact = [place for place, block in enumerate(conversation) if block == text]
        others = [block for block in conversation if name in block and block != text]
        if len(exact) != 1 or others:
            shown = [(len(other), other[:200], other[-200:]) for other in others]
            found.append(f"{name}: {len(exact)} times whole; otherwise: {shown}")
        places += exact[:1]
    if places != sorted(places):
        found.append(f"not in order: {places}")
    return found


def inject(home: Home, key: str, text: str) -> list[str]:
    """Return what went wrong with a message."""
    done = home.marvel("inject", key, "-e", "-", stdin=text, ok=False)
    if done.returncode == 0 and done.stdout.split()[-1] in ("submitted", "confirmed"):
        return []
    return [f"{text[:40]!r}: {done.stdout}{done.stderr}{home.marvel('capture', key).stdout[-1500:]}"]


def all_arrive(home: Home, api: Standin, texts: list[str]) -> list[str]:
    """Return which texts have not arrived in time; then the agent is idle."""
    until(lambda: all(arrived(api, text) for text in texts))
    lost = [f"{text[:40]!r} did not arrive" for text in texts if not arrived(api, text)]
    one(home, _settled)
    return lost


@each
def test_messages_to_an_idle_agent_arrive_once_whole_and_in_order(
    home: Home,
    api: Standin,
    cli: Cli,
) -> None:
    worked(home, api, cli, "hello there")
    key = one(home, _settled)["key"]
    found = []
    for text in messages():
        found += inject(home, key, text) + all_arrive(home, api, [text])
    assert [*found, *faults(api, cli, messages())] == []


@each
def test_messages_to_a_busy_agent_arrive_once_whole_and_in_order(
    home: Home,
    api: Standin,
    cli: Cli,
) -> None:
    """gemini submits no text that begins with / while it works: that is refused, and sent afterwards."""
    worked(home, api, cli, "hello there")
    key = one(home, _settled)["key"]
    found: list[str] = []
    sent, waiting = [], messages()
    while waiting:
        batch, waiting = waiting[: len(TEXTS)], waiting[len(TEXTS) :]
        late = [text for text in batch if cli.joins and text.startswith("/")]
        now = [text for text in batch if text not in late]
        api.turns.clear()
        calls = len(api.requests)
        found += inject(home, key, f"the turn before {len(waiting)} more")
        one(home, lambda row: row["activity"] == "working" and len(api.requests) > calls)  # noqa: B023
        for text in late:
            refused = home.marvel("inject", key, "-e", "-", stdin=text, ok=False)
            assert (refused.returncode, "while it works" in refused.stderr) == (1, True)
        for text in now:
            found += inject(home, key, text)
        api.turns.set()
        found += all_arrive(home, api, now)
        for text in late:
            found += inject(home, key, text) + all_arrive(home, api, [text])
        sent += now + late
    assert [*found, *faults(api, cli, sent)] == []


HANDOFF = """
[team.role.shift]
handoff = "Write what your successor must know to $MARVEL_HANDOFF."
handoff_timeout = "10m"
"""
QUIET_SECONDS = 4.0  # in which nothing must be typed into a dialog


def said_with(api: Standin, words: str) -> list[str]:
    """Return the texts with these words in the longest conversation that has any."""
    found = [[text for text in texts if words in text] for texts in api.conversations()]
    return max(found, key=len, default=[])


def named(home: Home, name: str, activity: str) -> dict[str, Any]:
    """Return a session by its name, once this is its activity."""

    def fits(row: dict[str, Any]) -> bool:
        return bool(row["name"] == name and row["activity"] == activity)

    return next(row for row in rows_until(home, lambda rows: any(map(fits, rows))) if fits(row))


def answer_dialog(home: Home, api: Standin, name: str, words: str) -> str:
    """Return the message that arrives once a session's dialog is answered; not before."""
    row = named(home, name, "waiting")
    calls = len(api.requests)
    assert not until(lambda: said_with(api, words), QUIET_SECONDS)
    assert len(api.requests) == calls
    assert words not in home.marvel("capture", row["key"]).stdout, home.describe()
    assert named(home, name, "waiting")["uid"] == row["uid"]
    home.marvel("inject", row["key"], "--keys", "Enter")
    screen = lambda: home.marvel("capture", row["key"]).stdout  # noqa: E731
    assert until(lambda: said_with(api, words)), f"{home.describe()}\n{screen()}"
    named(home, name, "idle")
    [text] = said_with(api, words)
    return text.strip()


@each
def test_handoff_and_notice_wait_for_a_dialog_to_be_answered(home: Home, api: Standin, cli: Cli) -> None:
    args = ("--permission-mode", "default") if cli.name == "claude" else ()  # auto mode asks otherwise
    worked(home, api, cli, "use TOOL please", args=args, more=HANDOFF)
    named(home, "t-r-g1-0", "waiting")
    home.marvel("shift", "e/t")
    rows_until(home, lambda _rows: home.events("session.handoff-asked"))
    named(home, "t-r-g2-0", "waiting")
    asked = answer_dialog(home, api, "t-r-g1-0", "Write what your successor")
    path = asked.removeprefix("Write what your successor must know to ").removesuffix(".")
    Path(path).write_text("nothing")
    rows_until(home, lambda _rows: home.events("session.handoff-passed"))
    told = answer_dialog(home, api, "t-r-g2-0", "You take over from")
    assert told == f"You take over from t-r-g1-0. What it left for you is in {path}"
    assert len(said_with(api, "Write what your successor")) == 1


@pytest.mark.parametrize("cli", [_param(cli) for cli in CLIS if cli.name == "claude"])
def test_a_fullscreen_claude_has_a_scrollback_under_marvel(home: Home, api: Standin, cli: Cli) -> None:
    settings = home.path / "user" / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"tui": "fullscreen"}))
    worked(home, api, cli, "hello there")
    row = one(home, _settled)
    lines = [f"row {number} of it" for number in range(120)]
    home.marvel("inject", row["key"], "-e", "-", stdin="\n".join(lines))
    assert until(lambda: arrived(api, lines[-1]))
    one(home, _settled)
    shown = home.marvel("capture", row["key"], "-S", "-").stdout
    assert [line for line in lines if line not in shown] == []
