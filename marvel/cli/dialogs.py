"""At which dialog an agent sits, read off its screen: an agent at one never tells of itself.

Only its person can answer it. The words to look for are its adapter's (`marvel/runtimes`).
"""

from typing import Any

from marvel.client import Marvel
from marvel.errors import MarvelError
from marvel.runtimes import Adapter, adapter_named

Row = dict[str, Any]


def adapter_of_row(row: Row) -> Adapter:
    """The adapter of a session's row, or of the object made of it."""
    return adapter_named(row.get("image") or "", row.get("command") or "")


def is_silent(row: Row) -> bool:
    """Whether an agent runs whose runtime tells of its start, and has not."""
    if row["state"] != "running" or row.get("signaled_at"):
        return False
    return adapter_of_row(row).first_signal == "start" or row.get("heartbeat") == "from-start"


def dialog_of(row: Row) -> str:
    """The dialog that a silent agent's screen shows (`login`, `trust`, …); empty when it shows none.

    Asks tmux, which may take seconds: not for a time in which the log is being read.
    """
    words = adapter_of_row(row).dialogs
    if not words or not is_silent(row):
        return ""
    try:
        screen = " ".join(Marvel().capture(row["uid"]).split())
    except MarvelError:
        return ""
    return next((name for text, name in words if text in screen), "")
