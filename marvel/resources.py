"""The nouns: what a user declares (`…Spec`) and what the world holds at one position.

All records are frozen. Times are seconds since the epoch (UTC), durations are seconds, percentages
are 0 to 100. `position` is the position of the event that last changed the resource: controllers name
it as the cause of what they decide next. Fields that equal their default are left out of JSON, so a
field added by a later release changes no recorded template.
"""

import hashlib
from typing import Literal, NamedTuple

import msgspec

RestartPolicy = Literal["always", "on-failure", "never"]
HealthcheckType = Literal["heartbeat", "process-alive", "exec"]
OnChange = Literal["shift", "manual"]
State = Literal["pending", "running", "stopping", "stopped", "succeeded", "failed", "crashloop-backoff"]
Health = Literal["unknown", "healthy", "unhealthy"]
Activity = Literal["", "starting", "working", "idle", "waiting", "limited", "compacting", "stuck"]
HeartbeatMode = Literal["from-start", "once-seen", "none"]
# Why a turn ended in an error, where an agent reports it.
Failure = Literal["", "limit", "server", "login", "credit", "too-long", "request"]
Attention = Literal["", "waiting", "limited", "stale", "no-beat", "unprompted", "turn-failed", "stuck"]
ShiftReason = Literal["requested", "template", "undo"]
ShiftPhase = Literal["launching", "draining"]
ShownPhase = Literal["launching", "draining", "aborting", "paused"]
TypingPurpose = Literal["resume", "handoff", "handoff-notice"]

# typed: no Enter was asked for, or nothing shows that it was taken; confirmed: the agent's runtime reported
# that it began to work on it.
InjectOutcome = Literal["typed", "submitted", "confirmed", "failed"]
# What a session may do to others of its team, by its role.
Containment = Literal["", "bubblewrap"]
Capability = Literal["scale", "inject", "shift", "run", "kill"]

ALIVE: frozenset[State] = frozenset({"pending", "running", "stopping"})
ENDED: frozenset[State] = frozenset({"stopped", "succeeded", "failed", "crashloop-backoff"})


KEYS_SECONDS = 2.0  # a session has to end after `stop.keys` were typed, before it gets a signal


class Promise(NamedTuple):
    """What controllers need to know of how an agent CLI behaves; its adapter tells."""

    heartbeat: HeartbeatMode = "none"
    resumes: bool = False  # a refill can go on with the conversation of the one before it
    tells: bool = False  # a first signal is due: at its start, or with the prompt it is given


REPLICAS_MOST = 100_000  # of one role, whatever is forced: pids and memory end before


class Spec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what a user declares."""


class RuntimeSpec(Spec, frozen=True):
    """Which agent CLI runs, and how its process is made."""

    image: str = ""  # adapter; empty: the command's base name decides
    command: str = ""  # what is executed; empty: the image's own
    args: tuple[str, ...] = ()  # an argv, never a shell line
    script: str = ""  # handed to adapters that take one
    env: dict[str, str] = {}  # recorded in the log, masked by every reader
    env_from: tuple[str, ...] = ()  # names taken from the daemon's environment at start, never recorded
    env_file: str = ""  # read at start, never recorded
    cwd: str = ""  # absolute once a manifest was read
    contain: Containment = ""  # what is around its process
    trust_workspace: bool = False  # the adapter may mark cwd as trusted in the agent's own settings
    ready_pattern: str = ""  # regular expression; its screen shows it once a typed prompt is taken
    ready_delay: float | None = None  # seconds from its start until a typed prompt is taken


class HealthcheckSpec(Spec, frozen=True):
    """How a role's health is judged."""

    type: HealthcheckType = "heartbeat"
    timeout: float = 30.0
    failure_threshold: int = 3  # consecutive misses
    startup_timeout: float | None = None  # no first beat by then is a failure
    command: tuple[str, ...] = ()  # exec only
    interval: float = 10.0  # exec only


