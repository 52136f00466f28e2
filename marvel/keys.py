"""What a person may call a resource: one place for commands and readers alike. Standard library only.

A key `w/x` is the session of that name, else the team; `session/w/x` and `team/w/x` always work. Any
unique ending of a session's name without its generation (`reviewer-1`, `squad-reviewer-1`) means the
newest session in that slot; a uid works too.
"""

from collections.abc import Iterable

from marvel.errors import NotFound, Rejected, UsageError

SHOWN = 5  # candidates named in a message


class Named:
    """What of a session is needed to find it by a key. A plain class: typing would cost `get` 3 ms."""

    __slots__ = (
        *("created_at", "generation", "name", "number", "one_off", "role", "team", "there", "uid"),
        "workspace",
    )

    def __init__(
        self,
        *,
        workspace: str,
        team: str,
        role: str,
        name: str,
        generation: int,
        number: int,
        uid: str,
        created_at: float,
        one_off: bool = False,
        there: bool = True,
    ) -> None:
        self.workspace = workspace
        self.team = team
        self.role = role
        self.name = name
        self.generation = generation
        self.number = number  # the slot
        self.uid = uid
        self.created_at = created_at
        self.one_off = one_off
        self.there = there  # it holds its slot or is alive; else it is remembered only

    @property
    def slot(self) -> str:
        """The name without the generation."""
        return self.name if self.one_off else f"{self.team}-{self.role}-{self.number}"


def find_session(key: str, sessions: Iterable[Named]) -> str | None:
    """The uid of the newest session that a key names; None when there is none.

    What is there wins over what is remembered: a session of a deleted team makes no key ambiguous.
    Raises Rejected when a short key names several slots.
    """
    known = list(sessions)
    key = key.removeprefix("session/")
    exact = [s for s in known if key in (f"{s.workspace}/{s.name}", s.uid)]
    if exact:
        return max(exact, key=_age).uid
    short = [
        s for s in known if _ends(f"{s.workspace}/{s.slot}", key) or _ends(f"{s.workspace}/{s.name}", key)
    ]
    short = [s for s in short if s.there] or short
    slots = sorted({f"{s.workspace}/{s.slot}" for s in short})
    if len(slots) > 1:
        shown = ", ".join(slots[:SHOWN]) + (", …" if len(slots) > SHOWN else "")
        raise Rejected(f"{key!r} names {len(slots)} sessions: {shown}", hint="type more of the name")
    return max(short, key=_age).uid if short else None


def find(key: str, sessions: Iterable[Named], teams: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """("session", uid) or ("team", "w/t") of a key. Raises NotFound, and Rejected when it could be both."""
    known = list(sessions)
    team = key.removeprefix("team/")
    is_team = tuple(team.split("/", 1)) in set(teams) if "/" in team else False
    if key.startswith("team/"):
        if not is_team:
            raise no_such("team", team)
        return "team", team
    uid = find_session(key, known)
    if uid is None and is_team:
        return "team", team
    if uid is None:
        raise no_such("session" if key.startswith("session/") else "session or team", key)
    if is_team and not key.startswith("session/"):
        if not any(s.there for s in known if s.uid == uid):
            return "team", team
        raise Rejected(f"{key!r} is both a session and a team", hint=f"say session/{key} or team/{key}")
    return "session", uid


def no_such(kind: str, key: str) -> NotFound:
    """The one message for a key that names nothing."""
    return NotFound(f"no such {kind}: {key}", hint="marvel get sessions lists what there is")


def team_key(key: str) -> tuple[str, str]:
    """Workspace and team of `w/t`. Raises Rejected when it has another shape."""
    workspace, slash, team = key.removeprefix("team/").partition("/")
    if not (workspace and slash and team) or "/" in team:
        raise Rejected(f"{key!r} is not a team", hint="a team is WORKSPACE/TEAM")
    return workspace, team


def _ends(whole: str, ending: str) -> bool:
    """Whether `ending` is the end of `whole`, beginning at a word of it."""
    if not ending or not whole.endswith(ending):
        return False
    before = whole[: -len(ending)]
    return not before or before[-1] in "/-"


def _age(session: Named) -> tuple[bool, int, float]:
    return session.there, session.generation, session.created_at


def check_names(workspace: str, team: str, role: str) -> None:
    """Refuse what can't be the name of a one-off's workspace, team or role. Raises UsageError."""
    for name, limit in ((workspace, 30), (team, 63), (role, 63)):
        ok = name.replace("-", "a").isalnum() and name == name.lower() and name.isascii()
        if not ok or name[0] == "-" or name[-1] == "-" or len(name) > limit:
            hint = f"letters a-z, digits and inner dashes, at most {limit}"
            raise UsageError(f"{name!r} is not a name", hint=hint)


def is_text(word: str) -> bool:
    """Whether a word of the system's is UTF-8, so that it can be recorded."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_variable(name: str, value: str | None) -> None:
    """Refuse a variable that is none, or not a person's to set. Raises UsageError."""
    if not name or value is None or "\0" in name + value or "=" in name or name.startswith("MARVEL_"):
        raise UsageError(f"--env {name!r} is not NAME=VALUE of your own")
