"""The facts: one frozen record per kind of event, to and from JSON.

An event is a recorded fact in the past tense. Its payload carries the whole new status of what it
changes, so that looking back needs one event and not a history. `Event` is what the log holds,
`Draft` what a decision wants to append; `Ref` names the resource it speaks of.

A kind never changes its meaning. When its payload changes shape, raise the class's `schema` and add
an upcast from the old shape to `UPCASTS`; the golden files in `tests/unit/golden/` keep old logs readable.
"""

from collections.abc import Callable
from typing import Any, ClassVar, get_args

import msgspec

from marvel.resources import (
    Activity,
    Attention,
    BudgetName,
    Failure,
    Health,
    HeartbeatMode,
    InjectOutcome,
    RoleKey,
    RoleSpec,
    Session,
    ShiftPhase,
    ShiftReason,
    State,
    Template,
    TypingPurpose,
)

CONTROLLER_SESSIONS = "controller:sessions"
CONTROLLER_HEALTH = "controller:health"
CONTROLLER_SHIFTS = "controller:shifts"
DAEMON = "daemon"


class Ref(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coordinates of the resource an event speaks of; what does not apply is None."""

    workspace: str | None = None
    team: str | None = None
    role: str | None = None
    session: str | None = None  # name
    uid: str | None = None  # of the session
    generation: int | None = None


NOWHERE = Ref()


def session_ref(session: Session) -> Ref:
    """The coordinates of a session."""
    return Ref(
        workspace=session.workspace,
        team=session.team,
        role=session.role,
        session=session.name,
        uid=session.uid,
        generation=session.generation,
    )


def role_ref(key: RoleKey, generation: int | None = None) -> Ref:
    """The coordinates of a role, or of one of its cohorts."""
    return Ref(workspace=key.workspace, team=key.team, role=key.role, generation=generation)


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all payloads. Times are seconds since the epoch, durations seconds."""

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
    warning: ClassVar[bool] = False  # worth a person's attention


class WorkspaceCreated(Fact, frozen=True):
    """A manifest or `marvel run` named a workspace that did not exist."""

    kind = "workspace.created"
    uid: str


class WorkspaceDeleted(Fact, frozen=True):
    """A person deleted it; its teams were deleted before it in the same command."""

    kind = "workspace.deleted"


class TeamApplied(Fact, frozen=True):
    """A team as a manifest declares it."""

    kind = "team.applied"
    uid: str
    roles: tuple[str, ...] = ()


class TeamDeleted(Fact, frozen=True):
    """A person deleted the team; its roles were removed before it in the same command."""

    kind = "team.deleted"


class RoleApplied(Fact, frozen=True):
    """A role as a manifest declares it, and the number of sessions wanted from now on."""

    kind = "role.applied"
    uid: str
    spec: RoleSpec
    replicas: int
    chosen: Template | None = None  # by an undo, and still in force


class RoleTemplateChosen(Fact, frozen=True):
    """A person went back to an earlier template; it stands until the manifest's own changes."""

    kind = "role.template-chosen"
    template: Template


class RoleScaled(Fact, frozen=True):
    """A person or an agent asked for another number of sessions."""

    kind = "role.scaled"
    replicas: int


class RoleRestartRequested(Fact, frozen=True):
    """Every session of the role that is older than this event is to be replaced, one at a time."""

    kind = "role.restart-requested"


class RoleRemoved(Fact, frozen=True):
    """The role is no longer declared; its sessions are stopped."""

    kind = "role.removed"


class EndpointApplied(Fact, frozen=True):
    """A stable name for the ready sessions of a team or a role."""

    kind = "endpoint.applied"
    name: str
    uid: str
    team: str
    role: str = ""


class EndpointRemoved(Fact, frozen=True):
    """The endpoint is no longer declared."""

    kind = "endpoint.removed"
    name: str


class CohortCreated(Fact, frozen=True):
    """A new generation of a role."""

    kind = "cohort.created"
    template: Template
    count: int
    proven: bool = False


class CohortScaled(Fact, frozen=True):
    """The number of sessions a cohort shall have."""

    kind = "cohort.scaled"
    count: int


class CohortProven(Fact, frozen=True):
    """A session of the cohort's template has lived: the others may start together."""

    kind = "cohort.proven"


class CohortRemoved(Fact, frozen=True):
    """An older generation has no session left."""

    kind = "cohort.removed"


class ShiftRequested(Fact, frozen=True):
    """A person or an agent asked for fresh sessions of a role; it waits for its turn in the team."""

    kind = "shift.requested"
    reason: ShiftReason


class ShiftStarted(Fact, frozen=True):
    """A new generation takes over. The event's generation is the new one."""

    kind = "shift.started"
    reason: ShiftReason
    from_generation: int


class ShiftProgressed(Fact, frozen=True):
    """It got on, or began or ceased to wait for sessions to be ready (until `deadline`)."""

    kind = "shift.progressed"
    phase: ShiftPhase
    ready: int
    old: int
    replicas: int
    deadline: float | None = None


class ShiftPaused(Fact, frozen=True):
    """A person holds it: nothing is launched and nothing is drained."""

    kind = "shift.paused"


class ShiftResumed(Fact, frozen=True):
    """It goes on, with a full time to get ready."""

    kind = "shift.resumed"


class ShiftAborted(Fact, frozen=True):
    """It is run backwards; one that had not started is dropped."""

    kind = "shift.aborted"
    warning = True
    reason: str  # requested, ready-timeout, undo, earlier-role-aborted
    detail: str = ""


class ShiftStuck(Fact, frozen=True):
    """Neither generation gets ready: what is ready is kept."""

    kind = "shift.stuck"
    warning = True
    detail: str


class ShiftSuperseded(Fact, frozen=True):
    """A newer template takes over before it was complete; its generation is drained first."""

    kind = "shift.superseded"


class ShiftCompleted(Fact, frozen=True):
    """The new generation has all sessions, and the old ones are gone."""

    kind = "shift.completed"


class ShiftRolledBack(Fact, frozen=True):
    """An aborted shift's generation is gone; the one before it has all sessions."""

    kind = "shift.rolled-back"


class SessionScheduled(Fact, frozen=True):
    """A session shall run. Recorded before anything is done about it."""

    kind = "session.scheduled"
    index: int
    image: str
    command: str
    heartbeat: HeartbeatMode = "none"
    held: bool = False
    reason: str = ""
    one_off: bool = False
    template: Template | None = None
    restarts: int = 0
    streak: int = 0
    delay: float = 0.0
    replaces: str = ""
    predecessor: str = ""
    resumes: str = ""
    spent_usd: float = 0.0  # by the processes before it in the slot, whose job it goes on with


class SessionCleared(Fact, frozen=True):
    """A held session may start now."""

    kind = "session.cleared"


class SessionStartDelayed(Fact, frozen=True):
    """A pending session can't be started yet, for a reason outside of it; it is tried again."""

    kind = "session.start-delayed"
    warning = True
    reason: str
    detail: str = ""


class SessionStarted(Fact, frozen=True):
    """Its process is in a pane."""

    kind = "session.started"
    server: str
    pane: str
    pid: int
    pid_start: int | None = None
    adopted: bool = False  # found by a daemon that did not see it start


class SessionStartFailed(Fact, frozen=True):
    """There is nothing to run: the command or directory is missing or can't be executed."""

    kind = "session.start-failed"
    warning = True
    reason: str
    detail: str


class SessionStopping(Fact, frozen=True):
    """A session is asked to end; it counts as alive until it is proven gone."""

    kind = "session.stopping"
    reason: str
    deadline: float
    state: State = "stopped"
    release: bool = False
    signal: str = "TERM"
    keys: tuple[str, ...] = ()


class SessionEnded(Fact, frozen=True):
    """Its process is gone."""

    kind = "session.ended"
    state: State
    reason: str = ""
    detail: str = ""
    exit_status: int | None = None
    signal: str = ""
    tail_sha256: str = ""  # of the kept last lines of its screen
    at: float | None = None  # when its process was seen to end, where that is known; else the event's time


class SessionBackedOff(Fact, frozen=True):
    """Its slot waits before the next restart."""

    kind = "session.backed-off"
    restart_at: float
    delay: float


class SessionGaveUp(Fact, frozen=True):
    """Nothing else is started in its slot until a person acts."""

    kind = "session.gave-up"
    warning = True
    reason: str
    detail: str = ""
    state: State = "failed"  # how the slot is left


class SessionReleased(Fact, frozen=True):
    """An ended session whose slot is no longer wanted."""

    kind = "session.released"


class SessionRestartRequested(Fact, frozen=True):
    """A person wants an ended session's slot filled again."""

    kind = "session.restart-requested"


class SessionRecovered(Fact, frozen=True):
    """It has run well for long enough: the next crash starts a new streak."""

    kind = "session.recovered"


class SessionSignaled(Fact, frozen=True):
    """A heartbeat that said something new."""

    kind = "session.signaled"
    schema = 2
    activity: Activity = ""
    context_percent: float | None = None
    agent_session_id: str = ""
    detail: str = ""  # why it waits, is limited or failed
    failure: Failure = ""  # why its turn ended in an error
    resets_at: float | None = None
    model: str = ""
    cost_usd: float | None = None  # a reading of one of its cost counters
    cost_counter: str = ""  # the conversation that the counter is of; empty: of the process
    background_tasks: int | None = None  # that go on after the end of its turn


class SessionOverspent(Fact, frozen=True):
    """Its budget is used up in the middle of a turn: it is stopped at the turn's end, at the latest then."""

    kind = "session.overspent"
    warning = True
    budget: BudgetName
    limit: float  # seconds or USD
    deadline: float


class SessionDegraded(Fact, frozen=True):
    """A signal that its agent promised does not come: it is judged by its process alone."""

    kind = "session.degraded"
    warning = True
    reason: str  # too-old, no-stream, settings
    detail: str


class SessionContinued(Fact, frozen=True):
    """Its limit is over, or its turn failed for a reason that passes: it is to be told to go on."""

    kind = "session.continued"
    text: str


class SessionTriggered(Fact, frozen=True):
    """It is full or old: a successor inside its cohort takes over."""

    kind = "session.triggered"
    reason: str  # context or age
    deadline: float
    reading: float | None = None  # context percent


class SessionRetiring(Fact, frozen=True):
    """It is to be drained; its turn may last until the deadline."""

    kind = "session.retiring"
    reason: str
    deadline: float


class SessionKept(Fact, frozen=True):
    """It is not to be drained after all."""

    kind = "session.kept"
    reason: str


class SessionDismissed(Fact, frozen=True):
    """Nothing is waited for any more: it is the next to be stopped."""

    kind = "session.dismissed"
    reason: str


class SessionPaired(Fact, frozen=True):
    """Whose work it takes over."""

    kind = "session.paired"
    predecessor: str  # uid


class SessionHandoffAsked(Fact, frozen=True):
    """It shall write down what its successor must know."""

    kind = "session.handoff-asked"
    text: str
    deadline: float


class SessionHandoffWritten(Fact, frozen=True):
    """What its successor must know is in the file."""

    kind = "session.handoff-written"
    size: int  # bytes


class SessionHandoffPassed(Fact, frozen=True):
    """The wait for its handoff is over; its successor is told, if there is one."""

    kind = "session.handoff-passed"


class SessionNoticeGiven(Fact, frozen=True):
    """A successor shall be told where its predecessor's handoff is."""

    kind = "session.notice-given"
    text: str


class SessionTyped(Fact, frozen=True):
    """What became of a text that was to be typed into it."""

    kind = "session.typed"
    purpose: TypingPurpose
    problem: str = ""  # empty: it was typed


class SessionReadied(Fact, frozen=True):
    """It may take over, or no longer may."""

    kind = "session.readied"
    ready: bool


class SessionPrompted(Fact, frozen=True):
    """Its prompt was taken up to be typed. Recorded before that is done, so that it is never done twice."""

    kind = "session.prompted"
    bytes: int


class SessionInjected(Fact, frozen=True):
    """Something was typed to it, or could not be. What it was is recorded nowhere."""

    kind = "session.injected"
    outcome: InjectOutcome
    bytes: int  # of the text, or of the names of the keys
    keys: bool = False  # key names, not a text
    detail: str = ""  # why it failed


class SessionRefused(Fact, frozen=True):
    """It asked for what its role's capabilities do not allow; nothing was done."""

    kind = "session.refused"
    warning = True
    command: str
    reason: str


class SessionThrottled(Fact, frozen=True):
    """It causes more events than are recorded of one session; recorded once."""

    kind = "session.throttled"
    warning = True
    what: str  # signals, commands


class SessionLeftover(Fact, frozen=True):
    """Processes of an ended session that did not go away by themselves, or at all."""

    kind = "session.leftover"
    warning = True
    pids: tuple[int, ...]
    detail: str = ""


class SessionForgotten(Fact, frozen=True):
    """A one-off that ended long ago leaves the listing."""

    kind = "session.forgotten"


class SessionStuck(Fact, frozen=True):
    """It says that it works, but nothing has been heard or seen of it for long; or it has moved again."""

    kind = "session.stuck"
    stuck: bool = True


class SessionAttention(Fact, frozen=True):
    """A person should look at it. Recorded once for as long as the reason lasts."""

    kind = "session.attention"
    warning = True
    reason: Attention
    detail: str = ""


class HealthMissed(Fact, frozen=True):
    """One more beat that did not come, or probe that did not pass."""

    kind = "health.missed"
    warning = True
    misses: int  # in a row, this one included
    reason: str = ""


class HealthRecovered(Fact, frozen=True):
    """It beats, or passes, again after misses that were too few for a verdict."""

    kind = "health.recovered"


class HealthChanged(Fact, frozen=True):
    """The health controller's verdict."""

    kind = "health.changed"
    health: Health
    reason: str = ""


class DaemonStarted(Fact, frozen=True):
    """A daemon took the lock and knows what runs."""

    kind = "daemon.started"
    run_id: str
    pid: int
    version: str


class DaemonStopRequested(Fact, frozen=True):
    """A person asked the daemon of this run to end."""

    kind = "daemon.stop-requested"
    run_id: str
    keep_sessions: bool = False


class DaemonStopped(Fact, frozen=True):
    """The daemon ended in order."""

    kind = "daemon.stopped"
    run_id: str
    reason: str


class DaemonStalled(Fact, frozen=True):
    """The daemon stood still (stopped by a signal, starved): what came meanwhile was not seen in time."""

    kind = "daemon.stalled"
    warning = True
    seconds: float


class TmuxServerStarted(Fact, frozen=True):
    """A workspace's tmux server runs."""

    kind = "tmux.server-started"
    server: str


class TmuxServerLost(Fact, frozen=True):
    """A workspace's tmux server died: one incident, however many sessions it held."""

    kind = "tmux.server-lost"
    warning = True
    server: str
    sessions: int


class TmuxServerUnreachable(Fact, frozen=True):
    """A workspace's tmux server runs, or should, and cannot be talked to. Nothing is changed meanwhile."""

    kind = "tmux.server-unreachable"
    warning = True
    reason: str


class PaneOrphaned(Fact, frozen=True):
    """A pane with this log's stamp that no live session owns; it was stopped."""

    kind = "pane.orphaned"
    warning = True
    pane: str
    pid: int | None = None


class LogCreated(Fact, frozen=True):
    """The first event of every log."""

    kind = "log.created"
    log_id: str


class LogTruncated(Fact, frozen=True):
    """The log ends before a position that a daemon had noted: a power cut lost the last commits."""

    kind = "log.truncated"
    warning = True
    noted_position: int


class LogRestored(Fact, frozen=True):
    """A backup took the place of a log; what that had recorded since the backup is not in this one."""

    kind = "log.restored"
    warning = True
    replaced_position: int  # the head of the log that was replaced; 0: unknown
    file: str  # the backup


class LogArchived(Fact, frozen=True):
    """The log begins later now: earlier events are in a file beside it."""

    kind = "log.archived"
    first: int  # positions in the file
    last: int
    hash: str  # of the last one
    file: str
    world_sha256: str  # of the snapshot that the log goes on from


class ClockStepped(Fact, frozen=True):
    """The clock jumped, or the machine slept."""

    kind = "clock.stepped"
    warning = True
    seconds: float


AnyFact = (
    WorkspaceCreated
    | WorkspaceDeleted
    | TeamApplied
    | TeamDeleted
    | RoleApplied
    | RoleTemplateChosen
    | RoleScaled
    | RoleRestartRequested
    | RoleRemoved
    | EndpointApplied
    | EndpointRemoved
    | CohortCreated
    | CohortScaled
    | CohortProven
    | CohortRemoved
    | ShiftRequested
    | ShiftStarted
    | ShiftProgressed
    | ShiftPaused
    | ShiftResumed
    | ShiftAborted
    | ShiftStuck
    | ShiftSuperseded
    | ShiftCompleted
    | ShiftRolledBack
    | SessionScheduled
    | SessionCleared
    | SessionStartDelayed
    | SessionStarted
    | SessionStartFailed
    | SessionStopping
    | SessionEnded
    | SessionBackedOff
    | SessionGaveUp
    | SessionReleased
    | SessionRestartRequested
    | SessionRecovered
    | SessionSignaled
    | SessionOverspent
    | SessionDegraded
    | SessionContinued
    | SessionTriggered
    | SessionRetiring
    | SessionKept
    | SessionDismissed
    | SessionPaired
    | SessionHandoffAsked
    | SessionHandoffWritten
    | SessionHandoffPassed
    | SessionNoticeGiven
    | SessionTyped
    | SessionReadied
    | SessionPrompted
    | SessionInjected
    | SessionRefused
    | SessionThrottled
    | SessionLeftover
    | SessionForgotten
    | SessionStuck
    | SessionAttention
    | HealthMissed
    | HealthRecovered
    | HealthChanged
    | DaemonStarted
    | DaemonStopRequested
    | DaemonStopped
    | DaemonStalled
    | TmuxServerStarted
    | TmuxServerLost
    | TmuxServerUnreachable
    | PaneOrphaned
    | LogCreated
    | LogTruncated
    | LogRestored
    | LogArchived
    | ClockStepped
)

AnyShiftFact = (
    ShiftRequested
    | ShiftStarted
    | ShiftProgressed
    | ShiftPaused
    | ShiftResumed
    | ShiftAborted
    | ShiftStuck
    | ShiftSuperseded
    | ShiftCompleted
    | ShiftRolledBack
)

KINDS: dict[str, type[AnyFact]] = {fact.kind: fact for fact in get_args(AnyFact)}

# (kind, schema it was written with) → what makes the next schema's payload of it.
UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("session.signaled", 1): lambda payload: payload,  # 2: background_tasks
}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision wants to append."""

    ref: Ref
    fact: AnyFact
    cause: int | None = None  # position of the event that led to it
    actor: str = ""  # empty: whoever records it


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact in the log."""

    position: int  # global, gapless
    time: float
    ref: Ref
    fact: AnyFact
    actor: str
    cause: int | None = None
    command: str | None = None  # idempotency key of the command that led to it

    @property
    def kind(self) -> str:
        return self.fact.kind


