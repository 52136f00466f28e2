"""The decisions. Each controller is a pure function of one role as the world holds it, and of the time.

    reconcile(view, now) → Decision(events, wake_at)

None calls or imports another; what one needs of another it reads from the world. They look at the whole
role and write what is missing (level, not edge), so a skipped or doubled look does no harm, and on a
role that is as it should be they return nothing.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from marvel.events import Draft
from marvel.resources import Cohort, HeartbeatMode, Role, RoleKey, Session, StopSpec, Template
from marvel.world import World


class Lease(NamedTuple):
    """A session's last heartbeat."""

    at: float
    context_percent: float | None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One role: what is wanted and what there is."""

    key: RoleKey
    role: Role | None  # None: no longer declared
    cohorts: list[Cohort]  # oldest first
    sessions: list[Session]
    generation: int  # the highest the role ever had
    draining: bool  # the daemon was asked to stop everything
    leases: Mapping[str, Lease]  # by uid
    promises: Mapping[int, HeartbeatMode]  # by generation: what the cohort's adapter promises

    def stop_spec(self, session: Session) -> StopSpec:
        """How a session is to end: as its role says, or said last."""
        if self.role is not None and not session.one_off:
            return self.role.spec.stop
        for cohort in self.cohorts:
            if cohort.generation == session.generation and cohort.stop is not None:
                return cohort.stop
        return StopSpec()


class Decision(NamedTuple):
    """What shall be recorded, and when the controller wants to look again."""

    events: list[Draft]
    wake_at: float | None


def view_of(
    world: World,
    key: RoleKey,
    *,
    leases: Mapping[str, Lease],
    promise: Callable[[Template], HeartbeatMode],
) -> View:
    """One role out of the world. `promise` tells how an adapter's sessions beat."""
    daemon = world.daemon
    cohorts = world.cohorts_of(key)
    return View(
        key=key,
        role=world.roles.get(key),
        cohorts=cohorts,
        sessions=world.sessions_of(key),
        generation=world.generations.get(key, 0),
        draining=daemon is not None and daemon.stop_requested and not daemon.keep_sessions,
        leases=leases,
        promises={cohort.generation: promise(cohort.template) for cohort in cohorts},
    )


ROUNDING_SECONDS = 0.001  # more than adding to a time of today and taking away again can be off


def due(deadline: float, length: float, now: float) -> bool:
    """Whether a deadline that was set `length` seconds ahead has come.

    One that is further off than its own length was set before the clock went back: it has come.
    """
    return now >= deadline or deadline - now > length + ROUNDING_SECONDS
