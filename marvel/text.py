"""Text that others wrote, for a terminal: nothing in it steers one, hides, or turns the order of reading.

What an agent prints, says of itself and writes into its files, and every text of a manifest, is shown through
`printable` (one line), `harmless` (lines) or `coloured` (lines with their colours), and through nothing else.
"""

TYPE_CHECKING = False  # the name is known to type checkers; importing typing would import re
if TYPE_CHECKING:
    import re

UNSEEN = "?"  # in place of what would steer, hide or turn

# Controls, what turns the direction of writing, and what takes no room though it is there. Not among them:
# the two variation selectors of emoji, and the joiners of letters, for which there is a rule of their own.
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_JOINERS = "\u200c\u200d"
_STEERS = f"[{_HIDDEN}]"
_JOINS = f"[{_JOINERS}]"
_COLOURS = r"(\x1b\[[0-9;:]*m)"
# Whole sequences: CSI; OSC, DCS, SOS, PM and APC with their text; and those of two or three characters.
_SEQUENCES = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]+[0-~]|\x1b[0-Z\\`-~]"
)


def is_plain(text: str) -> bool:
    """Whether a text of one line is all that it seems to be."""
    if text.isascii():
        return text.isprintable()
    return text.isprintable() and not _compiled(_STEERS).search(text)


def printable(text: str) -> str:
    """Return one line: blanks become spaces, what does not print becomes `?`."""
    if is_plain(text):
        return text
    steers = _compiled(_STEERS)
    return "".join(
        c if c.isprintable() and not steers.match(c) else " " if c.isspace() else UNSEEN for c in text
    )


def harmless(text: str) -> str:
    """Return lines of a screen: all that shows, joined letters too, but nothing that steers a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return _compiled(_JOINS).sub(_joiner, _compiled(_STEERS).sub(UNSEEN, text))


def without_sequences(text: str) -> str:
    """Return a text without the sequences that make sense to a terminal only; colours are some of them."""
    return _compiled(_SEQUENCES).sub("", text) if "\x1b" in text or not text.isascii() else text


def coloured(text: str) -> str:
    """Return lines of a screen with their colours, and nothing else that a terminal obeys."""
    parts = _compiled(_COLOURS).split(text)  # texts, with a colour between each two
    return "".join(
        part if number % 2 else harmless(without_sequences(part)) for number, part in enumerate(parts)
    )


def _compiled(pattern: str) -> "re.Pattern[str]":
    """Compile a pattern, or find it compiled: `get` shows plain texts mostly, and must not pay for `re`."""
    import re

    return re.compile(pattern)


def _joiner(found: "re.Match[str]") -> str:
    """Keep a joiner between two letters or signs that are not ASCII: elsewhere it joins nothing."""
    text, at = found.string, found.start()
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return found[0] if len(around) == 2 and not any(c.isascii() or c in _JOINERS for c in around) else UNSEEN