class ShiftSpec(Spec, frozen=True):
    """How a role's sessions are replaced."""

    max_surge: int | None = None  # None: all replicas at once
    max_unavailable: int = 0
    ready_timeout: float = 300.0
    min_ready: float = 2.0  # of running, before a session may take over
    on_change: OnChange = "shift"
    context_percent: float | None = None  # trigger
    max_age: float | None = None  # trigger
    drain_timeout: float = 600.0  # how long a working session may finish its turn
    handoff: str = ""
    handoff_timeout: float = 60.0


class StopSpec(Spec, frozen=True):
    """How a session is asked to end."""

    signal: str = "TERM"
    grace: float = 10.0
    keys: tuple[str, ...] = ()  # tmux key names, typed first

    def deadline(self, now: float) -> float:
        """When a session that is asked to end now is killed."""
        return now + self.grace + (KEYS_SECONDS if self.keys else 0.0)


class Template(Spec, frozen=True):
    """The part of a role that defines its process: a changed template means new sessions."""

    runtime: RuntimeSpec = RuntimeSpec()
    permissions: str = ""
    dangerous_permissions: bool = False
    persona: str = ""
    identity: str = ""
    prompt: str = ""
    prompt_file: str = ""
    prompt_text: str = ""  # what prompt_file held when the manifest was read
    resume: bool = True
    resume_prompt: str = "Continue."


class RoleSpec(Spec, frozen=True):
    """One kind of agent in a team. All fields but `template` apply to running sessions at once."""

    name: str
    replicas: int = 1
    restart_policy: RestartPolicy = "always"
    max_restarts: int = 0  # 0: unlimited; within one streak of restarts
    backoff_initial: float = 1.0
    backoff_max: float = 60.0
    capabilities: tuple[str, ...] = ()
    max_runtime: float | None = None
    max_cost_usd: float | None = None
    start_interval: float = 0.0
    log_output: bool = False
    template: Template = Template()
    healthcheck: HealthcheckSpec | None = None
    shift: ShiftSpec = ShiftSpec()
    stop: StopSpec = StopSpec()


class TeamSpec(Spec, frozen=True):
    """A cohesive unit of agents; the order of roles is the order of shifts."""

    name: str
    roles: tuple[RoleSpec, ...] = ()


class EndpointSpec(Spec, frozen=True):
    """A stable name for the ready sessions of a team or of one of its roles."""

    name: str
    team: str
    role: str = ""  # empty: every role of the team


class Manifest(Spec, frozen=True):
    """A whole manifest, validated."""

    workspace: str
    teams: tuple[TeamSpec, ...] = ()
    endpoints: tuple[EndpointSpec, ...] = ()


class TeamKey(NamedTuple):
    """Names one team."""

    workspace: str
    team: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.team}"


class RoleKey(NamedTuple):
    """Names one role; also the unit of reconciliation."""

    workspace: str
    team: str
    role: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.team}/{self.role}"


class Resource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what the world holds."""

    position: int  # of the event that last changed it


class Workspace(Resource, frozen=True):
    """Isolation boundary; has its own tmux server."""

    name: str
    uid: str
    created_at: float


class Team(Resource, frozen=True):
    """A team as declared: its roles have rows of their own."""

    workspace: str
    name: str
    uid: str
    created_at: float
    roles: tuple[str, ...] = ()  # manifest order


class Role(Resource, frozen=True):
    """A role as declared, and how many sessions of it are wanted now."""

    workspace: str
    team: str
    name: str
    uid: str
    created_at: float
    spec: RoleSpec
    replicas: int  # wanted; differs from spec.replicas after `marvel scale`
    restart_asked: int = 0  # position of the last request: what started before it is replaced, one at a time
    chosen: Template | None = None  # by `shift undo`: stands until the manifest's own changes

    @property
    def key(self) -> RoleKey:
        return RoleKey(self.workspace, self.team, self.name)

    @property
    def template(self) -> Template:
        """What new sessions are to be made of."""
        return self.spec.template if self.chosen is None else self.chosen


class PastCohort(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a generation was made of, remembered for `shift undo`."""

    generation: int
    template: Template
    aborted: bool = False


