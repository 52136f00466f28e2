"""Whatever a text holds: on a terminal it steers nothing, hides nothing and turns nothing."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st
from rich.text import Text

from marvel.runtimes.values import text as told
from marvel.text import coloured, harmless, is_plain, printable, without_sequences

NASTY = (
    "\x1bc",  # resets the terminal
    "\x1b]52;c;cHduZWQ=\x07",  # writes its clipboard
    "\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\",
    "\x9b2J",
    "\x90q\x9c",
    "\x1b[31;1m",
    "\x1b[2J",
    "\x1b",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200d",
    "\u200c",
    "\ufeff",
    "\u3164",
    "\U000e0041",
    "\ufe0f",
    "\u2028",
    "\ud800",
    "é日👨",
)
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=12).map("".join)


def steering(text: str) -> set[str]:
    """Characters of a text that a terminal obeys, that can't be seen, or that turn what is read.

    Joiners are left out: they have a test of their own.
    """
    hidden = {chr(code) for code in (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0)}
    return {
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or c in hidden
        or 0xE0000 <= ord(c) < 0xE1000
    } - set("\t\n\u200c\u200d")


@given(texts)
@example("".join(NASTY))
def test_one_line_is_one_line_and_all_of_it_is_seen(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not steering(shown)
    assert not set("\u200c\u200d") & set(shown)
    assert len(shown) == len(text)
    assert (shown == text) == is_plain(text) or text == shown.replace("?", " ")
    assert printable(shown) == shown
    shown.encode()


@given(texts)
@example("".join(NASTY))
def test_lines_of_a_screen_have_nothing_that_steers(text: str) -> None:
    shown = harmless(text)
    assert not steering(shown)
    assert harmless(shown) == shown
    assert len(shown) == len(text)
    shown.encode()


@given(texts)
@example("".join(NASTY))
@example("\x1b]8;;x\x1b\\a\x1b[1mb\x1b]8;;\x1b\\")
def test_a_coloured_screen_has_its_colours_and_nothing_else(text: str) -> None:
    shown = coloured(text)
    assert not steering(COLOUR.sub("", shown))
    drawn = Text.from_ansi(shown)
    assert not steering(drawn.plain)
    assert not any(getattr(span.style, "link", None) for span in drawn.spans)


@given(texts)
def test_a_joiner_stays_between_letters_that_it_can_join(text: str) -> None:
    shown = harmless(text)
    for at, c in enumerate(shown):
        if c in "\u200c\u200d":
            around = shown[at - 1 : at] + shown[at + 1 : at + 2]
            assert len(around) == 2
            assert not around.isascii()
            assert not set("\u200c\u200d") & set(around)


@given(texts)
def test_what_an_agent_says_of_itself_is_kept_without_what_does_not_show(text: str) -> None:
    assert is_plain(told({"x": text}, "x"))


def test_what_is_written_for_people_stays_as_it_is() -> None:
    family = "👨\u200d👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648 ❤\ufe0f\té日\n"
    assert harmless(family) == family
    assert printable("❤\ufe0f é日") == "❤\ufe0f é日"
    assert coloured("\x1b[1;31mred\x1b[0m\n") == "\x1b[1;31mred\x1b[0m\n"
    assert without_sequences("a\x1b[2Jb\x1b]0;title\x07c\x1bcd\x1b(Be") == "abcde"
