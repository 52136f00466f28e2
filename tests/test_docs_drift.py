"""Pages that are written by hand and yet must follow the code; links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import pages, writers_of_events
from marvel import config, errors, settings
from marvel.cli import errors as cli_errors
from marvel.cli.mcp import TOOLS
from marvel.simulator.scripting import Helper

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "marvel").rglob("*.py")))
LEAST_LETTERS = 8  # of a part of a message that is looked for


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """What can be linked to in a page: its headings, as MkDocs and GitHub name them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def links(path: Path) -> Iterator[tuple[str, str]]:
    """Targets inside the project, with their anchors."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(path))):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            yield file, anchor


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "just docs writes it anew"


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_every_link_leads_to_a_page_and_a_heading(path: Path) -> None:
    for file, anchor in links(path):
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


def test_every_page_stands_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in sorted(DOCS.rglob("*.md")) if str(page.relative_to(DOCS)) not in nav] == []


@pytest.mark.parametrize("page", ["docs/concepts/guarantees.md", "CONTRIBUTING.md"])
def test_a_test_that_is_named_is_there(page: str) -> None:
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text(encoding="utf-8")))
    assert named
    assert named - there == set()


def test_every_kind_of_event_is_written_by_somebody() -> None:
    assert [name for name, writers in writers_of_events().items() if not writers] == []


def test_every_promise_is_shown_by_a_test() -> None:
    rows = re.findall(r"^\| .* \|$", text_of("concepts/guarantees.md"), re.MULTILINE)
    unshown = [row for row in rows if "`test_" not in row and "---" not in row and "shown by" not in row]
    assert unshown == []


def test_every_message_that_is_explained_is_printed_somewhere() -> None:
    one_line = re.sub(r'"\s*\n\s*f?"', "", SOURCE)
    told = re.findall(r"`error: ([^`]+)`", text_of("guides/troubleshooting.md"))
    assert told
    for message in told:
        for part in re.split(r"…|\bKEY\b|\b[NM]\b|\d+", message):
            words = part.strip(" :,")
            assert len(words) < LEAST_LETTERS or words in one_line, words


def test_every_variable_of_the_environment_is_told() -> None:
    used = set(re.findall(r"\bMARVEL_[A-Z][A-Z_]*[A-Z]\b", SOURCE))
    assert used - set(re.findall(r"`(\w+)`", text_of("reference/environment.md"))) == set()


def test_every_file_and_every_preference_is_told() -> None:
    page = text_of("reference/files.md")
    files = {Path(value).name for value in vars(settings.Paths("/home")).values()} - {"home"}
    assert {file for file in files if f"`{file}" not in page} == set()
    assert re.findall(r"^\| `(\w+)` \| (?:`|none)", page, re.MULTILINE) == list(config.CHECKS)


def test_every_exit_status_is_told() -> None:
    page = text_of("reference/exit-codes.md")
    told = {int(status) for status in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    kinds = [errors.MarvelError, *errors.MarvelError.__subclasses__()]
    assert {kind.exit_code for kind in kinds} <= told
    assert {cli_errors.FAILED, cli_errors.INTERRUPTED, cli_errors.UNREAD} <= told


def test_the_sockets_methods_and_keys_are_told() -> None:
    page = text_of("reference/socket.md")
    loop = (ROOT / "marvel" / "daemon" / "loop.py").read_text(encoding="utf-8")
    handle = loop.partition("def handle(")[2].partition("\n    def ")[0]
    methods = set(re.findall(r'case "(\w+)"', handle))
    assert {"heartbeat"} <= methods <= set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    leases = (ROOT / "marvel" / "daemon" / "leases.py").read_text(encoding="utf-8")
    read = set(re.findall(r'params(?:\.get\(|\[|, )"(\w+)"', leases))
    assert read - set(re.findall(r"`(\w+)`", page)) == set()


def test_the_tools_of_supervisors_are_told() -> None:
    page = text_of("guides/supervising.md")
    assert f"`{' '.join(TOOLS)}`" in page
    assert f"`{' '.join(TOOLS)}`" in text_of("guides/ai-supervisor.md")
    helpers = {name for name in vars(Helper) if not name.startswith("_")}
    assert helpers - set(re.findall(r"\b\w+\b", page)) == set()
