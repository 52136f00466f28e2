"""Finds a dialog or question on an agent's screen. Pure: text in, name out.

Each adapter has the words of its own first-run dialogs. Questions of any program are recognized by their
form: a list of choices, a request for yes or no, "Enter to confirm", a password. They count only where a
program that waits for an answer shows them: at the bottom of the screen, with no composer below. The
transcript of an agent that writes about such a question has the same words further up.
"""

import re
from collections.abc import Sequence

QUESTION = "question"  # of a program whose dialogs no adapter knows

_BOTTOM_ROWS = 20  # from the bottom, that can belong to an open question
_FOOTER_ROWS = 4  # from the bottom, that can hold the hint of an open dialog
_FRAME = " \t\xa0│┃|║╎┆╭╮╰╯─━═┌┐└┘▌▐"  # drawn around dialogs and composers

_MARKS = "❯›>▶▸●◉➤→*"  # noqa: RUF001 (of the choice that Enter would take)
_MARKED = rf"(?:^|[\s│┃|])[{_MARKS}]\s*"
_NUMBERED = r"[\[(]?\d{1,2}[.)\]]\s+\S"
_MARKED_NUMBER = re.compile(_MARKED + _NUMBERED)
_NUMBER = re.compile(rf"(?:^|\s){_NUMBERED}")
_ANSWER = r"(?:yes|no|ok|allow|deny|trust|accept|approve|reject|continue|cancel|confirm|exit|quit)\b"
_MARKED_FIRST = re.compile(rf"{_MARKED}[\[(]?\d{{1,2}}[.)\]]\s+{_ANSWER}", re.IGNORECASE)
_BOX = r"(?:\[[ xX*]\]\s*|[-○◯☐]\s*)?"
_MARKED_WORD = re.compile(rf"{_MARKED}{_BOX}(?:{_ANSWER}|run\b)", re.IGNORECASE)
_WORD = re.compile(rf"^{_BOX}{_ANSWER}", re.IGNORECASE)
_COMPOSER = re.compile(rf"^[❯›>]\s*(?:$|(?!{_NUMBERED}|{_ANSWER})\S)", re.IGNORECASE)  # noqa: RUF001

_YES_NO = re.compile(
    r"""(?xi)
    [\[(] y(?:es)? [\])]? (?:es)? \s* (?:/|,|\bor\b|\|) \s* [\[(]? no? \b
      (?P<rest> [^\n]{0,60}) $  # [y/N] (Y)es/(N)o (yes/no/…)
    | \b y(?:es)? / no? \b \W* $
    | \b type \s+ ['"`]? y(?:es)? \b [^\n]{0,40} $
    | [\[(] y (?:es|n)? [\])] \W* $  # (y) [yN]
    | < \s* (?:yes|ok) \s* >  # a button
    | ^ (?:rm|cp|mv|ln) :\s .{1,300} \? $
    """
)
_ANSWERED = re.compile(r"[\])?:]\s+\S*\w$")  # the rest of a row in which something was typed already
_SECRET = re.compile(
    r"(?i)\b(?:password|passphrase|passcode|pin)\b[^:]{0,80}:$|\b(?:username for|enter a value)\b.{0,80}:$"
)
_ARROWS = r"\buse (?:the )?arrow(?:s|\s*keys)?\b"
_CHOOSE = re.compile(rf"(?i){_ARROWS}")
_FOOTER = re.compile(
    r"(?i)\b(?:enter|return|⏎|↵) to (?:confirm|select|continue|accept|approve|proceed|choose|submit)\b"
    r"|\bpress (?:any key|enter|return)\b(?! to send)"
    r"|\bhit (?:any key|enter|return)\b"
    r"|\b(?:enter|return|⏎|↵) (?:confirm|select|submit)\b"
    r"|" + _ARROWS
)


def dialog_on(screen: str, words: Sequence[tuple[str, str]] = (), *, heard: bool = False) -> str:
    """Return the dialog that a screen shows (`trust`, `login`, `question`, …); empty if it shows none.

    `words` are an adapter's: text and the dialog it belongs to. They are of first-run dialogs, and count
    only until the agent was `heard`.
    """
    if words and not heard:
        shown = " ".join(screen.split())
        if found := next((name for text, name in words if text in shown), ""):
            return found
    return QUESTION if _asks(screen) else ""


def rows_of(screen: str) -> list[str]:
    """Return a screen row by row, without empty rows and the frames of dialogs and composers."""
    return [row for line in screen.splitlines() if (row := line.strip(_FRAME))]


def without(own: str, screen: str) -> str:
    """Return a screen without the rows of a text that was typed into it; all of it where the text is not.

    A text whose rows are gone has left the composer, or a dialog covers it.
    """
    rows = rows_of(screen)
    bare = [_bare(row) for row in rows]
    typed = "".join(map(_bare, rows_of(own)))
    if typed not in "".join(bare):
        return screen
    return "\n".join(row for row, text in zip(rows, bare, strict=True) if text not in typed)


def described(dialog: str) -> str:
    """Return a dialog as a noun phrase: `a trust dialog`, `an API key dialog`, `a question`."""
    if dialog == QUESTION:
        return "a question"
    return f"{'an' if dialog[:1].lower() in 'aeiou' else 'a'} {dialog} dialog"


def _bare(row: str) -> str:
    return "".join(row.lstrip(_MARKS).split())


def _asks(screen: str) -> bool:
    """Whether the bottom of a screen is a question that waits for an answer."""
    rows = rows_of(screen)[-_BOTTOM_ROWS:]
    if not rows:
        return False
    last = rows[-1]
    yes_no = _YES_NO.search(last)
    if _SECRET.search(last) or (yes_no and not _ANSWERED.search(yes_no["rest"] or "")):
        return True
    composer = max((place for place, row in enumerate(rows) if _COMPOSER.search(row)), default=-1)
    if composer > 0 and _CHOOSE.search(rows[composer - 1]):
        return True  # the mark is that of a choice: the hint above it says so
    below = rows[composer + 1 :]
    return any(_FOOTER.search(row) for row in below[-_FOOTER_ROWS:]) or _chooses(rows, composer)


def _chooses(rows: list[str], composer: int) -> bool:
    """Whether a list of choices with a marked one stands below the last composer."""
    for place in range(composer + 1, len(rows)):
        row, before, after = rows[place], rows[max(0, place - 2) : place], rows[place + 1 :]
        near = [*before, *after[:3]]
        if _MARKED_NUMBER.search(row):
            others = [*before, *after]  # a choice may have a long description
            if len(_NUMBER.findall(row)) > 1 or any(_NUMBER.search(other) for other in others):
                return True
            if _MARKED_FIRST.search(row) and any("?" in text for text in (row, *before)):
                return True  # the other choices do not fit on the screen
        elif _MARKED_WORD.search(row) and any(_WORD.search(other) for other in near):
            return True
    return False
