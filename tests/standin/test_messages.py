"""The real CLIs: messages of all kinds arrive in the API's requests, each once and whole."""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.integration.home import Home
from tests.standin.clis import Cli
from tests.standin.server import Standin
from tests.standin.test_agents import _settled, api, each, home, one, worked  # noqa: F401

pytestmark = [pytest.mark.agents, pytest.mark.timeout(600)]

WAIT_SECONDS = 60.0
ROUNDS = int(os.environ.get("MARVEL_TEST_ROUNDS", "1"))
TEXTS = (
    "one line {}",
    "two lines,\nthe second has the number {}",
    "long {} " + "x" * 5000 + " end",
    "many lines {}\n" + "\n".join(f"line {number} of it" for number in range(60)),
    "größe 漢字 🤖 {}",
)


def arrived(api: Standin, text: str) -> bool:  # noqa: F811
    wanted = "".join(text.split())
    return any(
        wanted in "".join(json.dumps(r, ensure_ascii=False).replace("\\n", "").split()) for r in api.requests
    )


@each
def test_messages_arrive_once_and_whole(home: Home, api: Standin, cli: Cli) -> None:  # noqa: F811
    worked(home, api, cli, "hello there")
    row = one(home, _settled)
    lost = []
    for number in range(ROUNDS * len(TEXTS)):
        text = TEXTS[number % len(TEXTS)].format(f"number-{number}-")
        told = home.marvel("inject", row["key"], "-e", "-", stdin=text, ok=False)
        end = time.monotonic() + WAIT_SECONDS
        while not arrived(api, text) and time.monotonic() < end:
            time.sleep(0.1)
        if not arrived(api, text) or told.returncode:
            lost.append((number, told.stdout, told.stderr, home.marvel("capture", row["key"]).stdout[-1500:]))
        one(home, _settled)
    assert lost == []
