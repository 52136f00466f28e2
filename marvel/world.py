"""The only fold: what an event changes in the world.

`changes(world, event)` is pure: it reads the world and says which rows are put and which go. Applying
those changes to a `World` gives the next world; writing the same changes to the projection tables
gives the rows. Projections, rebuild, time travel and the daemon's memory therefore can't differ.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from marvel import events
from marvel.events import AnyShiftFact, Event
from marvel.resources import (
    Cohort,
    Daemon,
    Endpoint,
    PastCohort,
    Resource,
    Role,
    RoleKey,
    Session,
    Shift,
    Team,
    TeamKey,
    Workspace,
)
from marvel.roster import Roster
from marvel.sessionfold import scheduled, session_fields
from marvel.shiftfold import next_shift, remembered
from marvel.undo import Undo

# Facts for the audit: they change no row. Every other kind does (a test holds this).
AUDIT_ONLY = (
    events.SessionLeftover,
    events.SessionInjected,
    events.SessionRefused,
    events.SessionThrottled,
    events.PaneOrphaned,
    events.TmuxServerStarted,
    events.TmuxServerLost,
    events.TmuxServerUnreachable,
    events.LogCreated,
    events.LogTruncated,
    events.LogRestored,
    events.LogArchived,
)

KEPT_PAST_SESSIONS = 10  # per role: ended sessions that no longer hold a slot


class Generation(Resource, frozen=True):
    """The highest generation a role ever had; it outlives the role, so that no name is used twice."""

    workspace: str
    team: str
    role: str
    generation: int
    past: tuple[PastCohort, ...] = ()  # what earlier generations were made of, oldest first


class Clock(Resource, frozen=True):
    """The last time the clock was seen to jump, or the daemon to have stood still."""

    stepped_at: float


Key = tuple[str | int, ...]


class Change(NamedTuple):
    """One row put (or, when `row` is None, removed)."""

    table: str
    key: Key
    row: Resource | None


TABLES: dict[str, type[Resource]] = {
    "workspaces": Workspace,
    "teams": Team,
    "roles": Role,
    "cohorts": Cohort,
    "sessions": Session,
    "endpoints": Endpoint,
    "shifts": Shift,
    "generations": Generation,
    "daemons": Daemon,
    "clocks": Clock,
}

DAEMON_KEY: Key = ("daemon",)
CLOCK_KEY: Key = ("clock",)


def key_of(row: Resource) -> Key:
    """The primary key of a row in its table."""
    match row:
        case Workspace():
            return (row.name,)
        case Team() | Endpoint():
            return (row.workspace, row.name)
        case Role():
            return (row.workspace, row.team, row.name)
        case Cohort():
            return (row.workspace, row.team, row.role, row.generation)
        case Session():
            return (row.uid,)
        case Generation() | Shift():
            return (row.workspace, row.team, row.role)
        case Daemon():
            return DAEMON_KEY
        case Clock():
            return CLOCK_KEY
        case _:
            raise TypeError(f"{type(row).__name__} has no table")


class World:
    """All resources at one position (or those of one workspace, for a command that needs no more).

    The containers are for reading; only `apply` changes them, and `rollback` undoes that.
    """

    def __init__(self, rows: Iterable[Resource] = (), *, position: int = 0) -> None:
        self.position = position
        self.workspaces: dict[str, Workspace] = {}
        self.teams: dict[TeamKey, Team] = {}
        self.roles: dict[RoleKey, Role] = {}
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        self.sessions: dict[str, Session] = {}
        self.newest: dict[tuple[str, str], str] = {}  # uid of the newest session of a name
        self.shifts: dict[RoleKey, Shift] = {}
        self.generations: dict[RoleKey, int] = {}
        self.past: dict[RoleKey, tuple[PastCohort, ...]] = {}
        self.daemon: Daemon | None = None
        self.clock: Clock | None = None
        self._rows: dict[str, dict[Key, Resource]] = {table: {} for table in TABLES}
        self._cohorts: dict[RoleKey, dict[int, Cohort]] = {}
        self._rosters: defaultdict[RoleKey, Roster] = defaultdict(Roster)
        self._undo: Undo | None = None
        tables = {kind: table for table, kind in TABLES.items()}
        for row in sorted(rows, key=lambda row: row.position):
            self._put(tables[type(row)], key_of(row), row)

    def cohorts_of(self, key: RoleKey) -> list[Cohort]:
        """A role's cohorts, oldest first."""
        cohorts = self._cohorts.get(key, {})
        return [cohorts[generation] for generation in sorted(cohorts)]

    def sessions_of(self, key: RoleKey) -> list[Session]:
        """All remembered sessions of a role."""
        return list(self.roster_of(key).sessions.values())

    def roster_of(self, key: RoleKey) -> Roster:
        """A role's sessions, sorted by whether they need a look."""
        return self._rosters.get(key) or Roster()

    def roles_of(self, key: TeamKey) -> list[Role]:
        """A team's roles in manifest order."""
        team = self.teams.get(key)
        names = team.roles if team else ()
        found = (self.roles.get(RoleKey(*key, name)) for name in names)
        return [role for role in found if role is not None]

    def role_keys(self) -> set[RoleKey]:
        """Every role that is declared, or that still has cohorts or sessions."""
        return {
            *self.roles,
            *(key for key, cohorts in self._cohorts.items() if cohorts),
            *self._rosters,
        }

    def past_of(self, key: RoleKey) -> list[str]:
        """Uids of a role's ended sessions that hold no slot, oldest first."""
        return list(self.roster_of(key).past)

    def rows(self) -> Iterator[tuple[str, Key, Resource]]:
        """Every row of every table."""
        for table, rows in self._rows.items():
            for key, row in rows.items():
                yield table, key, row

    def apply(self, event: Event) -> list[Change]:
        """Advance by one event; returns the rows it changed."""
        made = changes(self, event)
        for table, key, row in made:
            if row is None:
                self._remove(table, key)
            else:
                self._put(table, key, row)
        self.position = event.position
        return made

    def begin(self) -> None:
        """Remember what the following events change, until `rollback` or `settle`.

        An event that is decided upon is not recorded yet: the log may refuse it.
        """
        self._undo = Undo(self, "position", "daemon", "clock")

    def settle(self) -> None:
        """Keep what was applied since `begin`: it is recorded."""
        self._undo = None

    def rollback(self) -> None:
        """Return to the state at `begin`: what was applied since then was not recorded."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo.run()

    def _remember(self, table: str, key: Key, row: Resource | None) -> None:
        """Note what a row that is put or removed replaces, in all containers that hold it."""
        undo = self._undo
        if undo is None:
            return
        undo.note(self._rows[table], key)
        match row:
            case Workspace():
                undo.note(self.workspaces, row.name)
            case Team():
                undo.note(self.teams, TeamKey(row.workspace, row.name))
            case Role():
                undo.note(self.roles, row.key)
            case Cohort():
                undo.note_copy(self._cohorts, row.key)
            case Session():
                undo.note(self.sessions, row.uid)
                undo.note(self.newest, (row.workspace, row.name))
                undo.note_copy(self._rosters, row.role_key)
            case Endpoint():
                undo.note(self.endpoints, (row.workspace, row.name))
            case Shift():
                undo.note(self.shifts, row.key)
            case Generation():
                role = RoleKey(row.workspace, row.team, row.role)
                undo.note(self.generations, role)
                undo.note(self.past, role)

    def _put(self, table: str, key: Key, row: Resource) -> None:
        self._remember(table, key, row)
        self._rows[table][key] = row
        match row:
            case Workspace():
                self.workspaces[row.name] = row
            case Team():
                self.teams[TeamKey(row.workspace, row.name)] = row
            case Role():
                self.roles[row.key] = row
            case Cohort():
                self._cohorts.setdefault(row.key, {})[row.generation] = row
            case Session():
                self.sessions[row.uid] = row
                if row.current or row.alive:
                    self.newest[row.workspace, row.name] = row.uid
                self._rosters[row.role_key].put(row)
            case Endpoint():
                self.endpoints[row.workspace, row.name] = row
            case Shift():
                self.shifts[row.key] = row
            case Generation():
                self.generations[RoleKey(row.workspace, row.team, row.role)] = row.generation
                self.past[RoleKey(row.workspace, row.team, row.role)] = row.past
            case Daemon():
                self.daemon = row
            case Clock():
                self.clock = row

    def _remove(self, table: str, key: Key) -> None:
        self._remember(table, key, self._rows[table].get(key))
        row = self._rows[table].pop(key, None)
        match row:
            case Workspace():
                del self.workspaces[row.name]
            case Team():
                del self.teams[TeamKey(row.workspace, row.name)]
            case Role():
                del self.roles[row.key]
            case Cohort():
                del self._cohorts[row.key][row.generation]
                if not self._cohorts[row.key]:
                    del self._cohorts[row.key]
            case Session():
                del self.sessions[row.uid]
                if self.newest.get((row.workspace, row.name)) == row.uid:
                    del self.newest[row.workspace, row.name]
                self._rosters[row.role_key].remove(row)
                if not self._rosters[row.role_key].sessions:
                    del self._rosters[row.role_key]
            case Endpoint():
                del self.endpoints[row.workspace, row.name]
            case Shift():
                del self.shifts[row.key]


def changes(world: World, event: Event) -> list[Change]:
    """The rows an event puts or removes. An event about a resource that is gone changes nothing."""
    ref = event.ref
    if isinstance(event.fact, AnyShiftFact):
        return _shift_changes(world, event, event.fact)
    if ref.uid is not None:
        return _session_changes(world, event)
    if ref.generation is not None:
        return _cohort_changes(world, event)
    if ref.role is not None:
        return _role_changes(world, event)
    return _owner_changes(world, event)


def _owner_changes(world: World, event: Event) -> list[Change]:
    """Workspaces, teams, endpoints and the daemon."""
    at, ref, fact = event.position, event.ref, event.fact
    workspace, team = ref.workspace or "", ref.team or ""
    match fact:
        case events.WorkspaceCreated():
            return [_put(Workspace(position=at, name=workspace, uid=fact.uid, created_at=event.time))]
        case events.WorkspaceDeleted():
            return [Change("workspaces", (workspace,), None)]
        case events.TeamApplied():
            old = world.teams.get(TeamKey(workspace, team))
            created = old.created_at if old else event.time
            row = Team(
                position=at,
                workspace=workspace,
                name=team,
                uid=fact.uid,
                created_at=created,
                roles=fact.roles,
            )
            return [_put(row)]
        case events.TeamDeleted():
            return [Change("teams", (workspace, team), None)]
        case events.EndpointApplied():
            known = world.endpoints.get((workspace, fact.name))
            endpoint = Endpoint(
                position=at,
                workspace=workspace,
                name=fact.name,
                uid=fact.uid,
                created_at=known.created_at if known else event.time,
                team=fact.team,
                role=fact.role,
            )
            return [_put(endpoint)]
        case events.EndpointRemoved():
            return [Change("endpoints", (workspace, fact.name), None)]
        case events.DaemonStarted():
            daemon = Daemon(
                position=at, run_id=fact.run_id, pid=fact.pid, version=fact.version, started_at=event.time
            )
            return [_put(daemon)]
        case events.DaemonStopRequested():
            return _daemon_changes(
                world, event, fact.run_id, stop_requested=True, keep_sessions=fact.keep_sessions
            )
        case events.DaemonStopped():
            return _daemon_changes(world, event, fact.run_id, stopped_at=event.time)
        case events.ClockStepped() | events.DaemonStalled():
            return [_put(Clock(position=at, stepped_at=event.time))]
        case _:
            return []


def _daemon_changes(world: World, event: Event, run_id: str, **fields: Any) -> list[Change]:
    """A request that names another run than the present one is void."""
    if world.daemon is None or world.daemon.run_id != run_id:
        return []
    return [_put(msgspec.structs.replace(world.daemon, position=event.position, **fields))]


def _role_changes(world: World, event: Event) -> list[Change]:
    ref, fact = event.ref, event.fact
    key = RoleKey(ref.workspace or "", ref.team or "", ref.role or "")
    old = world.roles.get(key)
    match fact:
        case events.RoleApplied():
            kept = {"restart_asked": old.restart_asked} if old else {}
            role = Role(
                position=event.position,
                workspace=key.workspace,
                team=key.team,
                name=key.role,
                uid=fact.uid,
                created_at=old.created_at if old else event.time,
                spec=fact.spec,
                replicas=fact.replicas,
                chosen=fact.chosen,
                **kept,
            )
            return [_put(role)]
        case events.RoleRemoved():
            made = [Change("roles", key, None)]
            if key in world.shifts:
                made.append(Change("shifts", key, None))
            if old is not None:  # how its sessions end must outlive it
                stop = {"position": event.position, "stop": old.spec.stop}
                made += [_put(msgspec.structs.replace(row, **stop)) for row in world.cohorts_of(key)]
            return made
        case events.RoleTemplateChosen() if old is not None:
            chosen = None if fact.template == old.spec.template else fact.template
            return [_put(msgspec.structs.replace(old, position=event.position, chosen=chosen))]
        case events.RoleScaled() if old is not None:
            return [_put(msgspec.structs.replace(old, position=event.position, replicas=fact.replicas))]
        case events.RoleRestartRequested() if old is not None:
            at = event.position
            return [_put(msgspec.structs.replace(old, position=at, restart_asked=at))]
        case _:
            return []


def _cohort_changes(world: World, event: Event) -> list[Change]:
    ref, fact, at = event.ref, event.fact, event.position
    key = RoleKey(ref.workspace or "", ref.team or "", ref.role or "")
    generation = ref.generation or 0
    row_key = (*key, generation)
    old = next((cohort for cohort in world.cohorts_of(key) if cohort.generation == generation), None)
    match fact:
        case events.CohortCreated():
            cohort = Cohort(
                position=at,
                workspace=key.workspace,
                team=key.team,
                role=key.role,
                generation=generation,
                created_at=event.time,
                template=fact.template,
                count=fact.count,
                proven=fact.proven,
            )
            highest = Generation(
                position=at,
                workspace=key.workspace,
                team=key.team,
                role=key.role,
                generation=max(generation, world.generations.get(key, 0)),
                past=world.past.get(key, ()),
            )
            return [_put(cohort), _put(highest)]
        case events.CohortRemoved():
            removed = Change("cohorts", row_key, None)
            return [removed] if old is None else [removed, _remembered(world, old, at)]
        case events.CohortScaled() if old is not None:
            return [_put(msgspec.structs.replace(old, position=at, count=fact.count))]
        case events.CohortProven() if old is not None:
            return [_put(msgspec.structs.replace(old, position=at, proven=True))]
        case _:
            return []


def _remembered(world: World, cohort: Cohort, at: int) -> Change:
    """What a cohort was made of outlives it."""
    past = PastCohort(generation=cohort.generation, template=cohort.template, aborted=cohort.aborted)
    row = Generation(
        position=at,
        workspace=cohort.workspace,
        team=cohort.team,
        role=cohort.role,
        generation=world.generations.get(cohort.key, cohort.generation),
        past=remembered(world.past.get(cohort.key, ()), past),
    )
    return _put(row)


def _shift_changes(world: World, event: Event, fact: AnyShiftFact) -> list[Change]:
    """A shift's row, and the mark on a generation that was given up."""
    ref = event.ref
    key = RoleKey(ref.workspace or "", ref.team or "", ref.role or "")
    old = world.shifts.get(key)
    new = next_shift(old, key, event, fact)
    made = []
    if new is not None:
        made.append(_put(new))
    elif old is not None:
        made.append(Change("shifts", key, None))
    if old is not None and isinstance(fact, events.ShiftAborted | events.ShiftSuperseded):
        given_up = [c for c in world.cohorts_of(key) if c.generation == old.to_generation and not c.aborted]
        made += [_put(msgspec.structs.replace(c, position=event.position, aborted=True)) for c in given_up]
    if isinstance(fact, events.ShiftAborted):  # those that wait for their turn behind it are dropped
        team = world.teams.get(TeamKey(key.workspace, key.team))
        names = team.roles if team else ()
        behind = [world.shifts.get(RoleKey(key.workspace, key.team, name)) for name in names]
        made += [
            Change("shifts", row.key, None) for row in behind if row and row is not old and not row.started_at
        ]
    return made


