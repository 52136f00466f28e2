"""Quoting for tmux's own command parser.

A line sent to a control client is parsed by tmux, not by a shell. Inside double quotes that parser
gives a meaning to four characters: `\\` escapes, `"` ends, `$NAME` is replaced by a variable and `~`
by a home directory. Everything else is literal, except what would end the line. Control bytes are
written as three octal digits, so that a value always stays on its line, and so is 0xFF, which the
parser would take for the end of its input (a signed char, -1). NUL can't be written at all.

Some arguments (`-c`, `-n`, `-F`, targets of `display-message`) are then expanded as *formats* by the
command that takes them, where `#` starts something: `plain()` makes a value come out as it went in.
"""

from __future__ import annotations

from collections.abc import Iterable

_SPECIAL = frozenset(b'\\"$~')
_TABLE = tuple(
    b"\\%03o" % byte
    if byte < 0x20 or byte in {0x7F, 0xFF}
    else b"\\" + bytes((byte,))
    if byte in _SPECIAL
    else bytes((byte,))
    for byte in range(256)
)
_NEEDS_WORK = frozenset(byte for byte in range(256) if _TABLE[byte] != bytes((byte,)))


def encode(value: str) -> bytes:
    """The bytes behind a string of the operating system; undecodable ones come back as they were."""
    return value.encode("utf-8", "surrogateescape")


def quote(value: str) -> bytes:
    """One argument, whatever is in it (but NUL), for tmux's parser."""
    data = encode(value)
    if 0 in data:
        raise ValueError("a NUL byte can't be passed to a process")
    if _NEEDS_WORK.isdisjoint(data):
        return b'"' + data + b'"'
    return b'"' + b"".join([_TABLE[byte] for byte in data]) + b'"'


def plain(value: str) -> str:
    """A value for an argument that tmux expands as a format, so that it comes out unchanged.

    `##` is a `#`, but not before `[`: there it begins a style and stays as it is. So such a bracket is
    written as a format whose value is a bracket.
    """
    return value.replace("#", "##").replace("##[", "###{l:[}")


def command(name: str, *args: str) -> bytes:
    """One command; every argument is quoted, so none can become a second command."""
    return b" ".join([name.encode(), *map(quote, args)])


def sequence(commands: Iterable[bytes]) -> bytes:
    """Commands on one line: tmux runs them without anything in between, and an error ends the line."""
    return b" ; ".join(commands)


def either(pane: str, condition: str, then: Iterable[bytes], otherwise: Iterable[bytes]) -> bytes:
    """`then` if the format `condition` is true of `pane`, else `otherwise`; decided inside tmux.

    The branches travel as strings, not as `{ }` blocks, because blocks are kept and printed again
    by versions before 3.3. A pane that does not exist makes tmux evaluate the condition on whatever
    pane is current, so a condition must name the pane it means.
    """
    parts = [sequence(then).decode("utf-8", "surrogateescape")]
    parts.append(sequence(otherwise).decode("utf-8", "surrogateescape"))
    return command("if-shell", "-F", "-t", pane, condition, *parts)
