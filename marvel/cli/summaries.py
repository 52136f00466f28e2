"""An event's payload in a few words, and its one line for people. Pure."""

from __future__ import annotations

from marvel.cli.table import counted
from marvel.cli.times import local, until

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Row = dict[str, Any]

KIND_COLUMNS = 26  # the longest kind, and one
WARNING = "!"


def line(event: Row, *, warning: bool, wide: bool = False) -> str:
    """One event for people: mark, time here, position, kind, key, and what it says; wide: by whom and why."""
    mark = WARNING if warning else " "
    parts = (f"{mark} {local(event['time'])} {event['position']:>6}", event["kind"].ljust(KIND_COLUMNS))
    author = f"({_author(event)})" if wide else ""
    return "  ".join((*parts, *filter(None, (key(event), summary(event), author)))).rstrip()


def _author(event: Row) -> str:
    """Who recorded an event, and which one led to it."""
    return _join(f"by {event['actor']}", event["cause"] and f"because of {event['cause']}")


def key(event: Row) -> str:
    """What an event speaks of; empty for the log and the daemon."""
    if event["session"]:
        return f"{event['workspace']}/{event['session']}"
    name = "/".join(part for part in (event["workspace"], event["team"], event["role"]) if part)
    return name if event["generation"] is None else f"{name} g{event['generation']}"


def summary(event: Row) -> str:
    """What happened, in words. Kinds of a newer marvel show their plain values."""
    tell = SUMMARIES.get(event["kind"], _plain)
    try:
        return tell(event["payload"], event["time"])
    except (KeyError, TypeError, ValueError):  # another shape than this marvel knows
        return _plain(event["payload"], event["time"])


def ending(payload: Row) -> str:
    """How a process ended: its signal, its exit status, or nothing that is known."""
    if payload.get("signal"):
        return f"SIG{payload['signal']}"
    status = payload.get("exit_status")
    return "" if status is None else f"exit {status}"


def _join(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)


def _plain(payload: Row, at: float) -> str:
    return " ".join(
        f"{name}={value}" for name, value in payload.items() if not isinstance(value, dict | list)
    )


def _nothing(payload: Row, at: float) -> str:
    return ""


def _why(payload: Row, at: float) -> str:
    return ": ".join(part for part in (payload["reason"], payload.get("detail")) if part)


def _applied_role(payload: Row, at: float) -> str:
    runtime = payload["spec"].get("template", {}).get("runtime", {})
    return _join(f"replicas {payload['replicas']}", runtime.get("image") or runtime.get("command"))


def _created_cohort(payload: Row, at: float) -> str:
    return _join(f"count {payload['count']}", payload.get("proven") and "template proven")


def _scheduled(payload: Row, at: float) -> str:
    restarts = payload.get("restarts")
    return _join(
        payload["image"] or payload["command"],
        restarts and f"restart {restarts}",
        payload.get("one_off") and "one-off",
        payload.get("reason") and f"waits: {payload['reason']}",
    )


def _started(payload: Row, at: float) -> str:
    pane = payload["pane"].removeprefix("%")
    return _join(f"pane {pane}", f"pid {payload['pid']}", payload.get("adopted") and "adopted")


def _stopping(payload: Row, at: float) -> str:
    return _join(payload["reason"], f"SIG{payload.get('signal', 'TERM')}", until(payload["deadline"], at))


def _ended(payload: Row, at: float) -> str:
    words = _join(payload["state"], ending(payload), payload.get("reason"))
    return f"{words}: {payload['detail']}" if payload.get("detail") else words


def _injected(payload: Row, at: float) -> str:
    what = "keys" if payload.get("keys") else "text"
    words = f"{payload['outcome']}, {what} of {payload['bytes']} bytes"
    return f"{words}: {payload['detail']}" if payload.get("detail") else words


def _signaled(payload: Row, at: float) -> str:
    percent = payload.get("context_percent")
    return _join(
        payload.get("activity"),
        payload.get("detail"),
        payload.get("resets_at") and until(payload["resets_at"], at),
        percent is not None and f"context {percent:.0f} %",
        payload.get("background_tasks") and counted(payload["background_tasks"], "background task"),
        payload.get("model"),
        payload.get("agent_session_id") and f"agent session {payload['agent_session_id']}",
    )


