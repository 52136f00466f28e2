"""Health: verdicts only. Nothing here starts or stops anything.

Ready: the session may take over. Running and, with a heartbeat check, one beat since its start; with an
`exec` check, its first pass; where neither is to be expected, running for `min_ready` with no dialog on its
screen.

Healthy: its check passes. A miss is one elapsed `timeout` without a beat, or one probe that failed; it is
recorded with its number, so that a new daemon counts on. `failure_threshold` misses in a row are a
verdict, one beat makes them none. After a daemon start, a clock jump or a standstill (`watched_since`)
no miss is counted before another whole `timeout`. What is not known changes nothing.

Attention: what a person should look at. Nothing is restarted for it.
"""

from collections.abc import Callable
from typing import NamedTuple

from marvel.controllers import Decision, View, due
from marvel.events import (
    CONTROLLER_HEALTH,
    AnyFact,
    Draft,
    HealthChanged,
    HealthMissed,
    HealthRecovered,
    SessionAttention,
    SessionReadied,
    SessionStuck,
    session_ref,
)
from marvel.resources import Attention, HealthcheckSpec, Session
from marvel.roster import is_at_rest

SILENT_SECONDS = 90.0  # after which an agent that should have told of its start, or first turn, did not
STUCK_AFTER_SECONDS = 900.0  # of `working` with neither a word nor a byte on the screen
SCREEN_LOOK_SECONDS = 20.0  # between looks at what a screen last showed
TELLING = ("working", "stuck", "waiting", "limited")  # activities that something may follow from
SUSPENDED = ("waiting", "limited")  # activities in which silence is no failure


def reconcile(view: View, now: float) -> Decision:
    """Readiness, health and attention of one role's sessions."""
    drafts: list[Draft] = []
    wakes: list[float] = []
    of_resting: list[float] = []
    for session in view.judged:
        if session.state != "running" or _is_settled(view, session):
            continue
        for judge in (_readiness, _health, _activity, _attention):
            verdict = judge(view, session, now)
            if verdict.fact is not None:
                drafts.append(_draft(session, verdict.fact))
                break  # the next look sees what follows from it, and names it as the cause
            if verdict.wake_at is not None:
                wakes.append(verdict.wake_at)
                if is_at_rest(session):
                    of_resting.append(verdict.wake_at)
    return Decision(drafts, min(wakes, default=None), min(of_resting, default=None))


def _is_settled(view: View, session: Session) -> bool:
    """Whether all is said of a session, and neither time nor a beat can change it: most of them, mostly."""
    if not session.ready or session.activity in TELLING or session.misses or session.failure:
        return False
    if _is_silent(view, session) and session.attention != "no-beat":
        return False
    check = check_of(view, session)
    if check is None:
        return session.health == "unknown" and not session.health_reason
    by_time = check.type == "exec" or (check.type == "heartbeat" and session.heartbeat != "none")
    return session.health == "healthy" and not by_time


class Verdict(NamedTuple):
    """What is to be recorded now, or else when there may be something."""

    fact: AnyFact | None = None
    wake_at: float | None = None


NOTHING = Verdict()


def _draft(session: Session, fact: AnyFact) -> Draft:
    return Draft(ref=session_ref(session), fact=fact, cause=session.position, actor=CONTROLLER_HEALTH)


# --- ready ---------------------------------------------------------------------------------------------


def _readiness(view: View, session: Session, now: float) -> Verdict:
    if session.ready:
        return NOTHING
    ready_at = _ready_at(view, session)
    if ready_at is None:
        return NOTHING
    if not due(ready_at, ready_at - (session.started_at or 0.0), now):
        return Verdict(wake_at=ready_at)
    return Verdict(SessionReadied(ready=True))


def _ready_at(view: View, session: Session) -> float | None:
    """When a running session is ready; None while that depends on something else than time."""
    started = session.started_at or 0.0
    if view.role is None or session.one_off:
        return started
    check, min_ready = view.role.spec.healthcheck, view.role.spec.shift.min_ready
    if check is not None and check.type == "heartbeat" and _must_beat(view, session):
        return session.signaled_at
    if check is not None and check.type == "exec":
        probed = view.probes.get(session.uid)
        return probed.at if probed is not None and probed.passed and probed.at >= started else None
    screen = view.screens.get(session.uid)
    if min_ready and screen is not None and screen.dialog:
        return None  # looked at again when the dialog is gone
    return started + min_ready


