"""Which tmux servers the daemon cannot talk to, from what it recorded last of them."""

from marvel.cli import objects
from marvel.settings import Paths
from marvel.store.query import Reader

NEWEST = "stream = ? AND kind IN ('tmux.server-started', 'tmux.server-lost', 'tmux.server-unreachable')"


def unreachable(reader: Reader) -> list[str]:
    """Return a line for each workspace with live sessions whose server cannot be talked to: why not."""
    found = {}
    for row in reader.rows("workspaces"):
        event = next(reader.events(NEWEST, f"workspace/{row['name']}"), None)
        if event is not None and event["kind"] == "tmux.server-unreachable":
            found[row["name"]] = line(row["name"], event["payload"]["reason"])
    if not found:
        return []
    alive = {row["workspace"] for row in reader.rows("sessions") if row["state"] in objects.ALIVE}
    return [found[name] for name in sorted(found.keys() & alive)]


def unreachable_now(paths: Paths) -> list[str]:
    """Return the same for a log that is not open yet. Raises MarvelError."""
    with Reader(paths) as reader:
        return unreachable(reader)


def line(workspace: str, reason: str) -> str:
    """Return the reason with the name of the server, which some begin with."""
    return reason if reason.startswith(f"server {workspace} ") else f"tmux server {workspace}: {reason}"
