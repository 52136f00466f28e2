"""What a simulated agent looks like: values in, text out. ASCII only, as a pane may have no UTF-8."""

from __future__ import annotations

BAR_CELLS = (20, 10)  # the longest that fits
SHOWN_CHARACTERS = 2000
WORKING, HUNG = "working", "hung"

CLEAR_BELOW = "\x1b[J"


class Status:
    """What the status line tells. Filled by the loop, read by the functions below."""

    def __init__(self, name: str, generation: str, context_percent: float) -> None:
        self.name = name
        self.generation = generation
        self.context_percent = context_percent
        self.tick = 0
        self.state = WORKING
        self.beat_error = ""  # why the last beat failed; empty: it did not


def bar(percent: float, cells: int) -> str:
    """`[####------]`, `cells` wide inside."""
    filled = min(cells, max(0, int(percent / 100 * cells + 0.5)))
    return "[" + "#" * filled + "-" * (cells - filled) + "]"


def status_line(status: Status, width: int) -> str:
    """One row that fits `width`, its last column left free so that no terminal wraps it.

    A narrow pane shortens the bar, then loses it, then tick and generation; only then text is cut off.
    """
    room = max(0, width - 1)
    meters = [bar(status.context_percent, cells) for cells in BAR_CELLS]
    longest_first = [_words(status, meter) for meter in [*meters, ""]]
    for line in longest_first:
        if len(line) <= room:
            return line
    shortest = f"{status.name} {status.context_percent:.1f}% {_how(status)}"
    return printable(shortest)[:room]


def plain_line(status: Status) -> str:
    """The same for a pipe or a file: no bar, as wide as it needs."""
    return _words(status, "")


def _words(status: Status, meter: str) -> str:
    generation = f"g{status.generation}" if status.generation else ""
    context = f"ctx {status.context_percent:.1f}%"
    words = [status.name, generation, meter, context, f"tick {status.tick}", _how(status)]
    return printable(" ".join(filter(None, words)))


def _how(status: Status) -> str:
    return status.state + (f" no beat: {status.beat_error}" if status.beat_error else "")


def draft_line(text: str, width: int) -> str:
    """What is being typed, its end if it is longer than the row."""
    room = max(0, width - 1 - len("> "))
    shown = printable(text[-room:] if room else "")
    while columns(shown) > room:
        shown = shown[1:]
    return "> " + shown


def received_line(text: str) -> str:
    """What was typed, harmless: received control characters must not steer our terminal."""
    if len(text) > SHOWN_CHARACTERS:
        return f"received: {printable(text[:SHOWN_CHARACTERS])}... ({len(text)} characters)"
    return f"received: {printable(text)}"


def printable(text: str) -> str:
    """`text` with everything a terminal would act on written out, as in `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """Columns `text` takes at most: what is not ASCII may be two wide."""
    return len(text) if text.isascii() else sum(1 if c.isascii() else 2 for c in text)


def replaced(old_rows: list[str], rows: list[str], width: int) -> str:
    """The output that puts `rows` where `old_rows` are, the cursor being at the end of the last.

    After the pane got narrower, the terminal has folded the old rows: they are counted at `width`.
    """
    folded = sum(max(1, -(-columns(row) // max(1, width))) for row in old_rows)
    up = f"\x1b[{folded - 1}A" if folded > 1 else ""
    return "\r" + up + CLEAR_BELOW + "\n".join(rows)
