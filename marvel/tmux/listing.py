"""The list of panes: how tmux is asked for it, and how strictly its answer is read. Pure.

An agent may write anything into the options of a pane, also lines that look like panes. So each line
of a listing begins with a mark made for this one request, which nobody can know before: a line without it
is no pane. Behind it stand numbers that only tmux writes, and last, where it can cut off nothing else, what
an agent may have written. A line whose stamp makes no sense is still a pane: one that is not ours.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable

from marvel.tmux.control import blocks
from marvel.tmux.pipeline import Reply
from marvel.tmux.quote import command
from marvel.tmux.records import Failed, Pane

UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
LOG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")

FIELDS = (
    "#{pane_id}|#{pane_pid}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}"
    "|#{window_activity}|#{?@marvel_keeper,1,}|#{@marvel_uid}|#{@marvel_log}"
)
_LINE = re.compile(
    rb"(?P<pane>%[0-9]{1,10})\|(?P<pid>[0-9]{0,7})\|(?P<dead>[01]?)\|(?P<status>[0-9]{0,10})"
    rb"\|(?P<signal>[A-Z0-9+-]{0,20})\|(?P<changed>[0-9]{0,15})\|(?P<keeper>1?)\|(?P<stamp>.*)",
    re.DOTALL,
)
FIRST_PID = 2  # of what can be an agent: 0 is nobody, or everybody, and 1 began before tmux


def list_panes(mark: str, *, dead_only: bool) -> bytes:
    """All panes, or all that are dead, each on a line that begins with `mark`."""
    only = ("-f", "#{pane_dead}") if dead_only else ()
    return command("list-panes", "-a", *only, "-F", f"{mark} {FIELDS}")


def show_stamp(pane: str) -> bytes:
    """The stamp of a pane itself. A format would also show an option of its window, session or server."""
    return command("show-options", "-p", "-q", "-v", "-t", pane, "@marvel_uid")


def listed(reply: Reply, mark: str) -> tuple[Pane, ...] | Failed:
    """Read the answer to `list_panes`."""
    found = blocks(reply, greedy=0)  # a stamp may look like the end of the block
    if len(found) == 1 and found[0].ok:
        return read_panes(marked(found[0].lines, mark))
    return Failed(reason="refused", message=found[0].text if found else "tmux gave no answer")


def marked(lines: Iterable[bytes], mark: str) -> list[bytes]:
    """The lines that begin with a mark, without it."""
    prefix = f"{mark} ".encode()
    return [line[len(prefix) :] for line in lines if line.startswith(prefix)]


def read_panes(lines: Iterable[bytes]) -> tuple[Pane, ...]:
    """Panes but the keeper, once each (a window linked twice is listed twice)."""
    found: dict[str, Pane] = {}
    for line in lines:
        fields = _LINE.fullmatch(line)
        if fields is None:
            continue
        uid, log_id = _stamp(fields["stamp"].decode("utf-8", "replace"))
        if fields["keeper"] and not uid:
            continue
        pane = fields["pane"].decode()
        found[pane] = Pane(
            pane=pane,
            uid=uid,
            log_id=log_id,
            pid=_pid(fields["pid"]),
            dead=fields["dead"] == b"1",
            exit_status=_number(fields["status"]),
            signal=_signal_name(fields["signal"].decode()),
            changed_at=float(_number(fields["changed"]) or 0),
        )
    return tuple(found.values())


def _stamp(text: str) -> tuple[str, str]:
    """Uid and log id; both are empty unless both are what marvel writes."""
    uid, _, log_id = text.partition("|")
    return (uid, log_id) if UID.fullmatch(uid) and LOG_ID.fullmatch(log_id) else ("", "")


def _number(digits: bytes) -> int | None:
    return int(digits) if digits else None


def _pid(digits: bytes) -> int | None:
    """The pid of a pane's process. tmux may print none (next-3.8, once it has ended)."""
    pid = _number(digits)
    return pid if pid is not None and pid >= FIRST_PID else None


def _signal_name(value: str) -> str | None:
    """tmux gives a number or a name, as its C library does."""
    if not value.isdigit():
        return value.removeprefix("SIG") or None
    try:
        return signal.Signals(int(value)).name.removeprefix("SIG")
    except ValueError:
        return value  # a real-time signal
