"""When an agent whose turn was cut off is told to go on. Pure arithmetic.

A limit with a known end is waited for; a limit without one, and a failure of the agent's API, are tried
again after a growing pause, a bounded number of times. What only a person can fix (a login, credit, a prompt
that is too long) is left alone.
"""

from marvel.controllers.restarts import jittered
from marvel.resources import Failure, Session

RESET_GRACE_SECONDS = 30.0  # in which an agent goes on by itself, after its limit is over
PASSING: tuple[Failure, ...] = ("limit", "server")  # failures that pass
PAUSE_FIRST_SECONDS, PAUSE_MAX_SECONDS = 60.0, 1800.0  # doubling in between
CONTINUES_MOST = 12  # in a row without a turn that ended well: about four hours


def continues_at(session: Session) -> float | None:
    """Return when a session is to be told to go on; None when it is not."""
    until, told_at = session.limited_until, session.continued_at
    if session.state != "running" or session.activity == "working":
        return None
    if session.activity == "limited" and until is not None:
        if told_at is not None and told_at >= until:
            return None
        return until + RESET_GRACE_SECONDS
    if session.failure not in PASSING or session.continues >= CONTINUES_MOST:
        return None
    pause = min(PAUSE_FIRST_SECONDS * 2.0**session.continues, PAUSE_MAX_SECONDS)
    return (session.activity_since or 0.0) + jittered(pause, session.uid, session.continues)
