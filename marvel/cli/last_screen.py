"""The last lines that an ended agent had on its screen, as the daemon kept them."""

from typing import Any

from marvel.settings import Paths, regular

READ_BYTES = 256 * 1024


def last_lines(paths: Paths, row: dict[str, Any], count: int) -> list[str]:
    """Return the last lines of what ended: of this session, else of the one before it in its slot."""
    uid = row["uid"] if row.get("ended_at") is not None else row.get("replaces")
    if not uid:
        return []
    try:
        with open(paths.tail(uid), "rb", opener=regular) as file:
            text = file.read(READ_BYTES).decode(errors="replace")
    except OSError:
        return []
    return text.rstrip().splitlines()[-count:]
