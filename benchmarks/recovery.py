"""A shift of five sessions, and the return of three after their tmux server was killed."""

import itertools
import os
import signal
import time
from pathlib import Path

from benchmarks.clock import seconds_of
from benchmarks.contestants.marvels import Marvel
from benchmarks.table import Table
from marvel.daemon.fleet import FREE_LOSSES

SHIFT, SHIFT_EVENTS, SERVER = "shift of 5", "shift of 5, by the log", "tmux server kill -9 → 3 back"

_numbers = itertools.count()


def measure(table: Table, root: Path, *, rounds: int) -> None:
    """Fresh daemons."""
    table.aim(SHIFT, "≤ 1 s plus graces")
    table.aim(SERVER, "≤ 2 s")
    marvel = Marvel(root / f"r{next(_numbers)}")
    try:
        marvel.start(5)
        marvel.settle(5)
        for _ in range(rounds):
            took = seconds_of(lambda: marvel.run(marvel.command("shift", "w/t", "--wait")))
            table.add(SHIFT, marvel.name, took * 1000)
            logged = marvel.committed_at("shift.completed") - marvel.committed_at("shift.requested")
            table.add(SHIFT_EVENTS, marvel.name, logged * 1000)
    finally:
        marvel.close()
    for first in range(0, rounds, FREE_LOSSES):
        _lose_servers(table, Marvel(root / f"r{next(_numbers)}"), min(FREE_LOSSES, rounds - first))


def _lose_servers(table: Table, marvel: Marvel, times: int) -> None:
    """No more often than goes without a pause."""
    try:
        marvel.start(3)
        for _ in range(times):
            marvel.settle(3)
            before, began = marvel.count(), time.monotonic()
            os.kill(marvel.tmux_pid(), signal.SIGKILL)
            table.add(SERVER, marvel.name, marvel.reach(before + 3, began) * 1000)
    finally:
        marvel.close()
