"""Every order: what is asked, decided and answered is the same in the terminal and in the daemon.

An order is plain values, so that it can be sent over the socket. A running daemon, being warm, carries it
out much sooner than a process that has yet to import the log.
"""

from typing import Any, ClassVar, Literal

import msgspec

from marvel import keys
from marvel.commands import acts
from marvel.commands.apply import apply
from marvel.commands.naming import session_of, session_or_team, workspace_of
from marvel.commands.order import ModeOf, Order
from marvel.commands.plan import plan
from marvel.commands.shift import shift, shift_abort, shift_pause, shift_resume, shift_undo
from marvel.errors import NotFound, UsageError
from marvel.events import Draft, Event, SessionInjected, session_ref
from marvel.resources import (
    Capability,
    InjectOutcome,
    Manifest,
    RoleKey,
    RuntimeSpec,
    TeamKey,
    Template,
)
from marvel.world import World

ENDED = {"session.forgotten": "forgotten", "session.restart-requested": "restarting"}  # else it is stopping
MAX_TYPED_BYTES = 1 << 30
MAX_DETAIL = 10_000  # characters
COURSES = {"abort": "aborting", "pause": "paused", "resume": "resumed", "undo": "going back"}


class Apply(Order, frozen=True):
    """What a manifest declares, which was read and found valid."""

    needs: ClassVar[None] = None
    manifest: Manifest
    prune: bool = False

    def what(self) -> str:
        return "work"

    def workspace(self) -> str | None:
        return self.manifest.workspace

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return apply(world, self.manifest, now, prune=self.prune)

    def foretold(self, world: World, drafts: list[Draft]) -> str:
        return plan(world, self.manifest, drafts).told()

    def told(self, events: list[Event]) -> str:
        return f"{self.manifest.workspace} done\n"


class Scale(Order, frozen=True):
    """Another number of sessions for one role; no events when it has that many already."""

    needs: ClassVar[Capability] = "scale"
    team: str
    role: str
    replicas: int
    force_large: bool = False

    def what(self) -> str:
        return f"scale {self._key()} to {self.replicas}"

    def workspace(self) -> str | None:
        return self._key().workspace

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return acts.scale(world, self._key(), self.replicas, force_large=self.force_large)

    def told(self, events: list[Event]) -> str:
        verb = "scaled to" if events else "already has"
        return f"{self._key()} {verb} {self.replicas}\n"

    def _key(self) -> RoleKey:
        return RoleKey(*keys.team_key(self.team), self.role)


class Kill(Order, frozen=True):
    """End a session; no events when it is stopping already."""

    needs: ClassVar[Capability] = "kill"
    key: str

    def what(self) -> str:
        return f"kill {self.key}"

    def workspace(self) -> str | None:
        return workspace_of(self.key)

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return acts.kill(world, session_of(world, self.key).uid, now)

    def told(self, events: list[Event]) -> str:
        if not events:
            return f"{self.key} is already stopping\n"
        ref = events[-1].ref
        return f"{ref.workspace}/{ref.session} {ENDED.get(events[-1].kind, 'stopping')}\n"


class Delete(Kill, frozen=True):
    """As `Kill`; an ended one-off leaves the listing, another ended session's slot is filled again."""

    def what(self) -> str:
        return f"delete {self.key}"

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return acts.delete_session(world, session_of(world, self.key).uid, now)


class Restart(Order, frozen=True):
    """Replace a session, or the sessions of a team one by one."""

    needs: ClassVar[Capability] = "kill"
    key: str

    def what(self) -> str:
        return f"restart {self.key}"

    def workspace(self) -> str | None:
        return workspace_of(self.key)

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        target = session_or_team(world, self.key)
        if isinstance(target, TeamKey):
            return acts.restart_team(world, target)
        return acts.restart_session(world, target.uid, now)

    def told(self, events: list[Event]) -> str:
        if not events:
            return f"{self.key} is already on its way\n"
        ref = events[0].ref
        return f"{ref.workspace}/{ref.session or ref.team} restarting\n"


class Shift(Order, frozen=True):
    """Replace a team's sessions, or one role's, by fresh ones."""

    needs: ClassVar[Capability] = "shift"
    team: str
    role: str | None = None

    def what(self) -> str:
        return f"shift {self._key()}"

    def workspace(self) -> str | None:
        return self._key().workspace

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return shift(world, self._key(), self.role)

    def told(self, events: list[Event]) -> str:
        return f"{self._key()} shifting: {', '.join(str(event.ref.role) for event in events)}\n"

    def _key(self) -> TeamKey:
        return TeamKey(*keys.team_key(self.team))


class ChangeShift(Order, frozen=True):
    """Another course for the shifts of a team, or of one role."""

    needs: ClassVar[Capability] = "shift"
    verb: Literal["abort", "pause", "resume", "undo"]
    team: str
    role: str | None = None
    generation: int | None = None  # undo: back to this one

    def what(self) -> str:
        return f"shift {self._key()}"

    def workspace(self) -> str | None:
        return self._key().workspace

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        match self.verb:
            case "abort":
                return shift_abort(world, self._key(), self.role)
            case "pause":
                return shift_pause(world, self._key(), self.role)
            case "resume":
                return shift_resume(world, self._key(), self.role)
            case "undo":
                return shift_undo(world, self._key(), self.role, self.generation)

    def told(self, events: list[Event]) -> str:
        if not events:
            return f"{self._key()}: nothing to {self.verb}\n"
        names = ", ".join(dict.fromkeys(str(event.ref.role) for event in events))
        return f"{self._key()} {COURSES[self.verb]}: {names}\n"

    def _key(self) -> TeamKey:
        return TeamKey(*keys.team_key(self.team))


