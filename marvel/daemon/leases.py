"""Heartbeats in: a beat renews its session's lease, and is an event only when it says something new.

Leases are kept in memory and written at most once a second, all in one transaction: a thousand beating
agents cost the log nothing. A beat never fails the agent that sent it for a reason on our side.
"""

import math
from collections.abc import Callable
from typing import Any, get_args

from marvel.controllers import Lease
from marvel.daemon.observations import Observation, says_something_new, signaled
from marvel.daemon.tokens import Tokens
from marvel.resources import Activity, Session
from marvel.store.log import Store
from marvel.world import World

FLUSH_SECONDS = 1.0  # between writes of the lease table
MAX_TEXT = 200  # characters of an agent's own session id
MAX_NUMBER = 20  # characters of a refused number that its message repeats
ACTIVITIES = frozenset(get_args(Activity)) - {"", "stuck"}  # `stuck` is ours to say


class BeatRefused(ValueError):
    """Why a beat was not taken."""


class Leases:
    """The lease table of all sessions."""

    def __init__(
        self,
        store: Store,
        *,
        world: Callable[[], World],
        note: Callable[[Observation], None],
        tokens: Tokens,
    ) -> None:
        self._store = store
        self._world = world
        self._note = note
        self._tokens = tokens
        self.table: dict[str, Lease] = {uid: Lease(*lease) for uid, lease in store.leases().items()}
        self._unwritten: dict[str, int] = {}  # beats since the last write
        self._write_at: float | None = None

    def beat(self, params: dict[str, Any], wall: float, now: float) -> str:
        """Take one beat; returns the session's uid. Raises BeatRefused."""
        session = self._session(params)
        if "token" in params and not self._tokens.fits(params["token"], session.uid):
            raise BeatRefused("the token is not this session's")
        percent = _percent(params.get("context_percent"))
        activity = _activity(params.get("state"))
        agent_session_id = _text(params.get("agent_session_id"))
        known = self.table.get(session.uid)
        kept = percent if percent is not None else known.context_percent if known else None
        self.table[session.uid] = Lease(wall, kept)
        self._unwritten[session.uid] = self._unwritten.get(session.uid, 0) + 1
        if self._write_at is None:
            self._write_at = now + FLUSH_SECONDS
        if says_something_new(session, activity, percent, agent_session_id):
            self._note(
                signaled(
                    session.uid,
                    activity=activity,
                    context_percent=percent,
                    agent_session_id=agent_session_id,
                )
            )
        return session.uid

    def deadline(self) -> float | None:
        """When `flush` has something to do, on the monotonic clock."""
        return self._write_at

    def flush(self) -> None:
        """Write what was renewed. Raises LogUnavailable; what was not written is kept."""
        rows = [
            {
                "uid": uid,
                "at": round(self.table[uid].at * 1e6),
                "context_percent": self.table[uid].context_percent,
                "count": count,
            }
            for uid, count in self._unwritten.items()
        ]
        if rows:
            self._store.beat(rows)
        self._unwritten.clear()
        self._write_at = None

    def put_off(self, now: float) -> None:
        """The log could not be written: try again later."""
        self._write_at = now + FLUSH_SECONDS

    def forget(self, uid: str) -> None:
        """A session that has ended: its row stays, its memory goes."""
        if uid not in self._unwritten:
            self.table.pop(uid, None)

    def _session(self, params: dict[str, Any]) -> Session:
        uid, key = params.get("uid"), params.get("session_key")
        world = self._world()
        if uid is None and isinstance(key, str):
            workspace, _, name = key.partition("/")
            uid = world.newest.get((workspace, name))
        session = world.sessions.get(uid) if isinstance(uid, str) else None
        if session is None or not session.alive:
            raise BeatRefused(f"no such session: {params.get('uid') or key}")
        return session


def _percent(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BeatRefused("context_percent is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise BeatRefused("context_percent is not a number")
    if not 0 <= value <= 100:
        shown = str(value)[:MAX_NUMBER]  # an integer may have any number of digits
        raise BeatRefused(f"context_percent must be between 0 and 100, is {shown}")
    return float(value)


def _activity(value: object) -> Activity:
    if value is None or value == "":
        return ""
    for known in get_args(Activity):
        if value == known and known in ACTIVITIES:
            return known  # type: ignore[no-any-return]
    raise BeatRefused(f"state must be one of {', '.join(sorted(ACTIVITIES))}")


def _text(value: object) -> str:
    """What the log can hold of a text: JSON may bring halves of characters, which UTF-8 has not."""
    return value[:MAX_TEXT].encode(errors="replace").decode() if isinstance(value, str) else ""
