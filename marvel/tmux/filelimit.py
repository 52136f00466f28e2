"""The limit of open files: raised for the daemon and for tmux servers that need it, and not for agents.

A pidfd for each agent, a pseudo-terminal for each pane: the usual soft limit of 1,024 would be the end of a
few hundred agents. But the soft limit is inherited, and programs that close every number up to it, or use
select(), expect the usual one. So all that runs for others is started with the limit the daemon was given.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from collections.abc import Iterator, Sequence

MAX_OPEN_FILES = 65_536
ROOMY = 4  # times as many files as are open may be: a server with less room gets a higher limit
LOOK_EVERY = 32  # panes made between looks at a server's room

_PRLIMIT = shutil.which("prlimit")
_SHELL = 'ulimit -Sn "$0"; exec "$@"'  # where there is no prlimit


class FileLimit:
    """The soft limit that whoever started this process gave it."""

    def __init__(self, soft: int | None = None) -> None:
        """`soft`: of another process than this one."""
        self.soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if soft is None else soft

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """Have what is started meanwhile inherit the limit as it was given."""
        now = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.soft, now[1]))
        try:
            yield
        finally:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, now)

    def fit(self, pid: int) -> None:
        """Give a tmux server the room that its panes need: the limit as it was given while that is enough."""
        with contextlib.suppress(OSError, ValueError):
            now, _hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            if len(os.listdir(f"/proc/{pid}/fd")) * ROOMY > self.soft:
                raise_for(pid)
            elif now > self.soft:  # raised for more panes than there are, or by an earlier marvel
                _set(pid, self.soft)

    def argv_under(self, pid: int, argv: Sequence[str]) -> tuple[str, ...]:
        """What starts a program with the limit as it was given, below a server whose limit may be another."""
        try:
            raised = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] != self.soft
        except (OSError, ValueError):
            raised = True
        if not raised:
            return tuple(argv)
        if _PRLIMIT:
            return (_PRLIMIT, f"--nofile={self.soft}:", "--", *argv)
        return ("/bin/sh", "-c", _SHELL, str(self.soft), *argv)


def raise_for(pid: int) -> None:
    """Let a process open as many files as the system allows it, from outside."""
    with contextlib.suppress(OSError, ValueError):
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            _set(pid, wanted)


def _set(pid: int, soft: int) -> None:
    _now, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
