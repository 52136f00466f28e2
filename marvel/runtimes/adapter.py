"""What an adapter is given, and what it gives back."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from marvel.resources import Activity, Failure, HeartbeatMode, RoleSpec, Session, Template


class Place(NamedTuple):
    """Where a session will live: absolute paths, and what only the daemon can know."""

    home: str  # state directory
    socket: str
    beat: str  # file to touch
    directory: str  # of the session, in the state directory
    token: str
    python: str  # interpreter that can import marvel
    port: int = 0  # free on 127.0.0.1, for an agent that serves a stream; 0: none was looked for

    def report(self, source: str) -> tuple[str, ...]:
        """The command that reports a payload of this source."""
        return (self.python, "-IS", f"{self.home}/report.py", source)

    @property
    def stream(self) -> str:
        """The file that tells a later daemon where the agent serves its stream."""
        return f"{self.directory}/stream.json"

    @property
    def private_prompt(self) -> str:
        """The file that tells a later daemon that the prompt was kept out of the arguments."""
        return f"{self.directory}/prompt.private"


class Overlay(msgspec.Struct, frozen=True):
    """A settings file of the session's own: the user's JSON with additions of ours."""

    ours: dict[str, Any]  # wins over the user's; lists are added to theirs
    base: tuple[
        str, ...
    ] = ()  # JSON text, or paths with `$NAME` of the agent's environment: the first that fits
    defaults: dict[str, Any] = {}  # the user's wins over these
    displaced: tuple[
        tuple[tuple[str, ...], str], ...
    ] = ()  # what ours replaces, and the variable that keeps it


class Mirror(NamedTuple):
    """A directory of the session's own that stands for one of the user's: every entry in it is a link.

    Files of the plan take the place of links.
    """

    path: str
    of: tuple[str, ...]  # directories, as in Overlay: the first that applies; it is made where it is missing
    directories: tuple[str, ...] = ()  # in it, that the agent keeps what outlives a session in: made as well
    files: tuple[str, ...] = ()  # linked also while they are missing: what is written there is the user's


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One session that is to start, placeholders expanded."""

    session: Session
    template: Template
    role: RoleSpec | None  # None for a one-off
    place: Place
    version: tuple[int, ...] = ()  # of the CLI; empty: not known
    merges: bool = True  # settings of the user's can be merged with ours
    private_prompt: bool = False  # what its prompt_file held must not become an argument, which all can read


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a session's process."""

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    stand_in: tuple[str, ...] = ()  # argv to use when argv[0] does not exist
    files: dict[str, bytes] = {}  # to be written first (0600), by absolute path
    overlays: dict[str, Overlay] = {}  # the same, made of what the user has
    mirror: Mirror | None = None
    after: dict[str, str] = {}  # variables to be set once overlays and mirror are made of the others
    unheard: str = ""  # why what the adapter relies on can't be set up: it is started without
    typed_prompt: str = ""  # to be typed once it runs


class Unlaunchable(Exception):
    """Why there is nothing to run."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent tells of itself; what it does not tell is empty or None and changes nothing."""

    activity: Activity = ""
    context_percent: float | None = None
    agent_session_id: str = ""  # its own id of the conversation
    about: str = ""  # the conversation this is said of: of another than the agent's own it is no evidence
    detail: str = ""  # why it waits, is limited or failed, in a few words
    failure: Failure = ""  # why its turn ended in an error
    instead_of: tuple[Activity, ...] = ()  # counts only against these known activities; empty: against all
    no_dialog: bool = False  # it is shown only while no dialog is open
    since: float | None = None  # when it became so, where that was before the report
    model: str = ""
    cost_usd: float | None = None  # a counter's reading, in US dollars
    cost_counter: str = ""  # the conversation that the counter is of; empty: of the process
    resets_at: float | None = None  # when a limit ends
    background_tasks: int | None = None  # of its own that go on after the end of its turn


ALIVE = Signal()  # a sign of life and nothing else

Parse = Callable[[str, dict[str, Any]], Signal | None]  # source, payload; None: not about this session


def tells_nothing(source: str, payload: dict[str, Any]) -> Signal | None:
    """The parse of a CLI that reports nothing of its own."""
    return None


class Stream(NamedTuple):
    """A stream of events that the agent itself serves over HTTP; the daemon reads it.

    `first` are asked for once the stream is open; `known` makes of each answer what is kept (and given to
    `parse` with every event) and the events that it stands for. `say` makes of a conversation and a text the
    path and the body of a POST that hands the text over.
    """

    source: str
    path: str
    first: tuple[str, ...]
    known: Callable[[str, Any], tuple[dict[str, Any], list[dict[str, Any]]]]
    say: Callable[[str, str], tuple[str, bytes]] | None = None


class Login(NamedTuple):
    """Where a login of an agent CLI would be: it is likely if any of these is there."""

    variables: tuple[str, ...]
    files: tuple[str, ...]  # `$NAME` is taken from the agent's environment


class Merge(NamedTuple):
    """One value that is to be put into a JSON file of the user's own, where it is not there yet."""

    path: str
    names: tuple[str, ...]
    value: Any

    @property
    def lock(self) -> str:
        """The directory that the file's own program makes while it changes the file."""
        return f"{self.path}.lock"


def trusts_nothing(cwd: str, env: Mapping[str, str]) -> Merge | None:
    """The trust of a CLI that has no such file."""
    return None


class Adapter(NamedTuple):
    """One agent CLI. `prepare` gives argv, and its own additions to env, files and prompt."""

    name: str
    heartbeat: HeartbeatMode
    prepare: Callable[[Wish, LaunchPlan], LaunchPlan]
    parse: Parse = tells_nothing
    sources: tuple[str, ...] = ()  # of the payloads it parses
    stream: Stream | None = None
    record: str = ""  # the source of what it adds to its own record of a conversation, where a hook names it
    resumes: bool = False  # a crashed agent can come back with its conversation
    first_signal: Literal["", "start", "turn"] = ""  # when it first tells of itself
    minimum: tuple[int, ...] = ()  # an older version is started as generic: its signals are not relied on
    signals: str = ""  # what it tells, in words
    login: Login | None = None
    trust: Callable[[str, Mapping[str, str]], Merge | None] = trusts_nothing  # what `trust_workspace` does
    keeps: tuple[str, ...] = ()  # files of its own that a contained one needs; `$NAME` as in `Login.files`
    dialogs: tuple[tuple[str, str], ...] = ()  # words on its screen, and which dialog they belong to
    commands_when_idle: bool = False  # while it works it submits no text that begins with `/`
