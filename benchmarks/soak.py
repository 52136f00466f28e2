"""`python benchmarks/soak.py --minutes 30 --sessions 300`: does anything grow that should not?

A real daemon with simulated agents that beat and, by chance, are killed, hang or exit; a chaos monkey that
scales, kills, shifts and now and then kills the daemon or the tmux server. Every sample prints what the
daemon holds: memory, descriptors, zombies, processes, the log. At the end each figure is judged, and the
exit status is 1 when one of them grew.

Memory and descriptors are compared among the daemon's runs of the same number of sessions, after a warm-up.
What the log should weigh follows from the number of events in it.
"""

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.home import Home, until

SAMPLE_SECONDS = 15.0
WARM_UP = 4  # samples
GROWTH_MAX = 1.25  # of memory, last quarter over first quarter after the warm-up
FD_SLACK = 40  # agents come and go between two samples
EVENT_BYTES = (150, 450)  # an event takes about 275 in the log, with its indexes
WAL_MIB_MAX = 64  # journal_size_limit
MANIFEST = """[workspace]
name = "soak"
[[team]]
name = "crew"
  [[team.role]]
  name = "steady"
  replicas = {steady}
    [team.role.runtime]
    image = "simulator"
    args = ["--tick", "5000"]
    [team.role.healthcheck]
    type = "heartbeat"
    timeout = "30s"
  [[team.role]]
  name = "mortal"
  replicas = {mortal}
  backoff_max = "2s"
    [team.role.runtime]
    command = "sh"
    args = ["-c", "touch $MARVEL_BEAT; exec sleep $(( $$ % 97 + 20 ))"]
"""


class Sample(NamedTuple):
    """What there is at one moment."""

    at: float
    daemon: int
    rss_mib: float
    fds: int
    zombies: int
    agents: int
    events: int
    log_mib: float
    wal_mib: float
    cpu_seconds: float


def main() -> int:
    """Run it; 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--spare-daemon", action="store_true", help="do not kill the daemon: one run, one curve"
    )
    asked = parser.parse_args()
    home = Home(real_starts=True)
    try:
        return _soak(home, asked)
    finally:
        home.close()


def _soak(home: Home, asked: argparse.Namespace) -> int:
    draw = random.Random(asked.seed)  # noqa: S311
    began = time.monotonic()
    home.start()
    mortal = max(2, asked.sessions // 5)
    home.marvel("work", home.write(MANIFEST.format(steady=asked.sessions - mortal, mortal=mortal)))
    until(lambda: len(home.processes()) >= asked.sessions - mortal, "they run", fatal=False)
    samples: list[Sample] = []
    done: dict[str, int] = {}
    print("     s     pid  RSS MiB   fds zombies agents  events  log MiB  WAL MiB    CPU s  chaos")
    while time.monotonic() - began < asked.minutes * 60:
        name = _chaos(home, draw, asked)
        done[name] = done.get(name, 0) + 1
        time.sleep(SAMPLE_SECONDS)
        seen = _sample(home, began)
        samples.append(seen)
        print(
            f"{seen.at:6.0f} {seen.daemon:7} {seen.rss_mib:8.1f} {seen.fds:5} {seen.zombies:7} "
            f"{seen.agents:6} {seen.events:7} {seen.log_mib:8.2f} {seen.wal_mib:8.2f} "
            f"{seen.cpu_seconds:8.1f}  {name}",
            flush=True,
        )
    home.marvel("verify")
    home.marvel("rebuild", "--check")
    return _judge(samples, done)


def _chaos(home: Home, draw: random.Random, asked: argparse.Namespace) -> str:
    """One harm, by chance."""
    deeds = ["agents", "agents", "hang", "scale", "kill", "shift", "nothing", "tmux"]
    deed = draw.choice(deeds if asked.spare_daemon else [*deeds, "daemon"])
    pids = home.processes()
    match deed:
        case "agents":
            for pid in draw.sample(pids, min(len(pids), 10)):
                _signal(pid, signal.SIGKILL)
        case "hang":
            for pid in draw.sample(pids, min(len(pids), 2)):
                _signal(pid, signal.SIGSTOP)
        case "scale":
            count = asked.sessions // 5 + draw.randint(-5, 5)
            home.marvel("scale", "soak/crew", "--role", "mortal", "--replicas", str(max(1, count)))
        case "kill":
            home.marvel("kill", f"mortal-{draw.randint(0, 2)}", ok=False)
        case "shift":
            home.marvel("shift", "soak/crew", "--role", "mortal", ok=False)
        case "tmux" if draw.random() < 0.2:
            _signal(home.tmux_pid("soak") or 0, signal.SIGKILL)
        case "daemon":
            home.kill_daemon()
            home.start()
    return deed


def _signal(pid: int, number: int) -> None:
    if pid > 1:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _sample(home: Home, began: float) -> Sample:
    assert home.daemon is not None
    assert home.daemon.poll() is None, "the daemon died by itself"
    proc = Path(f"/proc/{home.daemon.pid}")
    status = proc.joinpath("status").read_text().splitlines()
    rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    times = proc.joinpath("stat").read_text().rpartition(")")[2].split()
    zombies = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        zombies += fields[0] == "Z" and fields[1] == str(home.daemon.pid)
    wal = home.path / "marvel.db-wal"
    return Sample(
        at=time.monotonic() - began,
        daemon=home.daemon.pid,
        rss_mib=rss / 1024,
        fds=len(list(proc.joinpath("fd").iterdir())),
        zombies=zombies,
        agents=len(home.processes()),
        events=home.head(),
        log_mib=(home.path / "marvel.db").stat().st_size / 2**20,
        wal_mib=wal.stat().st_size / 2**20 if wal.exists() else 0.0,
        cpu_seconds=(int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
    )


def _judge(samples: list[Sample], done: dict[str, int]) -> int:
    """Print each figure with its bound; 1 when one is past it."""
    print("chaos:", ", ".join(f"{name} {count}" for name, count in sorted(done.items())))
    later = samples[WARM_UP:] or samples
    quarter = max(1, len(later) // 4)
    first, last = later[:quarter], later[-quarter:]
    memory = _mean([s.rss_mib for s in last]) / _mean([s.rss_mib for s in first])
    held = [s.fds - s.agents for s in later]  # a pidfd for each agent
    spread = max(held[-quarter:]) - min(held[:quarter])
    per_event = (last[-1].log_mib - first[0].log_mib) * 2**20 / max(1, last[-1].events - first[0].events)
    lasting = max(min(a.zombies, b.zombies) for a, b in zip(later, [*later[1:], later[-1]], strict=True))
    wal = max(s.wal_mib for s in later)
    newest = last[-1]
    verdicts = [
        (f"RSS {first[0].rss_mib:.1f} → {newest.rss_mib:.1f} MiB, x {memory:.2f}", memory <= GROWTH_MAX),
        (f"descriptors beyond one per agent {held[0]} → {held[-1]}", spread <= FD_SLACK),
        (f"zombies in two samples on end {lasting}", lasting == 0),
        (f"WAL at most {wal:.1f} MiB", wal <= WAL_MIB_MAX),
        (
            f"log {newest.log_mib:.1f} MiB, {newest.events} events, {per_event:.0f} bytes for each new one",
            EVENT_BYTES[0] <= per_event <= EVENT_BYTES[1],
        ),
    ]
    for words, fine in verdicts:
        print(f"{'ok' if fine else 'GREW':5} {words}")
    return 0 if all(fine for _, fine in verdicts) else 1


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    sys.exit(main())