def _must_beat(view: View, session: Session) -> bool:
    """Whether readiness waits for a beat: by promise, or because its like have beaten before."""
    if session.heartbeat == "from-start":
        return True
    return session.heartbeat == "once-seen" and any(s.signaled_at is not None for s in view.sessions)


# --- health --------------------------------------------------------------------------------------------


def _health(view: View, session: Session, now: float) -> Verdict:
    check = check_of(view, session)
    if check is None:
        return _say(session, "unknown", "")
    too_many = session.misses >= check.failure_threshold and session.health != "unhealthy"
    if too_many and not _passes(view, session, check, now):
        return _say(session, "unhealthy", _too_many(session, check))
    judge: Callable[[View, Session, HealthcheckSpec, float], Verdict]
    if check.type == "exec":
        judge = _probed
    elif check.type == "heartbeat" and session.heartbeat != "none":
        judge = _beating
    else:
        return _passed(session, "its process is alive")
    return judge(view, session, check, now)


def check_of(view: View, session: Session) -> HealthcheckSpec | None:
    """The check a session is judged by; a one-off, or one whose role is gone, has none."""
    return None if view.role is None or session.one_off else view.role.spec.healthcheck


def _beating(view: View, session: Session, check: HealthcheckSpec, now: float) -> Verdict:
    if session.signaled_at is None:
        if check.startup_timeout is not None:
            return _started_up(view, session, check, now, "no beat")
        if session.heartbeat == "once-seen":
            return NOTHING  # it may have no way to beat: see _attention
    elif _beats_again(view, session, check, now):
        return _passed(session, "it beats")
    elif session.activity in SUSPENDED:
        stale_at = _stale_at(view, session, check, now)
        if now < stale_at:
            return Verdict(wake_at=stale_at)
        return _say(session, "unknown", f"no beat while {session.activity}")
    if session.health == "unhealthy":
        return NOTHING
    miss_at = _quiet_since(view, session, now) + check.timeout
    if now < miss_at:
        return Verdict(wake_at=miss_at)
    return Verdict(HealthMissed(misses=session.misses + 1, reason=f"no beat within {check.timeout:g} s"))


def _probed(view: View, session: Session, check: HealthcheckSpec, now: float) -> Verdict:
    result = view.probes.get(session.uid)
    if result is None or result.at < (session.started_at or 0.0):
        return NOTHING
    if result.passed is None:
        return _say(session, "unknown", f"the probe could not run: {result.detail}")
    if result.passed:
        return _passed(session, "the probe passes")
    if session.passed_at is None and check.startup_timeout is not None:
        return _started_up(view, session, check, now, result.detail)
    if session.health == "unhealthy" or result.at <= _past(session.missed_at, now):
        return NOTHING
    return Verdict(HealthMissed(misses=session.misses + 1, reason=result.detail))


def _passes(view: View, session: Session, check: HealthcheckSpec, now: float) -> bool:
    if check.type == "exec":
        result = view.probes.get(session.uid)
        return result is not None and result.passed is True and result.at > _past(session.missed_at, now)
    return check.type != "heartbeat" or session.heartbeat == "none" or _beat_since_miss(view, session, now)


def _started_up(view: View, session: Session, check: HealthcheckSpec, now: float, what: str) -> Verdict:
    """Until the first success only `startup_timeout` counts."""
    allowed = check.startup_timeout or 0.0
    failed_at = max((session.started_at or 0.0) + allowed, view.looking_since(now) + check.timeout)
    if not due(failed_at, max(allowed, check.timeout), now):
        return Verdict(wake_at=failed_at)
    return _say(session, "unhealthy", f"{what} within {allowed:g} s of its start")


def _passed(session: Session, reason: str) -> Verdict:
    if session.health == "healthy" and session.misses:
        return Verdict(HealthRecovered())
    return _say(session, "healthy", reason)


def _say(session: Session, health: str, reason: str) -> Verdict:
    """A verdict, unless it is known; for the same health only a reason for not knowing is new."""
    if session.health == health and (health != "unknown" or session.health_reason == reason):
        return NOTHING
    return Verdict(HealthChanged(health=health, reason=reason))  # type: ignore[arg-type]


def _too_many(session: Session, check: HealthcheckSpec) -> str:
    if check.type == "exec":
        return f"{session.misses} probes in a row failed"
    return f"{session.misses} beats in a row missed"


