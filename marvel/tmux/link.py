"""One control client: a `tmux -C` process and the socket we share with it.

The client is given one end of a socket pair as stdin, stdout and stderr. It hands the descriptors to
the server, which reads and writes them itself; so both directions are one descriptor here, its end
of file means that server *and* client are gone from it, and when this process dies, however, the
server sees the same. Our end is non-blocking: a stopped server costs nothing but the answers.

Killing the client (it is our child, and never the server) is the clean way to hang up: the server
drops it with whatever was unread.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence

CHUNK_BYTES = 256 * 1024
# A server gets the environment of the client that starts it. One that reaches systemd (tmux 3.7 and newer)
# puts each pane into a scope that is part of the daemon's unit: stopping the unit would end the agents. They
# get the true address with the rest of their environment, which is set in the server before any is started.
NO_BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/dev/null"}
CHUNKS_PER_TURN = 16  # then the owner's loop has its turn; the rest stays readable


class Link:
    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], *, program: str | None = None
    ) -> None:
        """Start a client; `program` is executed instead of `argv[0]`. Raises OSError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                self._client = subprocess.Popen(
                    argv,
                    executable=program,
                    env={**environment, **NO_BUS},
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=theirs.fileno(),
                    cwd="/",  # a server inherits it and must not pin a mount
                    start_new_session=True,  # Ctrl-C in our terminal is not for it
                )
        except BaseException:
            ours.close()
            raise
        self._socket = ours
        self.pid = self._client.pid

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> tuple[bytes, bool]:
        """What there is to read, and whether the other side is still there."""
        chunks: list[bytes] = []
        alive = True
        with contextlib.suppress(BlockingIOError):
            for _ in range(CHUNKS_PER_TURN):
                try:
                    chunk = self._socket.recv(CHUNK_BYTES)
                except ConnectionError:  # closed with something of ours unread
                    chunk = b""
                if not chunk:
                    alive = False
                    break
                chunks.append(chunk)
        return b"".join(chunks), alive

    def write(self, out: bytearray) -> None:
        """Send from the front of `out` what fits. A broken pipe is for `read` to notice."""
        while out:
            try:
                sent = self._socket.send(memoryview(out)[:CHUNK_BYTES])
            except BlockingIOError:
                return
            except OSError:
                out.clear()
                return
            del out[:sent]

    def close(self) -> None:
        """Hang up and leave no child behind."""
        self._socket.close()
        self._client.kill()
        self._client.wait()  # a killed process can't make us wait


def client_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a tmux client. With `TMUX` set it would refuse to nest or talk to another."""
    clean = {name: value for name, value in environment.items() if name not in {"TMUX", "TMUX_PANE"}}
    clean.setdefault("PATH", os.defpath)
    return clean
