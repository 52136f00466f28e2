"""What a person asks `marvel get` for: words from argv, and what is wrong with them."""

from __future__ import annotations

from marvel.cli.errors import say
from marvel.cli.listing import sort_keys
from marvel.config import load
from marvel.errors import UsageError

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any

KINDS = ("sessions", "teams", "workspaces", "endpoints", "shifts")
NAMES = {name: kind for kind in reversed(KINDS) for name in (kind, kind[:-1], kind[0])}
OUTPUTS = ("table", "wide", "json", "name", "jsonl")
STATES = ("pending", "running", "stopping", "stopped", "succeeded", "failed", "crashloop-backoff")
WAITING = ("waiting", "limited")  # activities that need a person, or time
SELECTORS = {  # what each kind can be selected by
    "sessions": ("workspace", "team", "role", "state", "waiting", "all"),
    "teams": ("workspace", "team", "role"),
    "workspaces": ("workspace",),
    "endpoints": ("workspace", "team", "role"),
    "shifts": ("workspace", "team", "role"),
}
VALUED = {
    "-o": "output",
    "--output": "output",
    "--workspace": "workspace",
    "--team": "team",
    "--role": "role",
    "--state": "state",
    "--sort-by": "sort_by",
}
FLAGS = {"--no-headers": "no_headers", "--all": "all", "--waiting": "waiting"}


class Request:
    """What was asked for. Plain words of a person; `check` says what is wrong with them."""

    def __init__(self, kind: str, key: str | None = None) -> None:
        self.kind = kind
        self.key = key
        self.output = ""  # as config.toml says, else a table
        self.workspace: str | None = None
        self.team: str | None = None
        self.role: str | None = None
        self.state: str | None = None  # several with commas
        self.sort_by: str | None = None
        self.no_headers = False
        self.all = False
        self.waiting = False
        self.at: str | None = None  # an earlier moment


def parse(argv: list[str]) -> Request | None:
    """The request of a command line; None when there is anything in it but known options."""
    words: list[str] = []
    given: dict[str, Any] = {}
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in FLAGS:
            given[FLAGS[word]] = True
        elif name in VALUED and equals and name.startswith("--"):
            given[VALUED[name]] = value
        elif word in VALUED:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
            given[VALUED[word]] = value
        elif word[:2] in VALUED:
            given[VALUED[word[:2]]] = word[2:]
        elif word.startswith("-"):
            return None
        else:
            words.append(word)
    if len(words) not in (1, 2):
        return None
    request = Request(*words)
    for name, value in given.items():
        setattr(request, name, value)
    return request


def check(kind: str, request: Request) -> None:
    """Refuse what makes no sense, before anything is read."""
    preferred = load()
    if preferred.disobeyed:
        say(preferred.disobeyed)
    request.output = request.output.removeprefix("=") or preferred.output
    if request.output not in OUTPUTS:
        raise UsageError(f"there is no output {request.output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    for name in SELECTORS["sessions"]:
        if getattr(request, name) and name not in SELECTORS[kind]:
            hint = f"{kind} can be selected by --{' --'.join(SELECTORS[kind])}"
            raise UsageError(f"--{name} does not apply to {kind}", hint=hint)
        if getattr(request, name) and request.key and name not in ("workspace", "all"):
            raise UsageError(
                f"--{name} selects among many, and a KEY names one", hint="leave one of them out"
            )
    for state in (request.state or "").split(","):
        if state and state not in STATES:
            raise UsageError(f"there is no state {state!r}", hint=f"states: {' '.join(STATES)}")
    if request.sort_by is not None:
        known = sort_keys(kind)
        if request.sort_by.lower() not in known:
            raise UsageError(f"can't sort {kind} by {request.sort_by!r}", hint=f"by: {' '.join(known)}")
    if request.team and "/" in request.team:
        request.workspace, _, request.team = request.team.partition("/")


def kind_of(word: str) -> str:
    """The kind a word means: plural, singular and one letter. Raises UsageError."""
    if word not in NAMES:
        raise UsageError(f"there is no kind {word!r}", hint=f"kinds: {' '.join(KINDS)} (or s t w e)")
    return NAMES[word]
