"""Reads an HTTP/1.1 answer that arrives in pieces: its status, its body, and the events of a stream.

Pure and bounded: it is fed bytes and holds at most one line, or one body, of them.
"""

import json
from typing import Any

MAX_LINE_BYTES = 1024 * 1024  # of one event; a longer one is left out
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024
DATA = b"data:"


class BadAnswer(ValueError):
    """What came is no such answer."""


class Body:
    """The body of one answer, freed from its transfer coding. `feed` gives what is new of it."""

    def __init__(self) -> None:
        self.status = 0  # until the head is there
        self.ended = False
        self._head = bytearray()
        self._raw = bytearray()
        self._chunked = False
        self._left: int | None = None  # bytes of the body, or of the present chunk

    def feed(self, data: bytes) -> bytes:
        """What is new of the body. Raises BadAnswer."""
        self._raw += data
        if not self.status and not self._read_head():
            return b""
        return self._chunks() if self._chunked else self._plain()

    def _read_head(self) -> bool:
        head, end, rest = bytes(self._raw).partition(b"\r\n\r\n")
        if not end:
            if len(self._raw) > MAX_HEAD_BYTES:
                raise BadAnswer("a head without an end")
            return False
        first, *lines = head.split(b"\r\n")
        words = first.split()
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise BadAnswer("not an HTTP answer")
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
        }
        self.status = int(words[1][:4])
        self._chunked = b"chunked" in fields.get(b"transfer-encoding", b"").lower()
        length = fields.get(b"content-length", b"")
        self._left = int(length) if length.isdigit() and len(length) < 12 and not self._chunked else None
        self._raw = bytearray(rest)
        return True

    def _plain(self) -> bytes:
        new = bytes(self._raw if self._left is None else self._raw[: self._left])
        self._raw.clear()
        if self._left is not None:
            self._left -= len(new)
            self.ended = self._left <= 0
        return new

    def _chunks(self) -> bytes:
        new = bytearray()
        while not self.ended:
            if self._left is None:
                size, end, rest = bytes(self._raw).partition(b"\r\n")
                if not end:
                    if len(self._raw) > MAX_HEAD_BYTES:
                        raise BadAnswer("a chunk without a size")
                    break
                self._left = _size(size)
                self._raw = bytearray(rest)
                self.ended = self._left == 0
            elif self._left > 0:
                taken = self._raw[: self._left]
                if not taken:
                    break
                new += taken
                del self._raw[: len(taken)]
                self._left -= len(taken)
            elif len(self._raw) < 2:
                break
            else:
                del self._raw[:2]  # the end of line after a chunk
                self._left = None
        return bytes(new)


class Lines:
    """Lines that arrive in pieces; one that is too long is left out."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete by now."""
        found = []
        *lines, rest = data.split(b"\n")
        for line in lines:
            if not self._too_long and len(self._line) + len(line) <= MAX_LINE_BYTES:
                found.append(bytes(self._line + line))
            self._line.clear()
            self._too_long = False
        self._too_long = self._too_long or len(self._line) + len(rest) > MAX_LINE_BYTES
        if self._too_long:
            self._line.clear()
        else:
            self._line += rest
        return found


class Events:
    """Server-sent events whose data is one line of JSON, an object."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The events that are complete by now; what is no JSON object is left out."""
        events = [_event(line) for line in self._lines.feed(data)]
        return [event for event in events if event is not None]


def document(body: bytes) -> Any:
    """A whole body as JSON; None for what is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _event(line: bytes) -> dict[str, Any] | None:
    value = document(line[len(DATA) :]) if line.startswith(DATA) else None
    return value if isinstance(value, dict) else None


def _size(text: bytes) -> int:
    try:
        size = int(text.partition(b";")[0].strip(), 16)
    except ValueError:
        raise BadAnswer("a chunk without a size") from None
    if not 0 <= size <= MAX_BODY_BYTES:
        raise BadAnswer("a chunk that is too large")
    return size