SUMMARIES: dict[str, Callable[[Row, float], str]] = {
    "workspace.created": _nothing,
    "workspace.deleted": _nothing,
    "team.applied": lambda p, at: _join(p.get("roles") and f"roles {' '.join(p['roles'])}"),
    "team.deleted": _nothing,
    "role.applied": _applied_role,
    "role.scaled": lambda p, at: f"replicas {p['replicas']}",
    "role.restart-requested": _nothing,
    "role.removed": _nothing,
    "endpoint.applied": lambda p, at: (
        f"{p['name']} → {p['team']}{'/' if p.get('role') else ''}{p.get('role', '')}"
    ),
    "endpoint.removed": lambda p, at: str(p["name"]),
    "cohort.created": _created_cohort,
    "cohort.scaled": lambda p, at: f"count {p['count']}",
    "cohort.proven": _nothing,
    "cohort.removed": _nothing,
    "role.template-chosen": lambda p, at: "by an undo",
    "shift.requested": lambda p, at: str(p["reason"]),
    "shift.started": lambda p, at: f"from generation {p['from_generation']}, {p['reason']}",
    "shift.progressed": lambda p, at: _join(p["phase"], f"ready {p['ready']}", f"old {p['old']}"),
    "shift.paused": _nothing,
    "shift.resumed": _nothing,
    "shift.aborted": _why,
    "shift.stuck": lambda p, at: str(p["detail"]),
    "shift.superseded": _nothing,
    "shift.completed": _nothing,
    "shift.rolled-back": _nothing,
    "session.triggered": lambda p, at: _join(
        p["reason"], p.get("reading") is not None and f"context {p['reading']:.0f} %"
    ),
    "session.retiring": lambda p, at: _join(p["reason"], f"its turn may last {until(p['deadline'], at)}"),
    "session.kept": lambda p, at: str(p["reason"]),
    "session.dismissed": lambda p, at: str(p["reason"]),
    "session.paired": lambda p, at: f"takes over from {p['predecessor']}",
    "session.handoff-asked": lambda p, at: until(p["deadline"], at),
    "session.handoff-written": lambda p, at: f"{p['size']} bytes",
    "session.handoff-passed": _nothing,
    "session.notice-given": _nothing,
    "session.typed": lambda p, at: _join(p["purpose"], p.get("problem")),
    "session.scheduled": _scheduled,
    "session.cleared": _nothing,
    "session.start-delayed": _why,
    "session.started": _started,
    "session.start-failed": _why,
    "session.stopping": _stopping,
    "session.ended": _ended,
    "session.backed-off": lambda p, at: until(p["restart_at"], at),
    "session.gave-up": _why,
    "session.released": _nothing,
    "session.restart-requested": _nothing,
    "session.recovered": _nothing,
    "session.signaled": _signaled,
    "session.overspent": lambda p, at: _join(
        p["budget"], f"stopped at the end of its turn, {until(p['deadline'], at)}"
    ),
    "session.readied": lambda p, at: "ready" if p["ready"] else "no longer ready",
    "session.prompted": lambda p, at: f"{p['bytes']} bytes",
    "session.injected": _injected,
    "session.refused": lambda p, at: f"{p['command']}: {p['reason']}",
    "session.throttled": lambda p, at: f"too many {p['what']}: not all are recorded",
    "session.leftover": lambda p, at: _join(f"pids {' '.join(map(str, p['pids']))}", p.get("detail")),
    "session.forgotten": _nothing,
    "session.stuck": lambda p, at: "stuck" if p.get("stuck", True) else "moves again",
    "session.attention": _why,
    "session.degraded": _why,
    "session.continued": _nothing,
    "health.missed": lambda p, at: _join(f"{p['misses']} in a row", p.get("reason")),
    "health.recovered": _nothing,
    "health.changed": lambda p, at: _join(p["health"], p.get("reason")),
    "daemon.started": lambda p, at: f"pid {p['pid']}, marvel {p['version']}",
    "daemon.stop-requested": lambda p, at: (
        "sessions are kept" if p.get("keep_sessions") else "with all sessions"
    ),
    "daemon.stalled": lambda p, at: f"for {p['seconds']:.1f} s",
    "daemon.stopped": lambda p, at: str(p["reason"]),
    "tmux.server-started": lambda p, at: str(p["server"]),
    "tmux.server-lost": lambda p, at: f"{p['server']}, {counted(p['sessions'], 'session')}",
    "tmux.server-unreachable": lambda p, at: str(p["reason"]),
    "pane.orphaned": lambda p, at: f"pane {p['pane'].removeprefix('%')}, pid {p['pid']}",
    "log.created": lambda p, at: str(p["log_id"]),
    "log.truncated": lambda p, at: f"position {p['noted_position']} was noted before",
    "log.restored": lambda p, at: f"from {p['file']}; the log before had {p['replaced_position']} events",
    "log.archived": lambda p, at: f"positions {p['first']} to {p['last']} are in {p['file']}",
    "clock.stepped": lambda p, at: f"by {p['seconds']:+.3f} s",
}
