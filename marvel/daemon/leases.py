"""Heartbeats in: a beat renews its session's lease, and is an event only when it says something new.

Leases are kept in memory and written at most once a second, all in one transaction: a thousand beating
agents cost the log nothing. A beat never fails the agent that sent it for a reason on our side.

What a beat says beyond "alive" counts only with proof that it comes from the session: its token, or a process
of the session as its sender. What one session can have recorded is bounded; its newest word is recorded
when there is room again.
"""

import math
from collections.abc import Callable
from typing import Any, get_args

import msgspec

from marvel.controllers import Lease
from marvel.daemon.buckets import Buckets
from marvel.daemon.observations import SETTLED, Observation, is_news, signaled, throttled
from marvel.daemon.readings import Readings
from marvel.daemon.tokens import Tokens
from marvel.resources import Activity, Session
from marvel.runtimes import Signal, parse
from marvel.runtimes.activity import Told, derive
from marvel.runtimes.adapter import ALIVE
from marvel.runtimes.values import number, plain_id, text
from marvel.store.log import Store
from marvel.tmux.timers import Timers
from marvel.world import World

FLUSH_SECONDS = 1.0  # between writes of the lease table
MAX_SHOWN = 20  # characters of a number that is refused
SIGNALS_BURST, SIGNALS_A_SECOND = 20, 1  # of one session, that are recorded
ACTIVITIES = frozenset(get_args(Activity)) - {"", "stuck"}  # `stuck` is ours to say


NEVER = Lease(0.0, None)


Proof = Callable[[Session], bool]  # whether a beat without a token comes from a session all the same