# --- silence -------------------------------------------------------------------------------------------


def _last_beat(view: View, session: Session, now: float) -> float:
    lease = view.leases.get(session.uid)
    return max(_past(lease.at if lease else None, now), _past(session.signaled_at, now))


def _beat_since_miss(view: View, session: Session, now: float) -> bool:
    return _last_beat(view, session, now) > _past(session.missed_at, now)


def _beats_again(view: View, session: Session, check: HealthcheckSpec, now: float) -> bool:
    if not _beat_since_miss(view, session, now):
        return False
    if session.health == "healthy":
        return session.misses > 0
    return now < _last_beat(view, session, now) + check.timeout


def _quiet_since(view: View, session: Session, now: float) -> float:
    """From when the next miss counts: a beat, a miss, the start, or when somebody began to listen."""
    return max(
        _last_beat(view, session, now),
        _past(session.missed_at, now),
        _past(session.started_at, now),
        view.looking_since(now),
    )


def _stale_at(view: View, session: Session, check: HealthcheckSpec, now: float) -> float:
    """When a silence becomes worth a look; a daemon that has just come listens for one timeout first."""
    since = max(_last_beat(view, session, now), _past(session.started_at, now))
    heard = view.looking_since(now) + check.timeout
    return max(since + check.timeout * check.failure_threshold, heard)


def _past(at: float | None, now: float) -> float:
    """A time that lies behind; one ahead was noted before the clock went back and tells nothing."""
    return at if at is not None and at <= now else 0.0


# --- activity and attention ----------------------------------------------------------------------------


def _activity(view: View, session: Session, now: float) -> Verdict:
    """`stuck` is said here; every other activity is the agent's own word."""
    if session.activity not in ("working", "stuck"):
        return NOTHING
    screen = view.screens.get(session.uid)
    if screen is None:
        return NOTHING  # nobody has looked: unknown
    lease = view.leases.get(session.uid)
    moved = max(_past(screen.changed_at, now), _past(lease.said_at if lease else None, now))
    since = _past(session.activity_since, now)
    if session.activity == "stuck":
        return Verdict(SessionStuck(stuck=False)) if moved > since else NOTHING
    stuck_at = max(moved, since) + STUCK_AFTER_SECONDS
    if now < stuck_at:
        return Verdict(wake_at=stuck_at)
    if screen.looked_at < stuck_at:
        return Verdict(wake_at=now + SCREEN_LOOK_SECONDS)
    return Verdict(SessionStuck())


def _attention(view: View, session: Session, now: float) -> Verdict:
    reason, detail = "", ""
    match session.activity:
        case "waiting" | "limited" | "stuck":
            reason = session.activity
        case "idle" if session.failure:
            reason, detail = "turn-failed", session.activity_detail
    check = check_of(view, session)
    if check is not None and check.type == "heartbeat" and session.heartbeat != "none":
        silent = session.signaled_at is None and session.heartbeat == "once-seen"
        silent = silent and check.startup_timeout is None
        if silent or session.activity in SUSPENDED:
            stale_at = _stale_at(view, session, check, now)
            if now < stale_at and reason == session.attention:
                return Verdict(wake_at=stale_at)
            if now >= stale_at:
                reason, detail = _silence(session, check)
    elif not reason and _is_silent(view, session):
        silent_at = (session.started_at or 0.0) + SILENT_SECONDS
        if now < silent_at:
            return Verdict(wake_at=silent_at)
        reason, detail = "no-beat", _unheard(session, "told nothing", SILENT_SECONDS)
    if not reason or reason == session.attention:
        return NOTHING
    return Verdict(SessionAttention(reason=reason, detail=detail))  # type: ignore[arg-type]


def _is_silent(view: View, session: Session) -> bool:
    """Whether an agent that beats for nobody has not told even of its first turn."""
    promised = view.promise(session.generation).tells and not session.degraded
    return promised and session.signaled_at is None


def _silence(session: Session, check: HealthcheckSpec) -> tuple[Attention, str]:
    seconds = check.timeout * check.failure_threshold
    if session.signaled_at is None:
        return "no-beat", _unheard(session, "never beat", seconds)
    return "stale", f"{session.activity}, and no beat for {seconds:g} s"


def _unheard(session: Session, what: str, seconds: float) -> str:
    return f"{what} in {seconds:g} s: marvel attach {session.key} shows what it does"