class Cohort(Resource, frozen=True):
    """The sessions of one role and generation. Its count is owned by the shifts controller."""

    workspace: str
    team: str
    role: str
    generation: int
    created_at: float
    template: Template
    count: int
    proven: bool = False  # one of its sessions has lived: the others may start together
    stop: StopSpec | None = None  # how its sessions end, once the role is no longer declared
    aborted: bool = False  # its shift was aborted or superseded: not tried again by itself

    @property
    def key(self) -> RoleKey:
        return RoleKey(self.workspace, self.team, self.role)


class Shift(Resource, frozen=True):
    """The replacement of one role's sessions, from its request until it is complete or run back."""

    workspace: str
    team: str
    role: str
    reason: ShiftReason
    requested_at: float
    cause: int  # position of the event that asked for it
    from_generation: int = 0
    to_generation: int = 0  # 0: it waits for its turn
    started_at: float | None = None
    phase: ShiftPhase = "launching"
    ready: int = 0  # of the cohort it goes to, when it last got on
    old: int = 0  # sessions of other cohorts then
    most_ready: int = 0  # the highest that `ready` was
    replicas: int = 0  # wanted then
    deadline: float | None = None  # without progress until then, it is aborted; None: it waits for no one
    paused_at: float | None = None
    aborted_at: float | None = None
    abort_reason: str = ""
    stuck: bool = False  # the old cohort does not come back either: what is ready is kept

    @property
    def key(self) -> RoleKey:
        return RoleKey(self.workspace, self.team, self.role)

    @property
    def target(self) -> int:
        """The generation that is to have all sessions."""
        return self.from_generation if self.aborted_at is not None else self.to_generation

    @property
    def shown_phase(self) -> ShownPhase:
        """As the PHASE column says it."""
        if self.paused_at is not None:
            return "paused"
        return "aborting" if self.aborted_at is not None else self.phase


class Retirement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session marked to be replaced, and how far that is."""

    reason: str  # shift, context, age, …
    at: float
    deadline: float  # its turn may last until then
    triggered: bool = False  # replaced inside its cohort
    dismissed: bool = False  # nothing is waited for any more
    asked_until: float | None = None  # it was asked for a handoff, and may write it until then
    written: bool = False  # the handoff is there
    passed: bool = False  # its successor is told


class Typing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text that is to be typed into a session, with Enter."""

    purpose: TypingPurpose
    text: str


BudgetName = Literal["max_runtime", "max_cost_usd"]


class Overspent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A budget that was found used up in the middle of a turn, and how long that turn may go on."""

    budget: BudgetName
    limit: float  # that was passed; another one is judged anew
    deadline: float


class StopOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a session that must end is to end, and what it is called afterwards."""

    reason: str  # killed, scaled-down, role-removed, restarted, daemon-stop, unhealthy, …
    at: float  # when it was ordered
    deadline: float  # KILL follows at this time
    state: State = "stopped"  # after it has ended
    release: bool = False  # gives up its slot
    signal: str = "TERM"
    keys: tuple[str, ...] = ()


