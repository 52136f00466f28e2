"""What applying a manifest will do, in numbers: the same drafts, seen beside the present world."""

from typing import Any, Literal, NamedTuple

import msgspec

from marvel.durations import spell
from marvel.events import (
    Draft,
    EndpointApplied,
    EndpointRemoved,
    RoleApplied,
    RoleRemoved,
    TeamApplied,
    TeamDeleted,
    WorkspaceCreated,
)
from marvel.resources import Manifest, Role, RoleKey, Session, Spec, TeamKey, Template
from marvel.rules import current_of, is_mid_turn, wants_shift, was_aborted
from marvel.world import World

Verb = Literal["create", "change", "remove", "keep"]
MASK = "***"
SIGNS: dict[Verb, str] = {"create": "+", "change": "~", "remove": "-", "keep": "="}
SHOWN_CHARACTERS = 60
DURATIONS = frozenset(  # fields in seconds, by their last name; a test compares them with the manifest's
    {
        *("backoff_initial", "backoff_max", "max_runtime", "start_interval", "timeout", "startup_timeout"),
        *(
            "interval",
            "ready_delay",
            "ready_timeout",
            "min_ready",
            "max_age",
            "drain_timeout",
            "handoff_timeout",
            "grace",
        ),
    }
)
TEXTS = {"prompt": "", "prompt_text": "text of prompt_file", "resume_prompt": "", "handoff": ""}


class Step(NamedTuple):
    """What happens to one resource."""

    verb: Verb
    kind: str  # workspace, team, role, endpoint
    key: str
    changes: tuple[str, ...] = ()  # `field: old → new`
    start: int = 0  # sessions
    stop: int = 0
    replace: int = 0
    keep: int = 0
    working: int = 0  # of the stopped and replaced ones, at most
    note: str = ""  # what runs instead of what is declared, and stays


class Plan(NamedTuple):
    """Every step, and whether anything changes at all."""

    steps: tuple[Step, ...]

    @property
    def changes_nothing(self) -> bool:
        return all(step.verb == "keep" for step in self.steps)

    @property
    def disturbed(self) -> int:
        """Sessions that would be stopped or replaced."""
        return sum(step.stop + step.replace for step in self.steps)

    @property
    def working(self) -> int:
        """How many of the disturbed ones are in the middle of something."""
        return sum(step.working for step in self.steps)

    def told(self, *, whole: bool = False) -> str:
        """In words, a line for each step; what is kept only with `whole`, or when something else runs."""
        lines = []
        for step in self.steps:
            if step.verb != "keep" or whole:
                lines.append(_line(step))
                lines += [f"    {change}" for change in step.changes]
                lines += [f"    {step.note}"] if step.note else []
        if self.changes_nothing:
            lines.append("unchanged")
            lines += [] if whole else self.notes()
        return "".join(f"{line}\n" for line in lines)

    def notes(self) -> list[str]:
        """Return where something else runs than what is declared, a line for each role."""
        return [f"{step.key}: {step.note}" for step in self.steps if step.note]


def plan(world: World, declared: Manifest, drafts: list[Draft]) -> Plan:
    """The steps that the `drafts` of applying a manifest amount to."""
    steps = [step for draft in drafts for step in _steps(world, draft)]
    touched = {step.key for step in steps if step.kind == "role"}
    roles = [
        RoleKey(declared.workspace, team.name, role.name) for team in declared.teams for role in team.roles
    ]
    kept = [
        Step("keep", "role", str(key), keep=world.roles[key].replicas, note=note(world, world.roles[key]))
        for key in roles
        if str(key) not in touched and key in world.roles
    ]
    return Plan((*steps, *kept))


def _line(step: Step) -> str:
    counts = (("start", step.start), ("stop", step.stop), ("replace", step.replace), ("keep", step.keep))
    told = ", ".join(f"{verb} {count}" for verb, count in counts if count)
    return f"{SIGNS[step.verb]} {step.kind} {step.key}" + (f": {told}" if told else "")


def _steps(world: World, draft: Draft) -> list[Step]:
    ref, fact = draft.ref, draft.fact
    workspace, team, role = ref.workspace or "", ref.team or "", ref.role or ""
    match fact:
        case WorkspaceCreated():
            return [Step("create", "workspace", workspace)]
        case TeamApplied():
            return _team_steps(world, TeamKey(workspace, team), fact)
        case TeamDeleted():
            return [Step("remove", "team", f"{workspace}/{team}")]
        case RoleApplied():
            return [_role_step(world, RoleKey(workspace, team, role), fact)]
        case RoleRemoved():
            key = RoleKey(workspace, team, role)
            staying = _staying(world, key)
            return [Step("remove", "role", str(key), stop=len(staying), working=_working(world, key))]
        case EndpointApplied():
            known = (workspace, fact.name) in world.endpoints
            return [Step("change" if known else "create", "endpoint", f"{workspace}/{fact.name}")]
        case EndpointRemoved():
            return [Step("remove", "endpoint", f"{workspace}/{fact.name}")]
        case _:
            return []


def _team_steps(world: World, key: TeamKey, fact: TeamApplied) -> list[Step]:
    old = world.teams.get(key)
    if old is None:
        return [Step("create", "team", str(key))]
    if sorted(old.roles) == sorted(fact.roles):
        order = f"order of roles: {', '.join(old.roles)} → {', '.join(fact.roles)}"
        return [Step("change", "team", str(key), (order,))]
    return []  # the roles' own steps tell it


