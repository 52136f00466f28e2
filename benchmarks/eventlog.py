"""Append, replay and looking back, in logs of 10^4 to 10^6 events."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.clock import process, seconds_of
from benchmarks.contestants import PLAIN
from benchmarks.contestants.marvels import PROGRAM
from benchmarks.table import Table
from marvel.events import Draft, Ref, SessionScheduled, SessionSignaled
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.world import World

SINGLE, BATCHED = "append, one at a time", "append, batches of 100"
REPLAY, NEWEST, AT = "replay", "events -n 50", "get sessions --at (half way)"
SESSIONS = 200  # that the events are about
BATCH = 100
SINGLES = 1000

_numbers = itertools.count()


def measure(table: Table, root: Path, *, sizes: list[int]) -> None:
    """One log for each size."""
    table.aim(SINGLE, "≥ 500 /s")
    table.aim(BATCHED, "≥ 10,000 /s")
    table.aim(REPLAY, "≥ 50,000 /s")
    table.aim(AT, "≤ 2 s at 10^6")
    for size in sizes:
        home = root / f"e{next(_numbers)}"
        store = Store(Paths(str(home)), keep_world=True)
        try:
            store.record(lambda _world, _now: [_scheduled(n) for n in range(SESSIONS)], actor="bench")
            _append(table, store, size)
            took = min(seconds_of(store.rebuild) for _ in range(2))
            table.add(REPLAY, "marvel", store.head().position / took, size=size, unit="/s")
        finally:
            store.close()
        environ = {**PLAIN, "MARVEL_HOME": str(home)}
        for _ in range(5):
            table.add(
                NEWEST, "python -c pass", process([sys.executable, "-c", "pass"], PLAIN) * 1000, size=size
            )
            table.add(NEWEST, "marvel", process([PROGRAM, "events", "-n", "50"], environ) * 1000, size=size)
            if _knows_at():
                line = [PROGRAM, "get", "sessions", "--at", str(size // 2)]
                table.add(AT, "marvel", process(line, environ) * 1000, size=size)


def _append(table: Table, store: Store, size: int) -> None:
    """Grow the log to its size; the last part of it counts."""
    drafts = itertools.cycle(_signals())
    left = size - SINGLES - SESSIONS
    rates = []
    while left > 0:
        batches = min(100, left // BATCH + 1)
        began = time.perf_counter()
        for _ in range(batches):
            batch = list(itertools.islice(drafts, BATCH))
            store.record(lambda _world, _now, batch=batch: batch, actor="bench")  # type: ignore[misc]
        rates.append(batches * BATCH / (time.perf_counter() - began))
        left -= batches * BATCH
    for rate in rates[-5:]:
        table.add(BATCHED, "marvel", rate, size=size, unit="/s")

    def one(_world: World, _now: float) -> list[Draft]:
        return [next(drafts)]

    took = seconds_of(lambda: [store.record(one, actor="bench") for _ in range(SINGLES)])
    table.add(SINGLE, "marvel", SINGLES / took, size=size, unit="/s")


def _ref(number: int) -> Ref:
    name = f"t-r-g1-{number}"
    return Ref(workspace="w", team="t", role="r", session=name, uid=f"uid-{number}", generation=1)


def _scheduled(number: int) -> Draft:
    fact = SessionScheduled(index=number, image="generic", command="sleep", heartbeat="none")
    return Draft(ref=_ref(number), fact=fact)


def _signals() -> list[Draft]:
    """What agents mostly say: another activity, a fuller context."""
    return [
        Draft(ref=_ref(number), fact=SessionSignaled(activity=activity, context_percent=float(percent)))
        for percent in range(0, 100, 10)
        for activity in ("working", "idle")
        for number in range(SESSIONS)
    ]


def _knows_at() -> bool:
    done = subprocess.run([PROGRAM, "get", "--help"], capture_output=True, text=True, check=True, timeout=60)
    return "--at" in done.stdout
