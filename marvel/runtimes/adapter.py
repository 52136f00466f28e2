"""What an adapter is given, and what it gives back."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from marvel.resources import HeartbeatMode, RoleSpec, Session, Template


class Place(NamedTuple):
    """Where a session will live: absolute paths, and what only the daemon can know."""

    home: str  # state directory
    socket: str
    beat: str  # file to touch
    directory: str  # of the session, in the state directory
    token: str
    python: str  # interpreter that can import marvel


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


class Adapter(NamedTuple):
    """One agent CLI. `prepare` gives argv, and its own additions to env, files and prompt."""

    name: str
    heartbeat: HeartbeatMode
    prepare: Callable[[Wish, LaunchPlan], LaunchPlan]