def _role_step(world: World, key: RoleKey, fact: RoleApplied) -> Step:
    old = world.roles.get(key)
    if old is None:
        return Step("create", "role", str(key), start=fact.replicas)
    changes = _differences("", _plain(old.spec), _plain(fact.spec))
    if old.replicas not in (fact.replicas, old.spec.replicas):
        changes.append(f"replicas: {old.replicas} (set by scale) → {fact.replicas}")
    started = max(0, fact.replicas - old.replicas)
    stopped = max(0, old.replicas - fact.replicas)
    kept = min(old.replicas, fact.replicas)
    working = _working(world, key)
    new = msgspec.structs.replace(old, spec=fact.spec, chosen=fact.chosen, replicas=fact.replicas)
    about = note(world, new)
    if _replaces(world, old, new):
        return Step("change", "role", str(key), tuple(changes), started, stopped, kept, 0, working, about)
    # Which ones go is decided when they go: those that work may be among them.
    at_risk = min(stopped, working)
    return Step("change", "role", str(key), tuple(changes), started, stopped, 0, kept, at_risk, about)


def _replaces(world: World, old: Role, new: Role) -> bool:
    """Whether what runs is replaced: compared with its own template, not with what was declared before."""
    cohorts, shift = world.cohorts_of(old.key), world.shifts.get(old.key)
    if not cohorts or (shift is not None and shift.started_at is not None):
        return old.template != new.template and new.spec.shift.on_change == "shift"
    return wants_shift(new, cohorts, None)


def note(world: World, role: Role) -> str:
    """Return which template a role's sessions have, and why, if it is not the manifest's; else nothing."""
    cohorts, shift = world.cohorts_of(role.key), world.shifts.get(role.key)
    current = current_of(cohorts, shift)
    if current is None or shift is not None or current.template == role.spec.template:
        return ""
    runs = f"the sessions run the template of generation {_origin(world, role, current.template)}"
    begin = f"marvel shift {role.workspace}/{role.team} --role {role.name}"
    if role.chosen is not None:
        declared = _origin(world, role, role.spec.template)
        forward = begin.replace("shift ", "shift undo ", 1)
        way = f"{forward} --to {declared} goes forward" if declared else "change the manifest to go forward"
        return f"undone: {runs}; {way}"
    if was_aborted(role, cohorts):
        return f"the shift to generation {cohorts[-1].generation} was aborted: {runs}; {begin} tries again"
    if role.spec.shift.on_change == "manual":
        return f"on_change is manual: {runs}; {begin} replaces them"
    return ""


def _origin(world: World, role: Role, template: Template) -> int:
    """Return the first generation known to have had a template; 0 when none is."""
    known: list[Any] = [*world.past.get(role.key, ()), *world.cohorts_of(role.key)]
    return min((one.generation for one in known if one.template == template), default=0)


def _staying(world: World, key: RoleKey) -> list[Session]:
    """Sessions of a role that are there and not on their way out already."""
    sessions = world.sessions_of(key)
    return [s for s in sessions if s.state in ("pending", "running") and not s.one_off]


def _working(world: World, key: RoleKey) -> int:
    return sum(1 for session in _staying(world, key) if is_mid_turn(session))


def _plain(spec: Spec) -> dict[str, Any]:
    """What differs from the defaults, whether or not a manifest said it; a healthcheck's type always."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(spec):
        value = getattr(spec, field.name)
        if field.name == "env":
            found[field.name] = {name: _Secret(text) for name, text in value.items()}
        elif isinstance(value, Spec):
            found[field.name] = _plain(value)
        elif value != field.default or field.name == "type":
            found[field.name] = value
    return found


class _Secret:
    """Of env: it never reaches a screen. Compares by value, so that a change shows by its name."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Secret) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return MASK


def _differences(path: str, old: Any, new: Any) -> list[str]:
    """Return the leaves that differ, by the path a manifest has for them, with old and new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in sorted({*old, *new}):
            below = path if name == "template" else f"{path}.{name}".lstrip(".")
            found += _differences(below, old.get(name, {} if _is_table(new, name) else None), new.get(name))
        return found
    if old == new:
        return []
    if isinstance(old, dict) and new is None:
        return _differences(path, old, {})
    name = path.rpartition(".")[2]
    if name in TEXTS:
        return [f"{TEXTS[name] or path}: {text_change(old, new)}"]
    return [f"{path}: {shown(name, old)} → {shown(name, new)}"]


def _is_table(table: dict[str, Any], name: str) -> bool:
    return isinstance(table.get(name), dict)


def text_change(old: Any, new: Any) -> str:
    """Return that a text for an agent is another one, by its size: it may be of any length."""
    before, after = (len(str(text or "").encode()) for text in (old, new))
    return f"changed ({before} → {after} bytes)"


def shown(name: str, value: Any) -> str:
    """Return the value of a field, by its last name, as a manifest has it."""
    if value is None:
        return "(default)"
    if name in DURATIONS and isinstance(value, float | int):
        return spell(float(value))
    if isinstance(value, tuple):
        value = list(value)  # as a manifest has it
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "…"
