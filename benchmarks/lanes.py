"""What an agent's beat costs: the command, and the socket under load."""

import itertools
import json
import socket
import sys
import time
from pathlib import Path

from benchmarks.clock import cpu_seconds, process
from benchmarks.contestants import PLAIN
from benchmarks.contestants.marvels import Marvel
from benchmarks.table import Table
from marvel.daemon.tokens import Tokens

COMMAND, RATE, LOAD = "marvel heartbeat", "beats over the socket, flat out", "daemon CPU at 2,000 beats/s"
PACE_PER_SECOND = 2000

_numbers = itertools.count()


def measure(table: Table, root: Path, *, rounds: int, seconds: float) -> None:
    """Ten agents, all of which beat."""
    table.aim(COMMAND, "≤ 4 x python -c pass")
    table.aim(RATE, "≥ 2,000 /s")
    table.aim(LOAD, "≤ 50 %")
    marvel = Marvel(root / f"l{next(_numbers)}")
    try:
        marvel.start(10)
        marvel.settle(10)
        uids = [str(uid) for (uid,) in marvel.ask("SELECT key FROM sessions")]
        me = {**marvel.environ, "MARVEL_SOCKET": str(marvel.home / "marvel.sock")}
        me |= {"MARVEL_SESSION_UID": uids[0]}
        for _ in range(rounds):
            floor = process([sys.executable, "-c", "pass"], PLAIN)
            table.add(COMMAND, "python -c pass", floor * 1000)
            table.add(
                COMMAND, marvel.name, process(marvel.command("heartbeat", "--context", "41"), me) * 1000
            )
        _socket(table, marvel, uids, seconds)
    finally:
        marvel.close()


def _socket(table: Table, marvel: Marvel, uids: list[str], seconds: float) -> None:
    path, daemon = str(marvel.home / "marvel.sock"), [marvel.daemon_pid()]
    tokens = Tokens(str(marvel.home / "token.key"))
    said = [{"uid": uid, "token": tokens.of(uid), "context_percent": 41.0} for uid in uids]
    requests = [json.dumps({"method": "heartbeat", "params": params}).encode() + b"\n" for params in said]
    sent, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        _beat(path, requests[sent % len(requests)])
        sent += 1
    table.add(RATE, marvel.name, sent / (time.monotonic() - began), unit="/s")
    before, began = cpu_seconds(daemon), time.monotonic()
    for number in range(int(PACE_PER_SECOND * seconds)):
        _beat(path, requests[number % len(requests)])
        time.sleep(max(0.0, began + number / PACE_PER_SECOND - time.monotonic()))
    took = time.monotonic() - began
    reached = PACE_PER_SECOND * seconds / took
    used = (cpu_seconds(daemon) - before) / took * 100
    table.add(LOAD, marvel.name, used * PACE_PER_SECOND / reached, unit="% of core")


def _beat(path: str, request: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(request)
        assert b'"ok"' in peer.recv(4096)
