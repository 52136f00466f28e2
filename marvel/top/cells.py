"""Lines of the fleet as text, for any width: words and signs first, colour only on top of them. Pure."""

from collections.abc import Callable
from typing import Any, NamedTuple

from marvel.cli import listing
from marvel.cli.table import ABSENT, COLOURS, width
from marvel.cli.times import age
from marvel.cli.view import clip
from marvel.text import printable
from marvel.top.picture import needs_you
from marvel.top.tree import FULL_PERCENT, Line, summary

Row = dict[str, Any]
Span = tuple[str, str]  # text, and the name of its style; empty: plain

GOOD, WARN, BAD, DIM, HEAD = "green", "yellow", "red", "dim", "bold"
ANSI = {"\x1b[32m": GOOD, "\x1b[33m": WARN, "\x1b[31m": BAD, "\x1b[2m": DIM}
SPARKS = "▁▂▃▄▅▆▇█"
MEDIUM, WIDE = 100, 160  # columns from which there is room for more
NAME_LEAST, NAME_MOST = 16, 40
SHORT = {"HEALTH": "HLTH", "crashloop-backoff": "backoff", "compacting": "compact"}
HEALTH = {"healthy": "ok", "unhealthy": "BAD", "unknown": "?"}


class Column(NamedTuple):
    """One column: its cells at the widths there are, 0 where it has no room."""

    header: str
    sizes: tuple[int, int, int]  # narrow, medium, wide
    cell: Callable[[Row, int, float, tuple[float, ...]], Span]
    right: bool = False


def bar(share: float, size: int) -> str:
    """A share of 1 as a bar."""
    full = round(min(1.0, max(0.0, share)) * size)
    return "█" * full + "░" * (size - full)


def sparkline(trail: tuple[float, ...], size: int) -> str:
    """The newest readings in percent, one character each."""
    marks = [SPARKS[min(len(SPARKS) - 1, int(value / 100 * len(SPARKS)))] for value in trail[-size:]]
    return "".join(marks).rjust(size)


def header(columns: int) -> str:
    """The names of the columns."""
    cells = [
        _padded(_short(column.header, size), size, right=column.right) for column, size in _layout(columns)
    ]
    return clip(" ".join([_padded("NAME", _name_size(columns)), *cells]), columns)


def spans(line: Line, columns: int, now: float, trail: tuple[float, ...] = ()) -> list[Span]:
    """A line as pieces of text."""
    if line.session is None:
        return _fitted(_group(line, columns, now), columns)
    session = line.session
    size = _name_size(columns)
    made: list[Span] = [(_padded(_name(line, size), size), WARN if needs_you(session) else "")]
    for column, taken in _layout(columns):
        text, style = column.cell(session, taken, now, trail)
        made += [(" ", ""), (_padded(text, taken, right=column.right), style)]
    return _fitted(made, columns)


def shift_words(shift: Row, size: int, now: float) -> str:
    """How far a shift is, and what it waits for."""
    if shift["waits_for"]:
        return f"shift waits for {shift['blocked']}"
    way = f"g{shift['from_generation'] or '?'}→g{shift['to_generation'] or '?'}"
    done = bar(shift["ready"] / max(1, shift["replicas"]), size)
    parts = [f"shift {way} {done} {shift['ready']}/{shift['replicas']}"]
    parts.append(f"{shift['old']} old" if shift["old"] else "")
    note = listing.shift_note(shift, now)
    parts += [shift["phase"], f"waits for {shift['blocked']}" if shift["blocked"] else note]
    return ", ".join(part for part in parts if part not in ("", ABSENT))


def _layout(columns: int) -> list[tuple[Column, int]]:
    sized = [(column, column.sizes[_step(columns)]) for column in COLUMNS]
    shown = [(column, size) for column, size in sized if size]
    left = columns - NAME_MOST - sum(size + 1 for _, size in shown)
    if left > 0 and columns >= WIDE:
        shown[-1] = (shown[-1][0], shown[-1][1] + left)
    return shown


def _step(columns: int) -> int:
    return (columns >= MEDIUM) + (columns >= WIDE)


