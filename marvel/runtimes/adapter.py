"""What an adapter is given, and what it gives back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from marvel.resources import Activity, HeartbeatMode, RoleSpec, Session, Template


class Place(NamedTuple):
    """Where a session will live: absolute paths, and what only the daemon can know."""

    home: str  # state directory
    socket: str
    beat: str  # file to touch
    directory: str  # of the session, in the state directory
    token: str
    python: str  # interpreter that can import marvel

    def report(self, source: str) -> tuple[str, ...]:
        """The command that reports a payload of this source."""
        return (self.python, "-IS", f"{self.home}/report.py", source)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One session that is to start, placeholders expanded."""

    session: Session
    template: Template
    role: RoleSpec | None  # None for a one-off
    place: Place


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a session's process."""

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    stand_in: tuple[str, ...] = ()  # argv to use when argv[0] does not exist
    files: dict[str, bytes] = {}  # to be written first (0600), by absolute path
    typed_prompt: str = ""  # to be typed once it runs


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent tells of itself; what it does not tell is empty or None and changes nothing."""

    activity: Activity = ""
    context_percent: float | None = None
    agent_session_id: str = ""  # its own id of the conversation
    detail: str = ""  # why it waits or is limited, in a few words
    model: str = ""
    cost_usd: float | None = None  # of the conversation so far
    resets_at: float | None = None  # when a limit ends


ALIVE = Signal()  # a sign of life and nothing else

Parse = Callable[[str, dict[str, Any]], Signal | None]  # source, payload; None: not about this session


def tells_nothing(source: str, payload: dict[str, Any]) -> Signal | None:
    """The parse of a CLI that reports nothing of its own."""
    return None


class Adapter(NamedTuple):
    """One agent CLI. `prepare` gives argv, and its own additions to env, files and prompt."""

    name: str
    heartbeat: HeartbeatMode
    prepare: Callable[[Wish, LaunchPlan], LaunchPlan]
    parse: Parse = tells_nothing
    sources: tuple[str, ...] = ()  # of the payloads it parses
    resumes: bool = False  # a crashed agent can come back with its conversation
    minimum: tuple[int, ...] = ()  # version from which its signals can be relied on
