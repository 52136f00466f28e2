"""`python -m tests.faults [WORD…] [--tries N]`: harms a real marvel and looks what is lost.

Each try has a state directory, a daemon, tmux servers and agents of its own. A try survives when no agent
was lost, doubled or restarted without a reason, the log verifies and replays to its tables, and nobody saw
a traceback. Prints one line per fault; exit status 1 when anything was lost. WORDs choose faults by parts
of their names.
"""

import argparse
import sys
import time

from tests.faults import daemons, inputs, logs, mixed, processes, races, servers  # noqa: F401  # they list themselves
from tests.faults.scene import FAULTS, Fault, Scene, Skipped

MESSAGE_MAX = 150  # characters of a message in the table


def main() -> int:
    """Run it; 1 when something was lost."""
    parser = argparse.ArgumentParser(prog="just faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults with one of these in their names")
    parser.add_argument("--tries", type=int, help="of each fault, instead of its own number")
    parser.add_argument("--list", action="store_true", help="the faults there are")
    asked = parser.parse_args()
    chosen = [f for f in FAULTS if not asked.words or any(w in f"{f.group} {f.name}" for w in asked.words)]
    if asked.list:
        print("\n".join(f"{f.group:8} {f.name}" for f in chosen))
        return 0
    width = max((len(title(each)) for each in chosen), default=0)
    print(
        f"{'FAULT':{width}} {'TRIES':>5} {'SURVIVED':>8} {'LOST':>4} {'SECONDS':>7}  MESSAGE SEEN", flush=True
    )
    began = time.monotonic()
    lost = [problem for each in chosen for problem in run(each, asked.tries or each.tries, width)]
    print(f"{len(chosen)} faults in {time.monotonic() - began:.0f} s, {len(lost)} tries lost something")
    for problem in lost:
        print(f"\n--- {problem}")
    return 1 if lost or not chosen else 0


def title(each: Fault) -> str:
    """What a fault is called in the table."""
    return f"{each.group}: {each.name}"


def run(each: Fault, tries: int, width: int) -> list[str]:
    """One line of the table; what was lost, in words."""
    began, message, lost = time.monotonic(), "", []
    for number in range(tries):
        scene = Scene(f"{each.name} {number}")
        try:
            message = each.act(scene)
            scene.untraced()
            if scene.is_whole:
                scene.whole()
        except Skipped as why:
            message, tries = f"not possible here: {why}", 0
            break
        except Exception as problem:  # whatever it is, it is the finding
            lost.append(f"{title(each)}, try {number}: {type(problem).__name__}: {problem}")
        finally:
            scene.close()
    figures = f"{tries:5} {tries - len(lost):8} {len(lost):4} {time.monotonic() - began:7.1f}"
    words = " ".join((lost[-1].split(": ", 2)[2] if lost else message).split())
    print(f"{title(each):{width}} {figures}  {words[:MESSAGE_MAX]}", flush=True)
    return lost


if __name__ == "__main__":
    sys.exit(main())
