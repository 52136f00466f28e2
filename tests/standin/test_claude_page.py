"""The page about Claude Code, typed with the real claude against a stand-in of its API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.home import Home, until
from tests.pages import ROOT, Desk
from tests.standin.clis import CLIS
from tests.standin.server import Standin

CLAUDE = next(cli for cli in CLIS if cli.name == "claude")

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(
        CLAUDE.binary is None, reason=f"claude is not installed ({CLAUDE.variable} names one)"
    ),
]


@pytest.fixture
def answering() -> Iterator[Standin]:
    made = Standin()
    yield made
    made.close()


def test_the_page_shows_what_is_seen(home: Home, answering: Standin) -> None:
    desk = Desk(home)
    desk.environ |= CLAUDE.set_up(desk.directory, desk.directory, answering.url).env
    known = json.loads((desk.directory / ".claude.json").read_text())
    known["projects"] = {str(desk.directory): {"hasTrustDialogAccepted": True}}  # as its reader was told
    (desk.directory / ".claude.json").write_text(json.dumps(known))
    (desk.bin / "claude").symlink_to(str(CLAUDE.binary))
    desk.follow(ROOT / "docs" / "start-claude.md")
    until(lambda: answering.saw("Read README.md"), "its prompt is sent")
