"""The decisions. Each controller is a pure function of one role as the world holds it, and of the time.

    reconcile(view, now) → Decision(events, wake_at)

None calls or imports another; what one needs of another it reads from the world. They look at the whole
role and write what is missing (level, not edge), so a skipped or doubled look does no harm, and on a
role that is as it should be they return nothing.

Of sessions at rest (`marvel/roster.py`) a look after an event needs only the number, so that it costs the
same beside ten and beside a thousand. A whole look judges them as well, one by one, and decides the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from marvel import rules
from marvel.events import Draft
from marvel.resources import Cohort, Promise, Role, RoleKey, Session, Shift, StopSpec, Template
from marvel.roster import Roster
from marvel.world import World


class Lease(NamedTuple):
    """A session's last heartbeat."""

    at: float
    context_percent: float | None
    said_at: float | None = None  # when a beat last said what the agent does


class Screen(NamedTuple):
    """What is known of a session's screen.

    `dialog` is the dialog or question that it showed when it was read (`trust`, `login`, `question`, …; see
    `runtimes.dialogs`), empty for none. A screen that was never read (`read_at` None) is unknown.
    """

    changed_at: float  # the last byte on it, in whole seconds
    looked_at: float
    read_at: float | None = None  # when its content was read last
    dialog: str = ""


class Probed(NamedTuple):
    """The result of an `exec` probe."""

    at: float
    passed: bool | None  # None: it could not be run
    detail: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One role: what is wanted and what there is."""

    key: RoleKey
    role: Role | None  # None: no longer declared
    cohorts: list[Cohort]  # oldest first
    sessions: Collection[Session]  # all that are remembered
    judged: Collection[Session]  # those to be looked at one by one; in a whole look all
    resting: Mapping[int, int]  # by generation: how many hold a slot, are ready, and are not among them
    generation: int  # the highest the role ever had
    draining: bool  # the daemon was asked to stop everything
    leases: Mapping[str, Lease]  # by uid
    screens: Mapping[str, Screen] = {}
    probes: Mapping[str, Probed] = {}
    exits: Mapping[str, float] = {}  # by uid: when a process was seen to end, though not yet how
    lingering: Collection[str] = ()  # uids of ended sessions whose processes are not yet proven gone
    watched_since: tuple[float, ...] = ()  # a daemon began to look, or the clock became another
    promises: Mapping[int, Promise]  # by generation: what the cohort's adapter promises
    shift: Shift | None = None
    ahead: Callable[[], str] = lambda: ""  # the team's role that has to shift first; empty: its turn

    def looking_since(self, now: float) -> float:
        """Since when things were looked at without a break; a time ahead of the clock tells nothing."""
        return max((at for at in self.watched_since if at <= now), default=0.0)

    def promise(self, generation: int) -> Promise:
        """What the sessions of a generation are expected to do."""
        return self.promises.get(generation, Promise())

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
    whole_at: float | None = None  # when at the whole role: the nearest deadline of a session at rest


def view_of(
    world: World,
    key: RoleKey,
    *,
    leases: Mapping[str, Lease],
    promise: Callable[[Template], Promise],
    screens: Mapping[str, Screen] | None = None,
    probes: Mapping[str, Probed] | None = None,
    exits: Mapping[str, float] | None = None,
    lingering: Collection[str] = (),
    named: Collection[str] | None = None,
) -> View:
    """One role out of the world. `promise` tells what a template's adapter promises.

    `named` are uids of sessions at rest that are to be judged like the restless ones; None: all.
    """
    daemon = world.daemon
    cohorts = world.cohorts_of(key)
    roster = world.roster_of(key)
    judged: Collection[Session] = roster.sessions.values()
    resting: Mapping[int, int] = {}
    is_replacing = key in world.shifts or any(session.retiring for session in roster.restless.values())
    if named is not None and not is_replacing:  # who is replaced next depends on all of them
        judged = [*roster.restless.values(), *_named(roster, named)]
        resting = roster.resting(but=judged)
    return View(
        key=key,
        role=world.roles.get(key),
        cohorts=cohorts,
        sessions=roster.sessions.values(),
        judged=judged,
        resting=resting,
        generation=world.generations.get(key, 0),
        draining=daemon is not None and daemon.stop_requested and not daemon.keep_sessions,
        leases=leases,
        screens=screens or {},
        probes=probes or {},
        exits=exits or {},
        lingering=lingering,
        watched_since=(
            *((daemon.started_at,) if daemon is not None else ()),
            *((world.clock.stepped_at,) if world.clock is not None else ()),
        ),
        promises={cohort.generation: promise(cohort.template) for cohort in cohorts},
        shift=world.shifts.get(key),
        ahead=lambda: rules.ahead(world, key),
    )


def _named(roster: Roster, uids: Collection[str]) -> Iterator[Session]:
    """Those of some sessions that are remembered, and not restless anyway."""
    for uid in sorted(uids):
        if uid in roster.sessions and uid not in roster.restless:
            yield roster.sessions[uid]


def earliest(times: Iterable[float | None]) -> float | None:
    """The nearest of some times; None when there is none."""
    return min((at for at in times if at is not None), default=None)


ROUNDING_SECONDS = 0.001  # more than adding to a time of today and taking away again can be off


def due(deadline: float, length: float, now: float) -> bool:
    """Whether a deadline that was set `length` seconds ahead has come.

    One that is further off than its own length was set before the clock went back: it has come.
    """
    return now >= deadline or deadline - now > length + ROUNDING_SECONDS
