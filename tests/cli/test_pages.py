"""Every command of the documentation is typed, page by page, and what a page shows is what is seen."""

from pathlib import Path

import pytest

from tests.integration.home import Home
from tests.pages import ROOT, Desk, Typed, blocks

ELSEWHERE = {"start-claude.md"}  # with a stand-in of its API: tests/standin
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if page.name not in ELSEWHERE and any(isinstance(block, Typed) for block in blocks(page))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_is_what_is_seen(home: Home, page: Path) -> None:
    Desk(home).follow(page)
