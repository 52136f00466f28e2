"""Calls a person: runs the `on_attention` of config.toml with the event as JSON on standard input."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from marvel.daemon.children import Children
from marvel.events import Event, SessionAttention, SessionDegraded, SessionEnded
from marvel.logs import Logger
from marvel.tmux import server_environment

LIMIT_SECONDS = 10.0  # for one call
QUIET_SECONDS = 600.0  # between calls for the same session and reason
MAX_CALLS = 16  # at once; what comes then is only logged
FAILED = ("session.start-failed", "session.gave-up")
ABORTED = "shift.aborted"


class Attention:
    """Calls for what needs a person; does nothing without an argv."""

    def __init__(
        self, argv: Sequence[str], children: Children, environ: Mapping[str, str], log: Logger
    ) -> None:
        self._argv = argv
        self._children = children
        self._environ = server_environment(environ)
        self._log = log
        self._called: dict[tuple[str, str], float] = {}  # when, by the events' own time

    def consider(self, event: Event) -> None:
        """Call for an event that needs a person, unless that was done lately."""
        reason = reason_of(event)
        if not self._argv or not reason:
            return
        whom = (key_of(event), reason)
        called = self._called.get(whom)
        if called is not None and 0 <= event.time - called < QUIET_SECONDS:
            return
        self._called = {w: at for w, at in self._called.items() if abs(event.time - at) < QUIET_SECONDS}
        self._called[whom] = event.time
        if len(self._children) >= MAX_CALLS:
            self._log.warning("on_attention skipped", key=whom[0], reason=reason, running=MAX_CALLS)
            return
        try:
            self._children.start(
                self._argv,
                env=self._environ,
                seconds=LIMIT_SECONDS,
                stdin=json.dumps(public(event)).encode() + b"\n",
                done=lambda ended: self._ended(*whom, ended.words),
            )
        except (OSError, ValueError) as error:
            self._log.warning("on_attention failed", key=whom[0], reason=reason, error=str(error))

    def _ended(self, key: str, reason: str, problem: str) -> None:
        if problem:
            self._log.warning("on_attention failed", key=key, reason=reason, error=problem)


def reason_of(event: Event) -> str:
    """Why an event needs a person; empty when it does not."""
    if isinstance(event.fact, SessionAttention):
        return event.fact.reason
    if isinstance(event.fact, SessionDegraded):
        return "no-beat"
    if event.kind in FAILED or (isinstance(event.fact, SessionEnded) and event.fact.state == "failed"):
        return "failed"
    return "aborted" if event.kind == ABORTED else ""


def key_of(event: Event) -> str:
    """What an event speaks of."""
    ref = event.ref
    return "/".join(
        filter(None, (ref.workspace, ref.session) if ref.session else (ref.workspace, ref.team, ref.role))
    )


def public(event: Event) -> dict[str, Any]:
    """An event as programs get it."""
    ref = event.ref
    return {
        "position": event.position,
        "time": datetime.fromtimestamp(event.time, UTC).isoformat().replace("+00:00", "Z"),
        "kind": event.kind,
        "workspace": ref.workspace,
        "team": ref.team,
        "role": ref.role,
        "session": ref.session,
        "uid": ref.uid,
        "generation": ref.generation,
        "actor": event.actor,
        "cause": event.cause,
        "payload": msgspec.to_builtins(event.fact),
    }
