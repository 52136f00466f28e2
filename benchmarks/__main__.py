"""The command: `python -m benchmarks [--short] [--json FILE] [--only PARTS] [--sizes N,N]`."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import eventlog, fleet, lanes, proportion, recovery, watching
from benchmarks.table import Table, machine
from benchmarks.tools import Tools

PARTS = ("lanes", "recovery", "watching", "log", "proportion", "fleet")
SIZES, SHORT_SIZES = [10, 50, 200, 500, 1000], [10, 50, 200]
LOGS, SHORT_LOGS = [10_000, 100_000, 1_000_000], [10_000, 100_000]


def main(argv: list[str]) -> int:
    """Measure what was asked for, print it, save it."""
    options = _options(argv)
    parts = options.only.split(",") if options.only else list(PARTS)
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it, all is cleaned up
    table, root = Table(), Path(tempfile.mkdtemp(prefix="mb", dir="/tmp"))  # socket names are short
    try:
        for part in parts:
            began = time.monotonic()
            _measure(part, table, root, options)
            print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted: what was measured so far", file=sys.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(" · ".join(f"{name} {value}" for name, value in machine().items()))
    print(table.text())
    if options.json:
        table.save(options.json, argv)
    return 0


def _measure(part: str, table: Table, root: Path, options: argparse.Namespace) -> None:
    short = options.short
    sizes = [int(size) for size in options.sizes.split(",")] if options.sizes else None
    match part:
        case "lanes":
            lanes.measure(table, root, rounds=10 if short else 40, seconds=2.0 if short else 10.0)
        case "recovery":
            recovery.measure(table, root, rounds=3 if short else 10)
        case "watching":
            watching.measure(table, root, events=200 if short else 1000, idle=3.0 if short else 30.0)
        case "log":
            eventlog.measure(table, root, sizes=SHORT_LOGS if short else LOGS)
        case "proportion":
            proportion.measure(table, root, sizes=sizes or ([10, 200] if short else [10, 1000]))
        case _:
            peers = frozenset() if options.alone else frozenset({"supervisor", "circus", "pm2"})
            fleet.measure(
                table,
                Tools(root / "tools", peers),
                root,
                sizes=sizes or (SHORT_SIZES if short else SIZES),
                rounds=options.rounds or (1 if short else 4),
                idle=5.0 if short else 30.0,
            )


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under five minutes")
    parser.add_argument("--json", metavar="FILE", help="save every value")
    parser.add_argument("--only", metavar="PARTS", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--sizes", metavar="N,N", help="other numbers of agents")
    parser.add_argument("--rounds", type=int, help="how often each fleet is made")
    parser.add_argument("--alone", action="store_true", help="without supervisor, circus and pm2")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
