"""Commands as data: what is asked, decided and answered is the same in the terminal and in the daemon.

An order is plain values, so that it can be sent over the socket. A running daemon, being warm, carries it
out much sooner than a process that has yet to import the log.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from marvel import keys
from marvel.commands import acts
from marvel.commands.naming import session_of, session_or_team, workspace_of
from marvel.commands.shift import shift
from marvel.errors import UsageError
from marvel.events import Draft, Event
from marvel.resources import Capability, HeartbeatMode, RoleKey, RuntimeSpec, TeamKey, Template
from marvel.world import World

ModeOf = Callable[[Template], HeartbeatMode]
ENDED = {"session.forgotten": "forgotten", "session.restart-requested": "restarting"}  # else it is stopping


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command. `needs` is what an agent session must be allowed to do to give it."""

    needs: ClassVar[Capability]

    def what(self) -> str:
        """The command in words. Raises NotFound for a key that is none."""
        raise NotImplementedError

    def workspace(self) -> str | None:
        """The only workspace whose world it needs; None: all of them."""
        raise NotImplementedError

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        """What it changes. Raises MarvelError."""
        raise NotImplementedError

    def told(self, events: list[Event]) -> str:
        """What a person is told when it has led to these events."""
        raise NotImplementedError


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


class Run(Order, frozen=True):
    """A one-off session. Its paths are absolute."""

    needs: ClassVar[Capability] = "run"
    argv: tuple[str, ...]
    team: str
    role: str
    in_workspace: str
    cwd: str
    env: dict[str, str] = {}

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


ORDERS: dict[str, type[Order]] = {
    "scale": Scale,
    "shift": Shift,
    "run": Run,
    "kill": Kill,
    "restart": Restart,
}


def read(name: str, arguments: dict[str, Any]) -> Order:
    """The order that a name and plain arguments make. Raises ValueError when they make none."""
    kind = ORDERS.get(name)
    if kind is None:
        raise ValueError(f"there is no order {name!r}")
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
