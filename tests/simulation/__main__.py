"""`python -m tests.simulation --seed N --steps M`: histories from seed N on, until M steps are done.

Prints what was done and how often, or the first history in which an invariant does not hold: its seed runs
it again.
"""

import argparse
import logging
import sys
import time
from collections import Counter

import structlog

from tests.simulation.daemon import EPOCH_STEPS, simulate


def main() -> int:
    """Run it; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="just sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--steps", type=int, default=2000, help="in all; 40 a history")
    parser.add_argument("--go-on", action="store_true", help="past a failed history")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    done: Counter[str] = Counter()
    failed: list[int] = []
    began = time.monotonic()
    seed = asked.seed
    for seed in range(asked.seed, asked.seed + max(1, asked.steps // EPOCH_STEPS)):
        try:
            done += simulate(seed)
        except AssertionError as error:
            failed.append(seed)
            print(f"seed {seed}: {error}", flush=True)
            if not asked.go_on:
                break
    for name, count in sorted(done.items()):
        print(f"{count:8} {name}")
    histories = seed - asked.seed + 1
    seconds = time.monotonic() - began
    print(f"{histories} histories of {EPOCH_STEPS} steps in {seconds:.0f} s; failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
