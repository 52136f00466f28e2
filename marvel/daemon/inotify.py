"""The kernel's word on files touched in one directory."""

import contextlib
import ctypes
import os
import struct

_ATTRIB, _CLOSE_WRITE, _MOVED_TO = 0x00000004, 0x00000008, 0x00000080
_DELETE_SELF, _MOVE_SELF, _ONLYDIR = 0x00000400, 0x00000800, 0x01000000
_OVERFLOW, _IGNORED = 0x00004000, 0x00008000
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name
READ_BYTES = 64 * 1024
MAX_READS = 16  # at once, some 2,000 names each


class Inotify:
    """One watch on one directory; where the kernel has none left, `fileno` is None."""

    def __init__(self, directory: str) -> None:
        self.lost = False  # the directory is gone, and the watch with it
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int | None = libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self._fd is not None and self._fd < 0:
            self._fd = None
        mask = _ATTRIB | _CLOSE_WRITE | _MOVED_TO | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
        if self._fd is not None and libc.inotify_add_watch(self._fd, os.fsencode(directory), mask) < 0:
            self.close()

    def fileno(self) -> int | None:
        """What to select on."""
        return self._fd

    def read(self) -> tuple[list[str], bool]:
        """Names that were touched, once each, and whether some may have been lost."""
        names: dict[str, None] = {}
        overflowed = False
        for data in self._chunks():
            at = 0
            while at < len(data):
                _, mask, _, length = _HEADER.unpack_from(data, at)
                at += _HEADER.size
                name = os.fsdecode(data[at : at + length].rstrip(b"\0"))
                at += length
                overflowed = overflowed or bool(mask & _OVERFLOW)
                self.lost = self.lost or bool(mask & (_DELETE_SELF | _MOVE_SELF | _IGNORED))
                if name:
                    names[name] = None
        return list(names), overflowed

    def close(self) -> None:
        """Stop watching."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _chunks(self) -> list[bytes]:
        chunks: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while self._fd is not None and len(chunks) < MAX_READS:
                chunks.append(os.read(self._fd, READ_BYTES))
        return chunks
