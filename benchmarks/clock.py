"""Time, CPU time and memory of processes; waiting without a long pause."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

LIMIT_SECONDS = 180.0  # for anything that is waited for
LOOK_SECONDS = 0.001  # between looks


class TooSlow(Exception):
    """What was waited for did not come."""


def until(test: Callable[[], bool], what: str, limit: float = LIMIT_SECONDS) -> None:
    """Return as soon as `test` is true. Raises TooSlow."""
    deadline = time.monotonic() + limit
    while not test():
        if time.monotonic() > deadline:
            raise TooSlow(f"not within {limit:g} s: {what}")
        time.sleep(LOOK_SECONDS)


def seconds_of(act: Callable[[], object]) -> float:
    """How long an act takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def process(argv: Sequence[str], environ: Mapping[str, str], *, check: bool = True) -> float:
    """How long a process takes from its start to its end."""
    began = time.perf_counter()
    done = subprocess.run(argv, env=environ, capture_output=True, check=False, timeout=LIMIT_SECONDS)
    took = time.perf_counter() - began
    if check and done.returncode != 0:
        raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
    return took


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of processes so far, all their threads; in ns resolution where the kernel keeps it."""
    total = 0.0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((thread / "schedstat").read_text().split()[0]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                total += 0.0
    return total


def share_of_a_core(pids: Sequence[int], seconds: float) -> float:
    """Percent of one core that processes take while nothing is asked of them."""
    before, began = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pids) - before) / (time.monotonic() - began) * 100


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def median(values: Sequence[float]) -> float:
    """The median; of none, not a number."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of all lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
