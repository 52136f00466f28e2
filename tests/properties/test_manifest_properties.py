"""Any input is a manifest or a list of problems; any manifest survives being written."""

import json
from typing import Any

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marvel.durations import parse, spell, written
from marvel.errors import ManifestError
from marvel.manifest import read, to_toml
from marvel.manifest.kinds import Choice, Command, File, Flag, Kind, Name, Pattern, Signal, Text
from marvel.manifest.lists import Env, EnvName, Many
from marvel.manifest.quantities import Duration, Integer, Number
from marvel.manifest.table import ENDPOINT, MANIFEST, ROLE, TEAM, Section
from marvel.manifest.toml_text import locate
from marvel.resources import Manifest

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DEMO = """[workspace]
name = "demo"
[[team]]
name = "squad"
  [[team.role]]
  name = "agent"
  replicas = 3
    [team.role.runtime]
    image = "simulator"
    args = ["--tick", '3000', \"\"\"
x\"\"\"]
    [team.role.healthcheck]
    timeout = "30s"
[[endpoint]]
name = "agent-svc"
team = "squad"
"""


def keys(section: Section) -> set[str]:
    below = (keys(inner) | set(inner.keys) for inner in section.sections)
    return {field.key for field in section.fields}.union(*below)


plain_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["exec", "always", "30s", "t", "r", "-5s", "TERM"]),
    st.dates(),
)
some_key = st.one_of(
    st.sampled_from(sorted(keys(MANIFEST))), st.text(st.characters(codec="utf-8"), max_size=5)
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(some_key, inner, max_size=5),
    max_leaves=25,
)


def shaped(section: Section) -> st.SearchStrategy[dict[str, Any]]:
    """The right structure with anything in it."""
    parts: dict[str, st.SearchStrategy[Any]] = {field.key: junk for field in section.fields}
    for inner in section.sections:
        table = shaped(inner)
        parts[inner.key] = (st.lists(table, max_size=2) if inner.plural else table) | junk
    return st.fixed_dictionaries({}, optional=parts)


def read_or_refuse(text: str) -> Manifest | None:
    try:
        return read("-", stdin=text)
    except ManifestError as error:
        problems = error.problems
    assert problems
    assert all(line.isprintable() for line in problems)
    return None


@QUICK
@given(st.dictionaries(some_key, junk, max_size=5))
def test_random_structures_are_refused_with_problems(document: dict[str, Any]) -> None:
    read_or_refuse(tomli_w.dumps(document))


@QUICK
@given(shaped(MANIFEST))
def test_random_values_in_the_right_places_are_refused_with_problems(document: dict[str, Any]) -> None:
    read_or_refuse(tomli_w.dumps(document))


@QUICK
@given(st.text(st.characters(), max_size=80))
def test_random_text_is_refused_with_problems(text: str) -> None:
    assert read_or_refuse(text) is None
    assert read_or_refuse(f"---\n{text}") is None


@QUICK
@given(shaped(MANIFEST))
def test_random_yaml_is_refused_with_problems(document: dict[str, Any]) -> None:
    read_or_refuse("---\n" + json.dumps(document, default=str))


@QUICK
@given(st.integers(0, len(DEMO)), st.integers(0, 12), st.text(max_size=6))
def test_a_damaged_manifest_is_read_or_refused(at: int, cut: int, inserted: str) -> None:
    read_or_refuse(DEMO[:at] + inserted + DEMO[at + cut :])


@QUICK
@given(shaped(MANIFEST))
def test_a_located_key_stands_on_its_line(document: dict[str, Any]) -> None:
    text = tomli_w.dumps(document)
    lines = text.replace("\r\n", "\n").split("\n")
    for where, line in locate(text).at.items():
        key = next(str(step) for step in reversed(where) if isinstance(step, str))
        if key.isidentifier() and key.isascii():
            assert key in lines[line - 1]


