"""What is suggested for a command that does not exist.

A suggestion is followed without much thought. So a command that changes something is suggested only for what
must be a typing error of it; what users of similar tools type gets a command that reads, or the help of one.
"""

from marvel.cli.catalog import COMMANDS

READS = frozenset(
    {
        *("get", "describe", "top", "why", "export", "schema", "diff", "wait", "capture", "logs", "doctor"),
        *("completion", "events", "report", "replay", "verify", "version"),
    }
)
LONG_NAME = 5  # characters: of a longer one two may be wrong
HABITS = {
    **dict.fromkeys(("status", "ps", "ls", "list"), "marvel get sessions, marvel daemon status"),
    **dict.fromkeys(("stats", "usage"), "marvel top, marvel report"),
    **dict.fromkeys(("start", "init"), "marvel up --help, marvel daemon --help"),
    **dict.fromkeys(("down", "quit", "exit"), "marvel stop --help"),
    **dict.fromkeys(("pause", "resume", "undo", "rollback", "rollout", "drain"), "marvel shift --help"),
    **dict.fromkeys(("create", "replace"), "marvel work --help"),
    **dict.fromkeys(
        ("edit", "patch", "set", "label", "annotate"),
        "change the manifest, then marvel diff FILE shows the plan",
    ),
    **dict.fromkeys(("exec", "debug", "ssh", "connect"), "marvel attach --help"),
    **dict.fromkeys(("send", "say", "tell", "type"), "marvel inject --help"),
    **dict.fromkeys(("tail", "output"), "marvel logs --help"),
    **dict.fromkeys(("explain", "api-resources"), "marvel schema, marvel get --help"),
    **dict.fromkeys(("info", "cluster-info"), "marvel daemon status, marvel doctor"),
    **dict.fromkeys(("history", "audit"), "marvel events, marvel shift --help"),
    "autoscale": "marvel scale --help",
    "expose": "marvel get endpoints",
}


def suggestion(name: str) -> str:
    """Return the hint for an unknown command."""
    if name in HABITS:
        return HABITS[name]
    close = [command for command in COMMANDS if _is_close(name, command)]
    reads = [command for command in close if command in READS]
    found = (reads or close)[:1]
    return f"did you mean marvel {found[0]}?" if found else "marvel --help lists the commands"


def _is_close(name: str, command: str) -> bool:
    wrong = 2 if command in READS and min(len(name), len(command)) > LONG_NAME else 1
    return min(len(name), len(command)) > wrong and distance(name, command) <= wrong


def distance(one: str, other: str) -> int:
    """Return how many letters are missing, added, wrong, or swapped with their neighbour."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, its in enumerate(other, start=1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != its))
            if row > 1 and column > 1 and letter == other[column - 2] and its == one[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]
