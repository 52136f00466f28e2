"""What has to be known about processes around tmux, from /proc: ours, and what others left behind.

**Stale control clients.** A control client ends when its controller does, unless replies were left
unread: then tmux keeps it for ever, waiting to get rid of them, and `kill-server` waits with it. So
each of our clients carries the pid of its controller in its arguments, and one whose parent is no
longer that process is ended by the next one to connect. Clients of living controllers, and those of
other programs, are left alone. They are found in /proc: from 3.7 on `list-clients` leaves them out.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from pathlib import Path

MARK = "marvel-controller:"  # + pid, an argument of each of our control clients


def mark() -> str:
    return f"{MARK}{os.getpid()}"


# Of a process that has ended, or that others hide from us. What else goes wrong tells nothing.
_NOT_OURS = (FileNotFoundError, ProcessLookupError, PermissionError)


def _arguments(pid: int) -> list[str]:
    """The words a process was started with; none of one that is gone or not ours. Raises OSError."""
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()
    except _NOT_OURS:
        return []
    return os.fsdecode(data).split("\0")


def stat(pid: int) -> tuple[str, int] | None:
    """State letter and parent of a process; None when there is none. Raises OSError."""
    try:
        data = Path(f"/proc/{pid}/stat").read_bytes()
    except _NOT_OURS:
        return None
    state, parent = data.rpartition(b")")[2].split()[:2]  # the name in ( ) may hold anything
    return state.decode(), int(parent)


def carries(pid: int, variable: str, value: str) -> bool:
    """Whether a process was started with a variable in its environment."""
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{variable}={value}".encode(errors="surrogateescape") in environ.split(b"\0")


def _is_stale(pid: int, path: Path) -> bool:
    try:
        # A server that one of our clients started has the same arguments, and no parent but init either.
        if _name(pid) != b"tmux: client\n":
            return False
        words = _arguments(pid)
        if str(path) not in words:
            return False
        controller = next((word for word in words if word.startswith(MARK)), None)
        found = stat(pid)
        if controller is None or found is None:
            return False
        return os.stat(f"/proc/{pid}").st_uid == os.geteuid() and found[1] != int(controller[len(MARK) :])
    except (OSError, ValueError):
        return False


def end_stale_clients(path: Path) -> list[int]:
    """Kill our control clients of the server at `path` whose controllers are dead."""
    ended: list[int] = []
    for pid in stale_clients(path):
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            # Asked again with the handle open: from here on the pid can't become another process.
            if _is_stale(pid, path):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                ended.append(pid)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
    return ended


def stale_clients(path: Path) -> list[int]:
    """Return the pids of our control clients of the server at `path` whose controllers are dead."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return []  # found by the next one to connect
    return [int(name) for name in names if name.isdigit() and _is_stale(int(name), path)]


def listener(path: Path) -> int | None:
    """The pid of the server that listens at `path`; None if nobody does; 0 if that can't be told.

    A connection is made and dropped at once. It succeeds even if the server is stopped.
    """
    try:
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError:
        return 0
    with probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fsencode(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except OSError:
            return 0  # a full backlog, or no permission: a server may be there
        peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(peer[:4], sys.byteorder)


def stopped_listener(path: Path) -> int | None:
    """The pid of the server at `path` if it is suspended. It must not be called then: a client that gives
    up is still in its queue when it wakes, and of that a tmux (3.3a) can die, with all that it runs.
    """
    pid = listener(path)
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return pid if state in "Tt" else None


def is_tmux_server(pid: int) -> bool:
    """Whether a process calls itself a tmux server. Raises OSError."""
    return _name(pid) == b"tmux: server\n"


def _name(pid: int) -> bytes:
    """What a process calls itself, with a newline; empty when it is gone or not ours. Raises OSError."""
    try:
        return Path(f"/proc/{pid}/comm").read_bytes()
    except _NOT_OURS:
        return b""


def hidden_server(path: Path) -> int | None:
    """A tmux server that was started for `path` but whose socket file somebody deleted. It makes the
    file again on SIGUSR1; starting a second server instead would double every agent. Raises OSError when
    it can't be told whether there is one.
    """
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if not is_tmux_server(int(name)):
                continue
            if os.stat(f"/proc/{name}").st_uid == os.geteuid() and str(path) in _arguments(int(name)):
                return int(name)
        except _NOT_OURS:
            continue
    return None


class ServerProcess:
    """A handle on the server's process that can't be fooled by a recycled pid."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when it is gone, another OSError when that can't be told."""
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def gone(self) -> bool:
        poll = select.poll()  # select() can't watch descriptors above 1023
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(0))

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def ask_for_socket(self) -> None:
        """tmux makes its socket file (again) on SIGUSR1."""
        self.send(signal.SIGUSR1)

    def ask_for_children(self) -> None:
        """Debian's tmux can lose the SIGCHLD of a process that ended while it was starting another
        (libutempter takes the signal); on this one it looks for all that have ended.
        """
        self.send(signal.SIGCHLD)

    def close(self) -> None:
        os.close(self._handle)