def stream_of(ref: Ref) -> str:
    """The stream an event belongs to: one per resource, so that its history is one index probe."""
    if ref.session is not None:
        return f"session/{ref.workspace}/{ref.session}"
    if ref.role is not None:
        return f"role/{ref.workspace}/{ref.team}/{ref.role}"
    if ref.team is not None:
        return f"team/{ref.workspace}/{ref.team}"
    if ref.workspace is not None:
        return f"workspace/{ref.workspace}"
    return "log"


def is_warning(fact: AnyFact) -> bool:
    """Whether an event is worth a person's attention."""
    if isinstance(fact, SessionEnded):
        return fact.state == "failed"
    if isinstance(fact, SessionInjected):
        return fact.outcome == "failed"
    if isinstance(fact, SessionSignaled):
        return fact.activity in ("waiting", "limited") or bool(fact.failure)
    if isinstance(fact, HealthChanged):
        return fact.health == "unhealthy"
    if isinstance(fact, SessionStuck):
        return fact.stuck
    return fact.warning


_encoder = msgspec.json.Encoder(order="sorted")
_decoders = {kind: msgspec.json.Decoder(fact) for kind, fact in KINDS.items()}


def encode(fact: AnyFact) -> str:
    """A payload as JSON, keys sorted, so that equal facts hash alike."""
    return _encoder.encode(fact).decode()


def decode(kind: str, schema: int, payload: str) -> AnyFact:
    """The fact of a payload, brought up to the present shape.

    Raises ValueError when the kind is unknown, the schema a newer one, or the payload does not fit.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown event kind {kind!r}")
    if schema == KINDS[kind].schema:
        return _decoders[kind].decode(payload)
    if schema > KINDS[kind].schema:
        raise ValueError(f"{kind} was written with schema {schema}, newer than {KINDS[kind].schema}")
    data = msgspec.json.decode(payload)
    while schema < KINDS[kind].schema:
        if (kind, schema) not in UPCASTS:
            raise ValueError(f"nothing reads {kind} of schema {schema}")
        data = UPCASTS[kind, schema](data)
        schema += 1
    return msgspec.convert(data, KINDS[kind])