class Session(Resource, frozen=True):
    """One agent process in one pane. A restart is a new session (uid) of the same name in the same slot."""

    workspace: str
    team: str
    role: str
    name: str
    uid: str
    generation: int
    index: int  # the slot
    state: State
    created_at: float
    image: str
    command: str
    heartbeat: HeartbeatMode = "none"  # what the adapter promised when it was scheduled
    reason: str = ""
    detail: str = ""  # the reason in words, with what to do
    one_off: bool = False  # made by `marvel run`: no controller replaces it
    template: Template | None = None  # one-offs only; others have their cohort's
    held: bool = False  # pending, and not to be started yet (reason tells why)
    current: bool = True  # holds its slot: shown in a plain listing
    retirement: Retirement | None = None  # marked by the shifts controller to be drained
    reading: float | None = None  # context percent that a trigger has already fired for
    age_triggered_at: float | None = None  # when max_age last fired
    typing: Typing | None = None  # to be typed into it
    overspent: Overspent | None = None  # its budget was found used up in the middle of a turn
    restart_requested: bool = False  # a person asked for a restart after it had ended
    outcome: State = "failed"  # the state it ended in, while `state` says crashloop-backoff
    health: Health = "unknown"
    health_reason: str = ""
    health_since: float | None = None
    misses: int = 0  # beats or probes in a row that did not come or did not pass
    missed_at: float | None = None  # the last of them
    passed_at: float | None = None  # when it was first found healthy
    attention: Attention = ""  # why a person should look at it
    attention_at: float | None = None
    activity: Activity = ""
    activity_since: float | None = None
    ready: bool = False
    ready_since: float | None = None
    context_percent: float | None = None
    agent_session_id: str = ""
    resumes: str = ""  # the conversation it was started to go on with
    activity_detail: str = ""  # why it waits or is limited
    background_tasks: int = 0  # of its own that went on when it last told of the end of a turn
    limited_until: float | None = None  # when its limit ends, where that is told
    failure: Failure = ""  # why its last turn ended in an error
    continued_at: float | None = None  # when it was last told to go on after a limit or a failed turn
    continues: int = 0  # times it was told to go on since a turn ended well
    degraded: str = ""  # which promised signal does not come, in words
    model: str = ""  # as the agent names it
    cost_usd: float | None = None  # of its job so far, with the processes before it in the slot
    cost_counters: dict[str, float] = {}  # last reading by conversation; of the process: by an empty name
    signaled_at: float | None = None  # first beat
    prompted: bool = False  # its prompt was taken up to be typed
    server: str = ""  # identity of the tmux server: pid/start time
    pane: str = ""  # %id in that server
    pid: int | None = None
    pid_start: int | None = None  # start time of pid in clock ticks since boot: pids are recycled
    exit_status: int | None = None
    signal: str = ""  # that ended it, without SIG
    restarts: int = 0  # of this slot, ever
    streak: int = 0  # restarts since the last good run
    delay: float = 0.0  # seconds waited before this start
    restart_at: float | None = None  # while in crashloop-backoff
    stop: StopOrder | None = None
    replaces: str = ""  # uid of the session before it in the slot
    predecessor: str = ""  # uid of the session whose work it takes over in a shift
    cleared_at: float | None = None  # when it was allowed to start
    started: int = 0  # position of the event that it was; clocks go back, positions do not
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def key(self) -> str:
        return f"{self.workspace}/{self.name}"

    @property
    def role_key(self) -> RoleKey:
        return RoleKey(self.workspace, self.team, self.role)

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def retiring(self) -> bool:
        return self.retirement is not None

    @property
    def dismissed(self) -> bool:
        """Retiring, and nothing is waited for any more."""
        return self.retirement is not None and self.retirement.dismissed


class Endpoint(Resource, frozen=True):
    """A stable name for the ready sessions of a team or of one of its roles."""

    workspace: str
    name: str
    uid: str
    created_at: float
    team: str
    role: str = ""


class Daemon(Resource, frozen=True):
    """The daemon that runs, or ran last."""

    run_id: str
    pid: int
    version: str
    started_at: float
    stopped_at: float | None = None
    stop_requested: bool = False  # drain everything, then end
    keep_sessions: bool = False  # end, leaving the agents to be adopted


def session_name(team: str, role: str, generation: int, index: int) -> str:
    """The name of a team's session: `<team>-<role>-g<generation>-<index>`."""
    return f"{team}-{role}-g{generation}-{index}"


def mint(*parts: object) -> str:
    """A new uid, of `[0-9a-f]`: unique as long as no two resources share all parts (name the time)."""
    return hashlib.blake2s("\0".join(map(str, parts)).encode(), digest_size=8).hexdigest()
