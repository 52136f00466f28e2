"""Which dialog or question an agent's screen shows, read now. Only its user can answer it.

The words to look for are its adapter's, the forms of questions any program's (`marvel/runtimes/dialogs.py`).
"""

from typing import Any

from marvel.client import Marvel
from marvel.errors import MarvelError
from marvel.runtimes import Adapter, adapter_named, reports_start
from marvel.runtimes.dialogs import described, dialog_on

Row = dict[str, Any]

__all__ = ["adapter_of_row", "described", "dialog_of", "is_silent", "is_unproven"]


def adapter_of_row(row: Row) -> Adapter:
    """Return the adapter of a session's row, or of the object made of it."""
    return adapter_named(row.get("image") or "", row.get("command") or "")


def is_silent(row: Row) -> bool:
    """Whether an agent runs whose runtime reports its start, and has not."""
    if row["state"] != "running" or row.get("signaled_at"):
        return False
    return reports_start(adapter_of_row(row), row.get("heartbeat") or "none")


def is_unproven(row: Row) -> bool:
    """Whether an agent runs that is not ready, or whose runtime reports something and has not yet."""
    if row["state"] != "running" or row.get("signaled_at"):
        return False
    return not row.get("ready") or bool(adapter_of_row(row).first_signal)


def dialog_of(row: Row) -> str:
    """Return the dialog that a running agent's screen shows (`login`, `trust`, `question`, …), or nothing.

    Asks tmux, which may take seconds: not for a time in which the log is being read.
    """
    if row["state"] != "running":
        return ""
    try:
        screen = Marvel().capture(row["uid"])
    except MarvelError:
        return ""
    return dialog_on(screen, adapter_of_row(row).dialogs, heard=bool(row.get("signaled_at")))
