"""N agents under each contestant: start, replacement, scale +1, listing, and what idle ones cost."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.clock import TooSlow, process, resident_mib, share_of_a_core
from benchmarks.contestants import PLAIN, Contestant
from benchmarks.contestants.marvels import Marvel
from benchmarks.contestants.peers import Circus, Pm2, Supervisor, Tmux
from benchmarks.table import Table
from benchmarks.tools import Tools

START, REPLACE, SCALE = "work committed → N running", "kill -9 → replaced", "scale +1 → running"
LISTING, PASS, SIBLINGS = "list sessions", "one pass of the loop", "siblings restarted by scale +1"
CPU, MEMORY = "idle CPU (manager + tmux)", "resident memory of the manager"
FLOOR = "python -c pass"
REPEATED = 5  # of what is quick, in each fleet

_numbers = itertools.count()


def measure(table: Table, tools: Tools, root: Path, *, sizes: list[int], rounds: int, idle: float) -> None:
    """All contestants in turn at each size, `rounds` times."""
    table.aim(START, "marvel ≤ 2 x raw tmux")
    table.aim(REPLACE, "≤ 100 ms at 10, ≤ 250 ms at 500")
    table.aim(SCALE, "≤ 150 ms beside 200")
    table.aim(LISTING, "≤ 0.5 x supervisorctl at 200")
    table.aim(CPU, "≤ 1 % at 500")
    table.aim(MEMORY, "≤ 80 MiB at 500")
    for size in sizes:
        for turn in range(rounds if size <= 200 else max(1, rounds // 2)):
            for make in _contestants(tools):
                directory = root / f"c{next(_numbers)}"
                contestant = make(directory)
                if size > contestant.max_agents:
                    contestant.close()
                    continue
                try:
                    _one(table, contestant, size, idle if turn == 0 else 0.0)
                except (TooSlow, RuntimeError) as error:
                    print(f"{contestant.name} at {size}: {error}", file=sys.stderr)
                finally:
                    contestant.close()


def _contestants(tools: Tools) -> list[Callable[[Path], Contestant]]:
    found: list[Callable[[Path], Contestant]] = [Marvel, Tmux]
    if tools.python_program("supervisord"):
        found.append(lambda directory: Supervisor(directory, tools))
    if tools.python_program("circusd"):
        found.append(lambda directory: Circus(directory, tools))
    if tools.pm2():
        found.append(lambda directory: Pm2(directory, tools))
    return found


def _one(table: Table, contestant: Contestant, size: int, idle: float) -> None:
    name = contestant.name
    table.add(START, name, contestant.start(size) * 1000, size=size)
    if isinstance(contestant, Marvel):
        contestant.settle(size)
    for _ in range(REPEATED):
        table.add(LISTING, FLOOR, process([sys.executable, "-c", "pass"], PLAIN) * 1000, size=size)
        took = process(contestant.listing(), contestant.environ)
        table.add(LISTING, name, took * 1000, size=size)
    if idle:
        managers = contestant.managers()
        table.add(CPU, name, share_of_a_core(managers, idle), size=size, unit="%")
        table.add(MEMORY, name, resident_mib(managers[0]), size=size, unit="MiB")
    if contestant.restarts:
        for _ in range(1 if name == "circus" else REPEATED):  # it looks every few seconds
            table.add(REPLACE, name, contestant.replace() * 1000, size=size)
            if isinstance(contestant, Marvel):
                contestant.settle(size)
    for more in range(1, 1 + (1 if name == "supervisor" else 3)):
        before = set(contestant.agents())
        table.add(SCALE, name, contestant.scale(size + more) * 1000, size=size)
        lost = before - set(contestant.agents())
        table.add(SIBLINGS, name, len(lost), size=size, unit="agents")
        if isinstance(contestant, Marvel):
            contestant.settle(size + more)
    if isinstance(contestant, Marvel):
        for milliseconds in contestant.pass_milliseconds()[-10:]:
            table.add(PASS, name, milliseconds, size=size)