def _name_size(columns: int) -> int:
    taken = sum(size + 1 for _, size in _layout(columns))
    return max(NAME_LEAST, min(NAME_MOST, columns - taken))


def _group(line: Line, columns: int, now: float) -> list[Span]:
    mark = "▸" if line.folded else "▾"
    name = line.key if line.kind in ("waits", "workspace") else line.key.rpartition("/")[2]
    made = [("  " * line.depth + f"{mark} {printable(name)}  ", WARN if line.kind == "waits" else HEAD)]
    told = summary(line)
    if line.shift is not None and columns < WIDE:
        told = told.partition(" · ")[0]  # the shift needs the room
    made.append((told, DIM))
    if line.shift is not None:
        told = shift_words(line.shift, 8 if columns < WIDE else 16, now)
        made.append((f"  {printable(told)}", WARN))
    return made


def _name(line: Line, size: int) -> str:
    session = line.session or {}
    short = str(session["name"]).removeprefix(f"{session['team']}-")
    text = short if line.depth == 3 else line.key  # of a tree, whose team stands above it
    mark = "!" if needs_you(session) else " "
    before = "  " * max(0, line.depth - 1) + f"{mark} "
    room = size - len(before)
    text = printable(text)
    return before + (text if width(text) <= room else f"…{text[1 - room :]}")  # its end tells it apart


def _padded(text: str, size: int, *, right: bool = False) -> str:
    if width(text) > size:
        text = clip(text, size - 1) + "…"
    space = " " * (size - width(text))
    return space + text if right else text + space


def _fitted(made: list[Span], columns: int) -> list[Span]:
    """As much of a line as there is room for."""
    fitted, left = [], columns
    for text, style in made:
        shown = clip(text, left)
        fitted.append((shown, style))
        left -= width(shown)
        if left <= 0:
            break
    return fitted


def _short(word: str, size: int) -> str:
    """A word, or another for it where it has no room."""
    return SHORT.get(word, word) if size < len(word) else word


def _style(word: str) -> str:
    return ANSI.get(COLOURS.get(word, ""), "")


def _state(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    word = str(s["state"])
    return _short(word, size), _style(word)


def _health(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    word = str(s["health"])
    return HEALTH.get(word, word) if size < len(word) else word, _style(word)


def _activity(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    if not s["activity"] or s["state"] != "running":
        return ABSENT, DIM
    word = str(SHORT.get(s["activity"], s["activity"]))
    since = f" {age(now - s['activity_since'])}" if s["activity_since"] is not None else ""
    return word + since, _style(s["activity"])


def _context(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    percent = s["context_percent"]
    if percent is None:
        return ABSENT.rjust(3), DIM
    drawn = size - 6  # beside the number and the gaps
    text = f"{percent:3.0f}% {bar(percent / 100, drawn // 2)} {sparkline(trail, drawn - drawn // 2)}"
    return text, BAD if percent >= 95 else WARN if percent >= FULL_PERCENT else ""


def _restarts(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    return str(s["restarts"]), WARN if s["restarts"] else DIM


def _generation(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    return ABSENT if s["generation"] is None else f"g{s['generation']}", ""


def _age(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    return age(now - s["created_at"]), ""


def _model(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    return printable(s["model"] or listing.agent(s)), ""


def _cost(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    return (ABSENT, DIM) if s["cost_usd"] is None else (f"${s['cost_usd']:.2f}", "")


def _note(s: Row, size: int, now: float, trail: tuple[float, ...]) -> Span:
    note = listing.session_note(s, now)
    return ("", "") if note == ABSENT else (printable(note), DIM)


COLUMNS = (
    Column("STATE", (9, 10, 17), _state),
    Column("HEALTH", (4, 9, 9), _health),
    Column("ACTIVITY", (12, 15, 15), _activity),
    Column("CONTEXT", (16, 20, 34), _context),
    Column("RST", (3, 3, 4), _restarts, right=True),
    Column("GEN", (3, 3, 4), _generation, right=True),
    Column("AGE", (4, 4, 5), _age, right=True),
    Column("MODEL", (0, 0, 16), _model),
    Column("COST", (0, 7, 8), _cost, right=True),
    Column("NOTE", (0, 0, 1), _note),  # and what is left of the line
)