class Run(Order, frozen=True):
    """A one-off session. Its paths are absolute."""

    needs: ClassVar[Capability] = "run"
    argv: tuple[str, ...]
    team: str
    role: str
    in_workspace: str
    cwd: str
    env: dict[str, str] = msgspec.field(default_factory=dict)

    def what(self) -> str:
        return f"run in {self._key()}"

    def workspace(self) -> str | None:
        return self.in_workspace

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        keys.check_names(self.in_workspace, self.team, self.role)
        for name, value in self.env.items():
            keys.check_variable(name, value)
        if not self.argv or any("\0" in word for word in (*self.argv, self.cwd)):
            raise UsageError("there is no command to run")
        runtime = RuntimeSpec(command=self.argv[0], args=self.argv[1:], cwd=self.cwd, env=self.env)
        template = Template(runtime=runtime)
        return acts.run(world, self._key(), template, now, heartbeat=mode_of(template))

    def told(self, events: list[Event]) -> str:
        ref = events[-1].ref
        return f"{ref.workspace}/{ref.session}\n"

    def _key(self) -> RoleKey:
        return RoleKey(self.in_workspace, self.team, self.role)


class Remove(Order, frozen=True):
    """A team or a workspace with all that is in it, or an endpoint."""

    needs: ClassVar[Capability] = "kill"
    kind: Literal["team", "workspace", "endpoint"]
    name: str  # its key

    def what(self) -> str:
        return f"delete {self.kind}/{self.name}"

    def workspace(self) -> str | None:
        return self.name.partition("/")[0]

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        match self.kind:
            case "team":
                return acts.delete_team(world, TeamKey(*keys.team_key(self.name)))
            case "workspace":
                return acts.delete_workspace(world, self.name, now)
            case "endpoint":
                workspace, slash, endpoint = self.name.partition("/")
                if not slash:
                    raise NotFound(f"no such endpoint: {self.name}", hint="an endpoint is WORKSPACE/NAME")
                return acts.delete_endpoint(world, workspace, endpoint)

    def told(self, events: list[Event]) -> str:
        return f"{self.kind}/{self.name} deleted\n"


class Injected(Order, frozen=True):
    """What became of a text that was typed to a session; no events when the session is no longer known."""

    needs: ClassVar[Capability] = "inject"
    uid: str
    key: str  # the session's
    outcome: InjectOutcome
    bytes: int
    keys: bool  # keys were pressed, no text was typed
    detail: str = ""

    def what(self) -> str:
        return f"inject {self.key}"

    def workspace(self) -> str | None:
        return self.key.partition("/")[0]

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        session = world.sessions.get(self.uid)
        if session is None or session.key != self.key:
            return []
        if not 0 <= self.bytes <= MAX_TYPED_BYTES or len(self.detail) > MAX_DETAIL:
            raise UsageError("nobody types so much")
        fact = SessionInjected(outcome=self.outcome, bytes=self.bytes, keys=self.keys, detail=self.detail)
        return [Draft(ref=session_ref(session), fact=fact, cause=session.position)]

    def told(self, events: list[Event]) -> str:
        return f"{self.key} {self.outcome}\n" if events else ""


class Stop(Order, frozen=True):
    """The end of one daemon, and unless told otherwise of all sessions before it."""

    needs: ClassVar[None] = None
    run_id: str
    keep_sessions: bool = False

    def what(self) -> str:
        return "stop"

    def workspace(self) -> str | None:
        return None

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return acts.stop_daemon(world, self.run_id, keep_sessions=self.keep_sessions)

    def told(self, events: list[Event]) -> str:
        return ""  # that it is done is told when it is


class Permit(Order, frozen=True):
    """Whether the caller may do what no order does: nothing changes, and a refusal is recorded."""

    needs: ClassVar[None] = None
    doing: str  # the command in words
    capability: Capability | None = None
    teams: tuple[str, ...] = ()  # keys

    def needed(self) -> Capability | None:
        return self.capability

    def about(self) -> list[TeamKey]:
        return [TeamKey(*keys.team_key(team)) for team in self.teams]

    def what(self) -> str:
        return self.doing

    def workspace(self) -> str | None:
        return None

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        return []

    def told(self, events: list[Event]) -> str:
        return ""


ORDERS: dict[str, type[Order]] = {
    "scale": Scale,
    "shift": Shift,
    "run": Run,
    "kill": Kill,
    "restart": Restart,
    "delete": Delete,
    "remove": Remove,
    "change-shift": ChangeShift,
    "injected": Injected,
    "stop": Stop,
    "permit": Permit,
}
NAMES = {kind: name for name, kind in ORDERS.items()}


def read(name: str, arguments: dict[str, Any]) -> Order:
    """The order that a name and plain arguments make. Raises ValueError when they make none."""
    kind = ORDERS.get(name)
    if kind is None:
        raise ValueError(f"there is no order {name!r}")
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