def valid(kind: Kind) -> st.SearchStrategy[Any]:
    """Values this kind accepts, as they stand in a file."""
    match kind:
        case Name():
            return st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
        case File():
            return st.sampled_from(["/srv/x", "/srv/{index}/y"])
        case Command():
            return st.sampled_from(["claude", "/bin/x y"])
        case Pattern():
            return st.sampled_from(["^> ", r"ready\.{3}", "$"])
        case Text():
            return plain_text.filter(bool) if not kind.empty else plain_text
        case Flag():
            return st.booleans()
        case Integer():
            return st.integers(kind.least, min(kind.most, 50))
        case Number():
            return st.floats(0, kind.most, exclude_min=True)
        case Duration():
            return (
                st.sampled_from(["500ms", "30s", "1h30m", "2d"])
                | st.floats(0.001, 1e7)
                | st.integers(1, 10**7)
            )
        case Choice():
            return st.sampled_from(kind.options)
        case Signal():
            return st.sampled_from([*kind.NAMES, "SIGTERM"])
        case EnvName():
            return st.from_regex(r"[A-L_][A-Z0-9_]{0,5}", fullmatch=True)
        case Env():
            return st.dictionaries(valid(EnvName()) | st.just("a.b"), plain_text, max_size=3)
        case Many():
            return st.lists(valid(kind.of), min_size=kind.least, max_size=3)
        case _:
            raise AssertionError(kind)


def filled(section: Section) -> st.SearchStrategy[dict[str, Any]]:
    fields = {field.key: valid(field.kind) for field in section.fields}
    inner = {inner.key: filled(inner) for inner in section.sections if not inner.plural}
    required = {key: value for key, value in fields.items() if section.field(key).required}  # type: ignore[union-attr]
    optional = {key: value for key, value in (fields | inner).items() if key not in required}
    return st.fixed_dictionaries(required, optional=optional)


def coherent(role: dict[str, Any]) -> dict[str, Any]:
    """Takes out what contradicts."""
    role.pop("prompt_file", None)
    role.setdefault("runtime", {}).setdefault("command", "claude")
    for name in role["runtime"].get("env", {}):
        role["runtime"]["env_from"] = [
            other for other in role["runtime"].get("env_from", []) if other != name
        ]
    role.update(backoff_initial="1s", backoff_max=3.25)
    if check := role.get("healthcheck"):
        if check.get("type") == "exec":
            check.setdefault("command", ["/bin/probe", ""])
        else:
            check.pop("command", None)
            check.pop("interval", None)
        if check.get("type") == "process-alive":
            check.pop("startup_timeout", None)
    if shift := role.get("shift"):
        shift.update(max_surge=shift.get("max_surge", 0) + 1, min_ready=0.25, ready_timeout="1d")
        if not shift.get("handoff"):
            shift.pop("handoff_timeout", None)
    return role


roles = st.lists(filled(ROLE).map(coherent), max_size=2, unique_by=lambda role: str(role["name"]))
teams = st.lists(
    st.builds(lambda team, roles: team | {"role": roles}, filled(TEAM), roles),
    max_size=2,
    unique_by=lambda team: str(team["name"])[0],
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    declared = draw(teams)
    document: dict[str, Any] = {"workspace": {"name": draw(valid(Name()))}, "team": declared}
    if declared:
        names = st.lists(filled(ENDPOINT), max_size=2, unique_by=lambda endpoint: str(endpoint["name"]))
        document["endpoint"] = [{"name": end["name"], "team": declared[0]["name"]} for end in draw(names)]
    return document


@QUICK
@given(documents())
def test_a_written_manifest_reads_as_the_same(document: dict[str, Any]) -> None:
    manifest = read("-", stdin=tomli_w.dumps(document))
    text = to_toml(manifest)
    assert read("-", stdin=text) == manifest
    assert to_toml(read("-", stdin=text)) == text


@given(st.floats(0, 1e9))
def test_a_duration_survives_being_written(seconds: float) -> None:
    value = written(seconds)
    assert (parse(value) if isinstance(value, str) else value) == seconds
    assert spell(seconds)
