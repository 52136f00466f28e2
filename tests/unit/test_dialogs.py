"""Which screens show a dialog or a question, and which only mention one."""

from pathlib import Path

import pytest

from marvel.runtimes import ADAPTERS
from marvel.runtimes.dialogs import described, dialog_on

SCREENS = Path(__file__).resolve().parent.parent / "fixtures" / "screens"


def screens(name: str) -> list[str]:
    """The screens of a file, which `%%` separates."""
    return (SCREENS / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n%%\n")


@pytest.mark.parametrize("screen", screens("questions"))
def test_a_question_of_any_program_is_known_by_its_form(screen: str) -> None:
    assert dialog_on(screen) == "question"
    assert dialog_on(f"a transcript\n> hello\n{screen}\n\n\n", heard=True) == "question"


@pytest.mark.parametrize("screen", screens("no-questions"))
def test_a_screen_that_only_mentions_a_question_shows_none(screen: str) -> None:
    assert dialog_on(screen) == dialog_on("") == ""


@pytest.mark.parametrize("name", [name for name, adapter in ADAPTERS.items() if adapter.dialogs])
def test_an_adapters_dialogs_are_known_by_its_words_until_it_was_heard(name: str) -> None:
    words = ADAPTERS[name].dialogs
    for text, dialog in words:
        wrapped = text.replace(" ", "\n", 1)
        assert dialog_on(f"Welcome\n {wrapped}?\n", words) == dialog
        assert dialog_on(f"I wrote: {text}\n> \n", words, heard=True) == ""


def test_a_dialog_is_described_with_its_article() -> None:
    assert [described(name) for name in ("trust", "API key", "question")] == [
        "a trust dialog",
        "an API key dialog",
        "a question",
    ]
