"""Dead panes without a status: whether to wait for one, and how long.

Debian's tmux can lose a child's exit: libutempter, called when a pane is made, takes the SIGCHLD. The
process stays a zombie and its pane dead without a status, up to 17 of 200 in a burst. Told again (`SIGCHLD`
to the server), tmux finds it: 1000 of 1000. So such a listing is asked for again, after 1, 2, 5 … ms.

Not every pane without a status is such a case. A process can close its terminal and live on, and
before 3.3 tmux does not tell of deaths by signal. Those are given a few milliseconds, since a dying process
closes its terminal a moment before it is dead.
"""

from __future__ import annotations

from collections.abc import Collection

from marvel.tmux import processes
from marvel.tmux.records import Pane

WAITS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.6)  # seconds; 2 s in all
BRIEF = 5  # of these for a pane whose process is no zombie


class Statuses:
    """Remembers for which panes the waiting has been done, so that it is done once."""

    def __init__(self) -> None:
        self._settled: set[tuple[str, int | None]] = set()

    def missing(self, panes: Collection[Pane], waits: int) -> bool:
        """Is it worth asking again, after having waited `waits` times?"""
        self._settled &= {(pane.pane, pane.pid) for pane in panes}  # what is no more need not be remembered
        return any(self._worth_waiting(pane, waits) for pane in panes)

    def _worth_waiting(self, pane: Pane, waits: int) -> bool:
        key = pane.pane, pane.pid
        if not pane.dead or pane.exit_status is not None or pane.signal is not None or key in self._settled:
            return False
        found = processes.stat(pane.pid) if pane.pid is not None else None
        limit = len(WAITS) if found and found[0] == "Z" else BRIEF
        if waits < limit:
            return True
        self._settled.add(key)
        return False
