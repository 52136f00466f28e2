"""`python -m tests.fuzz [WORD…] [--inputs N] [--seed S]`: feed mutated real inputs to every parser.

Prints one line per target: inputs, outcomes seen, inputs a second. An input that shows an outcome never seen
before is kept and mutated further. The first failure of each target is printed with its input; the exit
status is then 1. One process per core.
"""

import argparse
import multiprocessing
import os
import random
import sys
import time
import traceback
from typing import NamedTuple

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import all_targets

KEPT_MAX = 2000  # inputs that a target's mutator starts from


class Outcome(NamedTuple):
    """What one target's run gave."""

    name: str
    inputs: int
    outcomes: int
    seconds: float
    failure: str  # empty: none


def main() -> int:
    """Run it; 1 when a parser failed."""
    parser = argparse.ArgumentParser(prog="just fuzz", description=__doc__)
    parser.add_argument("words", nargs="*", help="only targets with one of these in their names")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for all targets together")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    names = [name for name in all_targets() if not asked.words or any(word in name for word in asked.words)]
    each = asked.inputs // max(1, len(names))
    print(f"seed {asked.seed}, {each} inputs for each of {len(names)} targets", flush=True)
    failures = []
    with multiprocessing.Pool(os.cpu_count()) as pool:
        jobs = [(name, each, f"{asked.seed} {name}") for name in names]
        for done in pool.imap_unordered(_run, jobs):
            speed = done.inputs / max(done.seconds, 0.001)
            print(
                f"{done.name:24} {done.inputs:9} inputs {done.outcomes:6} outcomes {speed:8.0f}/s", flush=True
            )
            if done.failure:
                failures.append(f"--- {done.name}\n{done.failure}")
    print("\n".join([*failures, f"{len(failures)} targets failed"]))
    return 1 if failures or not names else 0


def _run(job: tuple[str, int, str]) -> Outcome:
    name, number, seed = job
    return fuzz(name, number, seed)


def fuzz(name: str, number: int, seed: str) -> Outcome:
    """Feed a number of inputs to one target; stops at the first failure."""
    target = all_targets()[name]
    mutator = Mutator(target.seeds, random.Random(seed))
    seen: set[str] = set()
    began = time.monotonic()
    for count in range(1, number + 1):
        data = mutator.next()
        try:
            outcome = target.parse(data)
        except Exception:
            failure = f"input {data!r}\n{traceback.format_exc()}"
            return Outcome(name, count, len(seen), time.monotonic() - began, failure)
        if outcome not in seen and len(seen) < KEPT_MAX:
            seen.add(outcome)
            mutator.keep(data)
    return Outcome(name, number, len(seen), time.monotonic() - began, "")


if __name__ == "__main__":
    sys.exit(main())
