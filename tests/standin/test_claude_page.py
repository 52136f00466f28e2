"""The page about Claude Code, typed with the real claude against a stand-in of its API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.home import Home, until
from tests.pages import ROOT, Desk
from tests.standin.anthropic import Standin
from tests.standin.test_claude import CLAUDE

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(CLAUDE is None, reason="claude is not installed (MARVEL_TEST_CLAUDE names one)"),
]


@pytest.fixture
def answering() -> Iterator[Standin]:
    made = Standin()
    yield made
    made.close()


def test_the_page_shows_what_is_seen(home: Home, answering: Standin) -> None:
    variables = {
        "ANTHROPIC_BASE_URL": answering.url,
        "ANTHROPIC_AUTH_TOKEN": "stand-in",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    desk = Desk(home, **variables)
    trusted = {str(desk.directory): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted}
    (desk.directory / ".claude.json").write_text(json.dumps(known))
    (desk.bin / "claude").symlink_to(str(CLAUDE))
    desk.follow(ROOT / "docs" / "start-claude.md")
    until(lambda: answering.saw("Read README.md"), "its prompt is sent")
