"""What one beat, one exit and one scale cost the daemon, by how many agents there are beside.

Work is to be in proportion to what changed: these are CPU milliseconds of the daemon for one change, and
they should be the same in every size. Once with all agents in one role, which is the unit that controllers
look at, and once in roles of ten.
"""

import itertools
import json
import os
import socket
import time
from pathlib import Path

from benchmarks.clock import cpu_seconds
from benchmarks.contestants.marvels import Marvel
from benchmarks.table import Table
from marvel.daemon.tokens import Tokens

BEAT, EXIT, SCALE = "daemon CPU for one beat with news", "daemon CPU for one exit", "daemon CPU for scale +1"
CHANGES = 10
TEN = 10

_numbers = itertools.count()


def measure(table: Table, root: Path, *, sizes: list[int]) -> None:
    """One fleet of each size."""
    fleets = [(every, first) for every in sizes for first in dict.fromkeys((every, TEN))]
    for size, first in fleets:
        marvel = Marvel(root / f"p{next(_numbers)}")
        marvel.name = "one role of all" if first == size else "roles of ten"
        try:
            marvel.start_daemon()
            marvel.work(first, *[TEN] * ((size - first) // TEN))
            marvel.settle(size)
            time.sleep(1.5)
            _beats(table, marvel, size)
            _exits(table, marvel, size)
            _scales(table, marvel, size, first)
        finally:
            marvel.close()


def beat(path: str, **params: object) -> None:
    """One beat over the socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(json.dumps({"method": "heartbeat", "params": params}).encode() + b"\n")
        peer.recv(4096)


def _beats(table: Table, marvel: Marvel, size: int) -> None:
    uid = str(marvel.ask("SELECT key FROM sessions")[0][0])
    daemon, path = [marvel.daemon_pid()], str(marvel.home / "marvel.sock")
    token = Tokens(str(marvel.home / "token.key")).of(uid)
    for number in range(CHANGES):
        before = cpu_seconds(daemon)
        beat(path, uid=uid, token=token, context_percent=(number % 2) * 50 + 10)
        time.sleep(0.3)
        table.add(BEAT, marvel.name, (cpu_seconds(daemon) - before) * 1000, size=size)


def _exits(table: Table, marvel: Marvel, size: int) -> None:
    daemon = [marvel.daemon_pid()]
    for _ in range(CHANGES):
        before, count, victim = cpu_seconds(daemon), marvel.count(), marvel.victim()
        os.kill(victim, 9)
        marvel.reach(count + 1, time.monotonic())
        marvel.settle(size)
        time.sleep(0.3)
        table.add(EXIT, marvel.name, (cpu_seconds(daemon) - before) * 1000, size=size)


def _scales(table: Table, marvel: Marvel, size: int, first: int) -> None:
    daemon = [marvel.daemon_pid()]
    for more in range(1, CHANGES + 1):
        before = cpu_seconds(daemon)
        marvel.scale(first + more)
        marvel.settle(size + more)
        time.sleep(0.3)
        table.add(SCALE, marvel.name, (cpu_seconds(daemon) - before) * 1000, size=size)
