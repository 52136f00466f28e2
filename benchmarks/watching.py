"""From a commit to a watcher that has seen it; and what a watcher costs that sees nothing.

The watcher is a process of its own that does what every reader of the log does: read what is past its
cursor, then wait for the bell.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.clock import percentile, share_of_a_core
from benchmarks.contestants import PLAIN
from benchmarks.table import Table
from marvel.events import NOWHERE, Draft, LogTruncated
from marvel.settings import Paths
from marvel.store.log import Store

MEDIAN, WORST, IDLE = "commit → seen, median", "commit → seen, p99", "CPU of an idle watcher"
PACE_SECONDS = 0.01
WATCHER = """
import json, sys, time
from marvel.settings import Paths
from marvel.store.bell import Bell
from marvel.store.query import Reader
paths, last = Paths(sys.argv[1]), int(sys.argv[2])
bell, cursor, seen = Bell(paths.bell), int(sys.argv[3]), []
print("ready", flush=True)
while cursor < last:
    with Reader(paths) as reader:
        found = list(reader.events("position > ?", cursor))
    now = time.time()
    for event in found:
        seen.append(now - event["time"])
        cursor = max(cursor, event["position"])
    if cursor < last:
        bell.wait(5.0)
print(json.dumps(seen))
"""


def measure(table: Table, root: Path, *, events: int, idle: float) -> None:
    """A writer here, a watcher there. An event's time is before its commit: this is an upper bound."""
    table.aim(WORST, "≤ 50 ms")
    table.aim(IDLE, "≤ 0.5 %")
    home = root / "watched"
    store = Store(Paths(str(home)), keep_world=True)
    first = store.head().position
    argv = [sys.executable, "-c", WATCHER, str(home), str(first + events), str(first)]
    watcher = subprocess.Popen(argv, env=PLAIN, stdout=subprocess.PIPE, text=True)
    try:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        table.add(IDLE, "marvel", share_of_a_core([watcher.pid], idle), unit="% of core")
        for _ in range(events):
            store.record(
                lambda _world, _now: [Draft(ref=NOWHERE, fact=LogTruncated(noted_position=1))], actor="bench"
            )
            time.sleep(PACE_SECONDS)
        seen = json.loads(watcher.communicate(timeout=60)[0])
    finally:
        watcher.kill()
        watcher.wait()
        store.close()
    table.add(MEDIAN, "marvel", percentile(seen, 0.5) * 1000)
    table.add(WORST, "marvel", percentile(seen, 0.99) * 1000)
