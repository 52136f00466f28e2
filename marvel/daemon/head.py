"""The head of the log as the daemon last noted it, in a file beside it.

A log that ends before the noted head has lost commits. Within one boot that can't happen by itself (a
killed process loses nothing): somebody put an old copy in its place, and panes would be stopped as orphans
by mistake; so the daemon refuses. After a power cut it may: that is recorded, and the daemon goes on.
"""

import json
import os
from pathlib import Path

from marvel.errors import LogUnavailable
from marvel.store.append import Head

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def note(path: str, head: Head) -> None:
    """Write the head down; readers see the old note or the new one."""
    text = json.dumps({"position": head.position, "hash": head.hash.hex(), "boot": _boot()})
    fresh = f"{path}.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(fresh, path)


def lost_after(path: str, head: Head) -> int | None:
    """The noted position when the log ends before it and that may be a power cut's work; else None.

    Raises LogUnavailable when it ends before the head that was noted in this very boot.
    """
    try:
        noted = json.loads(Path(path).read_text(encoding="utf-8"))
        position, boot = int(noted["position"]), noted["boot"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if head.position >= position:
        return None
    if boot != _boot():
        return position
    raise LogUnavailable(
        f"the event log ends at position {head.position}, but a daemon noted {position} in this boot: "
        "it was replaced by an older copy",
        hint=f"put the right log back; or remove {path}, and agents this log does not know are stopped",
    )


def noted_position(path: str) -> int | None:
    """The position that was noted last; None when there is no readable note."""
    try:
        return int(json.loads(Path(path).read_text(encoding="utf-8"))["position"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _boot() -> str:
    return BOOT_ID.read_text(encoding="ascii").strip()