def nothing(_session: Session) -> bool:
    """The proof of a beat whose sender is not known."""
    return False


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
        touch: Callable[[Session], None],
        timers: Timers,
    ) -> None:
        self._store = store
        self._world = world
        self._note = note
        self._tokens = tokens
        self._touch = touch
        self._timers = timers
        self._buckets = Buckets(SIGNALS_BURST, SIGNALS_A_SECOND, timers.clock)
        self._late: dict[str, Signal] = {}  # by uid: what waits for room in its bucket, newest words only
        self._throttled: set[str] = set()  # uids: that this is noted
        self.table: dict[str, Lease] = {uid: Lease(*lease) for uid, lease in store.leases().items()}
        self._unwritten: dict[str, int] = {}  # beats since the last write
        self._write_at: float | None = None
        self._told: dict[str, Told] = {}  # freshest evidence of each session's activity
        self._readings = Readings()
        self._conversations: dict[str, str] = {}  # what it told last: the log hears of it a pass later

    def beat(
        self, params: dict[str, Any], wall: float, now: float, proof: Proof = nothing
    ) -> tuple[str, bool]:
        """Take one beat; returns the session's uid, and whether more than "alive" counted.

        Raises BeatRefused.
        """
        session = self._session(params)
        if "token" in params and not self._tokens.fits(params["token"], session.uid):
            raise BeatRefused("the token is not this session's")
        told = _signal(params)
        is_bare = told == ALIVE and "record" not in params  # then there is nothing to prove
        counts = "token" in params or is_bare or proof(session)
        conversation, plain = self._conversation(session), "payload" not in params
        signal = self._fresh(session, told if counts else ALIVE, params.get("ts"), wall, plain=plain)
        another = signal.agent_session_id not in ("", conversation)
        said = bool(signal.activity)
        self._renew(session, wall, now, percent=signal.context_percent, another=another, said=said)
        self._record(session, signal)
        if signal.activity in SETTLED:  # the end of a turn
            for reading in self._readings.unrecorded(session):
                if self._buckets.take(session.uid):  # else at the end of the next, or of the session
                    self._note(signaled(session.uid, reading))
        return session.uid, counts

    def _record(self, session: Session, signal: Signal) -> None:
        """Note what is new, as fast as one session may; what comes faster is noted later, as one."""
        uid = session.uid
        if uid in self._late:
            self._late[uid] = merged(self._late[uid], signal)
        elif not is_news(self._world(), session, signal):
            return
        elif self._buckets.take(uid):
            self._note(signaled(uid, signal))
        else:
            self._late[uid] = signal
            self._timers.after(self._buckets.wait(uid), lambda: self._catch_up(uid))
            if uid not in self._throttled:
                self._throttled.add(uid)
                self._note(throttled(uid, "signals"))

    def _catch_up(self, uid: str) -> None:
        signal = self._late.get(uid)
        if signal is None:
            return
        if not self._buckets.take(uid):
            self._timers.after(self._buckets.wait(uid), lambda: self._catch_up(uid))
            return
        del self._late[uid]
        self._note(signaled(uid, signal))

    def unrecorded(self, uid: str) -> list[Signal]:
        """Return what a session reported last, as far as the log does not have it."""
        session = self._world().sessions.get(uid)
        return self._readings.unrecorded(session) if session is not None else []

    def touched(self, uid: str, wall: float, now: float) -> bool:
        """Take a beat that says nothing but that it is one; whether there is such a session."""
        session = self._world().sessions.get(uid)
        if session is None or not session.alive:
            return False
        self._renew(session, wall, now)
        if session.signaled_at is None:
            self._note(signaled(uid, Signal()))
        return True

    def _renew(
        self,
        session: Session,
        wall: float,
        now: float,
        *,
        percent: float | None = None,
        another: bool = False,  # conversation, whose context is not known yet
        said: bool = False,
    ) -> None:
        uid = session.uid
        known = self.table.get(uid, NEVER)
        kept = percent if percent is not None or another else known.context_percent
        self.table[uid] = Lease(wall, kept, wall if said else known.said_at)
        self._unwritten[uid] = self._unwritten.get(uid, 0) + 1
        if self._write_at is None:
            self._write_at = now + FLUSH_SECONDS
        if self._may_change_verdict(session):
            self._touch(session)

    def _may_change_verdict(self, session: Session) -> bool:
        """Whether the controllers have to look: not for every beat of an agent that beats cannot judge."""
        if session.activity == "stuck":
            return True
        if session.heartbeat == "none" or session.one_off:
            return False
        if session.health == "healthy" and not session.misses:
            return False
        role = self._world().roles.get(session.role_key)
        check = role.spec.healthcheck if role is not None else None
        return check is not None and check.type == "heartbeat"

    def _fresh(
        self, session: Session, signal: Signal, ts: object, wall: float, *, plain: bool = False
    ) -> Signal:
        """Return what of a signal counts: reports overtake each other.

        A plain heartbeat's cost is that of its conversation.
        """
        at = float(ts) if isinstance(ts, int | float) and 0 < ts <= wall else wall
        uid = session.uid
        conversation = self._conversation(session)
        if plain and signal.cost_usd is not None:
            signal = msgspec.structs.replace(signal, cost_counter=signal.agent_session_id or conversation)
        signal = self._readings.taken(uid, signal, at)
        latest, counts = derive(self._known(session), Told(at, signal), conversation)
        if latest is not None:
            self._told[uid] = latest
        if counts.agent_session_id:
            self._conversations[uid] = counts.agent_session_id
        return counts

    def _known(self, session: Session) -> Told | None:
        """Return the freshest evidence, after a daemon's start as far as it is recorded."""
        told = self._told.get(session.uid)
        if told is None and session.activity:
            return Told(0.0, Signal(activity=session.activity, failure=session.failure))
        return told

    def _conversation(self, session: Session) -> str:
        return self._conversations.get(session.uid) or session.agent_session_id

    def deadline(self) -> float | None:
        """When `flush` has something to do, on the monotonic clock."""
        return self._write_at

    def flush(self) -> None:
        """Write what was renewed. Raises LogUnavailable; what was not written is kept."""
        if self._unwritten:
            self._store.beat([self._row(uid, count) for uid, count in self._unwritten.items()])
        sessions = self._world().sessions
        for uid in self._unwritten:
            if uid not in sessions or not sessions[uid].alive:
                self.table.pop(uid, None)
        self._unwritten.clear()
        self._write_at = None

    def _row(self, uid: str, count: int) -> dict[str, Any]:
        lease = self.table[uid]
        said_at = None if lease.said_at is None else round(lease.said_at * 1e6)
        return {
            "uid": uid,
            "at": round(lease.at * 1e6),
            "context_percent": lease.context_percent,
            "said_at": said_at,
            "count": count,
        }

    def put_off(self, now: float) -> None:
        """The log could not be written: try again later."""
        self._write_at = now + FLUSH_SECONDS

    def forget(self, uid: str) -> None:
        """A session that has ended: its row stays, its memory goes."""
        self._told.pop(uid, None)
        self._readings.forget(uid)
        self._conversations.pop(uid, None)
        self._buckets.forget(uid)
        self._late.pop(uid, None)
        self._throttled.discard(uid)
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


def merged(before: Signal, after: Signal) -> Signal:
    """Two signals as one: of each thing the newest word."""
    newer = {
        name: value
        for name in Signal.__struct_fields__
        if (value := getattr(after, name)) not in ("", None) or (name == "detail" and after.activity)
    }
    return msgspec.structs.replace(before, **newer)


def _signal(params: dict[str, Any]) -> Signal:
    """What a beat says: an agent's own payload, or the plain fields. Raises BeatRefused."""
    if "payload" in params:
        said = parse(str(params.get("source")), params["payload"]) or ALIVE
        return msgspec.structs.replace(said, agent_session_id=plain_id(said.agent_session_id))
    return Signal(
        activity=_activity(params.get("state")),
        context_percent=_percent(params.get("context_percent")),
        agent_session_id=plain_id(text(params, "agent_session_id")),
        detail=text(params, "detail"),
        model=text(params, "model"),
        cost_usd=number(params, "cost_usd"),
    )


def _percent(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BeatRefused("context_percent is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise BeatRefused("context_percent is not a number")
    if not 0 <= value <= 100:
        raise BeatRefused(f"context_percent must be between 0 and 100, is {str(value)[:MAX_SHOWN]}")
    return float(value)


def _activity(value: object) -> Activity:
    if value is None or value == "":
        return ""
    for known in get_args(Activity):
        if value == known and known in ACTIVITIES:
            return known  # type: ignore[no-any-return]
    raise BeatRefused(f"state must be one of {', '.join(sorted(ACTIVITIES))}")