def _session_changes(world: World, event: Event) -> list[Change]:
    fact = event.fact
    if isinstance(fact, events.SessionScheduled):
        return _scheduled(world, event, fact)
    old = world.sessions.get(event.ref.uid or "")
    if old is None:
        return []
    if isinstance(fact, events.SessionForgotten):
        return [Change("sessions", (old.uid,), None)]
    fields = session_fields(old, event)
    if fields is None:
        return []
    row = msgspec.structs.replace(old, position=event.position, **fields)
    made = [_put(row)]
    if not row.current and not row.alive:
        made += _pruned(world, row)
    return made


def _scheduled(world: World, event: Event, fact: events.SessionScheduled) -> list[Change]:
    at = event.position
    before = world.sessions.get(fact.replaces)
    made = [_put(scheduled(event, fact, before))]
    if before is not None:
        state = before.outcome if before.state == "crashloop-backoff" else before.state
        past = msgspec.structs.replace(before, position=at, current=False, state=state, restart_at=None)
        made += [_put(past), *_pruned(world, past)]
    return made


def _pruned(world: World, added: Session) -> list[Change]:
    """The oldest past sessions of a role go when a new one joins them."""
    past = [uid for uid in world.past_of(added.role_key) if uid != added.uid]
    excess = max(0, len(past) + 1 - KEPT_PAST_SESSIONS)
    return [Change("sessions", (uid,), None) for uid in past[:excess]]


def _put(row: Resource) -> Change:
    table = _TABLE_OF[type(row)]
    return Change(table, key_of(row), row)


_TABLE_OF = {kind: table for table, kind in TABLES.items()}
