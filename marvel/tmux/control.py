"""Control mode, the pure half: bytes from a control client → the replies to our requests.

tmux answers each command (not each line) with a block::

    %begin 1795570583 270 1          time, number of the command, flags
    ...output, raw...
    %end 1795570583 270 1            or %error, with the message as output

and puts notifications (`%window-add @1`) between blocks, never inside. How many blocks a line makes
depends on what it does, and a command that a hook runs answers in a block of its own, whose flags are 0;
so a request is framed by a **sentinel**: a `display-message -p TOKEN` on a
line of its own after it. All lines up to the token are the reply.

Output is raw, and what an agent printed on its screen is output of `capture-pane`: it may well
look like `%end …`. So the frame does not rest on blocks at all, only on a token that can't be guessed,
and a block with foreign text in it is read with `greedy`: it ends at the *last* line that may end it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec


class Block(msgspec.Struct, frozen=True):
    """The answer to one command."""

    ok: bool
    lines: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """Output as text. Bytes that are not UTF-8 are replaced: captured text is only data."""
        return b"\n".join(self.lines).decode("utf-8", "replace")


class Framer:
    """Cuts the stream at the expected tokens, in their order.

    `notices` may hold lines of captured text that only look like notifications. They are hints: act
    on one only by doing what is harmless when it was a lie.
    """

    def __init__(self) -> None:
        self._expected: deque[bytes] = deque()
        self._partial = bytearray()
        self._lines: list[bytes] = []
        self._stray: deque[bytes] = deque(maxlen=20)  # said unasked; shown if tmux then hangs up
        self.notices: list[bytes] = []  # notifications not yet looked at

    def expect(self, token: bytes) -> None:
        self._expected.append(token)

    def feed(self, data: bytes) -> list[list[bytes]]:
        """Replies completed by `data`, each as its lines."""
        self._partial += data
        if b"\n" not in data:
            return []
        *lines, rest = self._partial.split(b"\n")
        self._partial = bytearray(rest)
        return [reply for line in lines if (reply := self._line(bytes(line))) is not None]

    def _line(self, line: bytes) -> list[bytes] | None:
        if not self._expected:
            self._lines.clear()
            self._stray.append(line)
        if line.startswith(b"%") and not line.startswith((b"%begin ", b"%end ", b"%error ")):
            self.notices.append(line)
        if not self._expected:
            return None
        if line != self._expected[0]:
            self._lines.append(line)
            return None
        self._expected.popleft()
        reply, self._lines = self._lines, []
        if reply and reply[-1].startswith(b"%begin "):
            reply.pop()  # opened the sentinel's own block; its %end will be the next reply's first line
        return reply

    def last_words(self) -> str:
        """What was said before the stream ended, without the protocol: an error message, usually."""
        lines = [*self._stray, *self._lines, bytes(self._partial)]
        words = [line.decode("utf-8", "replace") for line in lines[-20:] if line and line[:1] != b"%"]
        return "; ".join(words[-3:])


_FROM_HERE = b"1"  # the flags of a block that answers a command of this client; a hook's has 0


def blocks(lines: Sequence[bytes], *, greedy: int | None = None) -> list[Block]:
    """The blocks of one reply. Block number `greedy` holds foreign text: it runs to the last line
    that can end it. Lines between blocks (notifications) are not ours to read here, and what the
    commands of hooks said is no answer.
    """
    found: list[Block] = []
    at = 0
    while at < len(lines):
        if not lines[at].startswith(b"%begin "):
            at += 1
            continue
        ends = (b"%end " + lines[at][7:], b"%error " + lines[at][7:])
        span = range(at + 1, len(lines))
        close = next(
            (i for i in (reversed(span) if len(found) == greedy else span) if lines[i] in ends), None
        )
        if close is None:
            break
        if lines[at].endswith(b" " + _FROM_HERE):
            found.append(Block(lines[close] == ends[0], tuple(lines[at + 1 : close])))
        at = close + 1
    return found


def printed(lines: Sequence[bytes]) -> list[bytes]:
    """The lines that the commands of one reply printed."""
    return [line for block in blocks(lines) if block.ok for line in block.lines]
