"""Every field wrong in turn: one line, with its path."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import tomli_w

from marvel import durations, resources
from marvel.errors import ManifestError
from marvel.manifest import read, schema
from marvel.manifest.kinds import Choice, Command, File, Flag, Kind, Name, Pattern, Signal, Text
from marvel.manifest.lists import Argv, Env, EnvName, Many
from marvel.manifest.quantities import Duration, Integer, Number
from marvel.manifest.table import MANIFEST, Field, Section

ROLE: dict[str, Any] = {
    "name": "r",
    "runtime": {"image": "generic", "command": "x"},
    "healthcheck": {"type": "exec", "command": ["x"]},
    "shift": {"handoff": "Write."},
    "stop": {},
}
DOCUMENT: dict[str, Any] = {
    "workspace": {"name": "w"},
    "team": [{"name": "t", "role": [ROLE]}],
    "endpoint": [{"name": "e", "team": "t", "role": "r"}],
}


def fields(section: Section, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Field]]:
    for field in section.fields:
        yield path, field
    for inner in section.sections:
        yield from fields(inner, (*path, inner.key, 0) if inner.plural else (*path, inner.key))


FIELDS = list(fields(MANIFEST, ()))


def wrong(kind: Kind) -> list[Any]:
    """Values this kind must refuse."""
    match kind:
        case Name():
            return [3, "", "A", "../x", "a:b", "a.b", "-a", "a-", "a\n", "ä", "x" * (kind.longest + 1)]
        case Pattern():
            return [3, True, ["x"], "a\0b", "(", "[z-a]", "x" * (kind.LONGEST + 1)]
        case Text() if isinstance(kind, Text | File | Command):
            return [3, 1.5, True, ["x"], {"a": "x"}, "a\0b", *([] if kind.empty else [""])]
        case Flag():
            return ["true", 1, []]
        case Integer():
            return [kind.least - 1, kind.most + 1, 10**30, 1.0, True, "3", math.nan]
        case Number():
            return [0, -5, kind.most * 2, 1e308, 10**400, math.nan, math.inf, True, "3"]
        case Duration():
            bad = [
                -1,
                -0.5,
                "-5s",
                "30",
                "",
                "5 s",
                "5x",
                "s",
                "1s1h",
                "٣s",
                math.nan,
                math.inf,
                10**400,
                "9" * 99 + "d",
            ]
            return [*bad, True, ["5s"], *([0, "0s"] if kind.above_zero else [])]
        case Choice() | Signal():
            return ["nonsense", "", 3, True, ["x"]]
        case EnvName():
            return ["", "A=B", "A B", "A\0", "MARVEL_HOME", 3]
        case Env():
            return [
                "A=1",
                ["A=1"],
                {"A": 1},
                {"A": True},
                {"A": "\0"},
                {"A=B": "x"},
                {"": "x"},
                {"MARVEL_UID": "x"},
            ]
        case Many():
            return [
                "text",
                {"a": "b"},
                3,
                *([[]] if kind.least else []),
                *([item] for item in wrong(kind.of)),
            ]
        case _:
            raise AssertionError(kind)


def told(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read("-", stdin=tomli_w.dumps(document))
    return caught.value.problems


def spelled(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def test_the_document_these_tests_start_from_is_valid() -> None:
    assert read("-", stdin=tomli_w.dumps(DOCUMENT)).workspace == "w"


@pytest.mark.parametrize(
    ("path", "field"), FIELDS, ids=lambda value: value.key if isinstance(value, Field) else spelled(value)
)
def test_a_wrong_value_is_one_line_with_its_path(path: tuple[str | int, ...], field: Field) -> None:
    for value in wrong(field.kind):
        document = copy.deepcopy(DOCUMENT)
        table: Any = document
        for step in path:
            table = table[step]
        table[field.key] = value
        problems = told(document)
        assert len(problems) == 1, (value, problems)
        assert problems[0].startswith(spelled((*path, field.key)))
        assert len(problems[0]) < 260
        assert problems[0].isprintable()


@pytest.mark.parametrize("field", [field for path, field in FIELDS], ids=lambda field: field.key)
def test_every_field_has_its_default_in_the_specs(field: Field) -> None:
    [section] = [section for section in sections(MANIFEST) if any(known is field for known in section.fields)]
    if section.key != "workspace":
        assert field.required == (section.default(field) is msgspec.NODEFAULT)


def sections(section: Section) -> Iterator[Section]:
    yield section
    for inner in section.sections:
        yield from sections(inner)


def test_every_field_of_the_specs_is_in_the_table() -> None:
    derived = {"roles", "template", "runtime", "healthcheck", "shift", "stop", "prompt_text"}
    for record in (
        resources.RuntimeSpec,
        resources.HealthcheckSpec,
        resources.ShiftSpec,
        resources.StopSpec,
        resources.Template,
        resources.RoleSpec,
        resources.TeamSpec,
        resources.EndpointSpec,
    ):
        known = {
            field.key
            for section in sections(MANIFEST)
            for field in section.fields
            if (field.home or section.record) is record
        }
        assert known == {field.name for field in msgspec.structs.fields(record)} - derived


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("role", 0, "replicas"), -1, "team[0].role[0].replicas: must be at least 0, is -1"),
        (("role", 0, "replicas"), True, "team[0].role[0].replicas: must be an integer, is true"),
        (
            ("role", 0, "replicas"),
            "3",
            'team[0].role[0].replicas: must be an integer, is "3", without quotes',
        ),
        (("role", 0, "replicas"), 10**9, "team[0].role[0].replicas: must be at most 100000, is 1000000000"),
        (
            ("role", 0, "resume"),
            "true",
            'team[0].role[0].resume: must be true or false, is "true", without quotes',
        ),
        (
            ("role", 0, "permissions"),
            7,
            "team[0].role[0].permissions: must be a string, is 7, write it in quotes",
        ),
        (
            ("role", 0, "restart_policy"),
            "OnFailure",
            'must be one of always, on-failure, never, is "OnFailure", did you mean on-failure?',
        ),
        (
            ("role", 0, "max_runtime"),
            "8",
            'team[0].role[0].max_runtime: must be a duration such as "500ms", "30s", "1h30m" or "2d", is "8"',
        ),
        (
            ("role", 0, "runtime", "args"),
            "--model sonnet",
            'team[0].role[0].runtime.args: must be a list, is "--model sonnet", write ["--model", "sonnet"]',
        ),
        (
            ("role", 0, "runtime", "args"),
            ["a", 1],
            "team[0].role[0].runtime.args[1]: must be a string, is 1, write it in quotes",
        ),
        (
            ("role", 0, "runtime", "env"),
            {"PORT": 8080},
            "team[0].role[0].runtime.env.PORT: must be a string, write the value in quotes",
        ),
        (
            ("role", 0, "shift", "context_percent"),
            101,
            "team[0].role[0].shift.context_percent: must be at most 100, is 101",
        ),
        (("role", 0, "stop", "signal"), "SIGFOO", "must be one of TERM, INT, HUP, QUIT, KILL, USR1, USR2"),
        (("role", 0), 3, "team[0].role[0]: must be a table, is 3"),
        (("role",), {"name": "r"}, "team[0].role: must be a list of tables, is a table, write [[team.role]]"),
        (
            ("role", 0, "stop"),
            [{"grace": 1}],
            "team[0].role[0].stop: must be a table, is a list, write [team.role.stop]",
        ),
        (
            ("name",),
            "My Team",
            'begin and end with a letter or digit, is "My Team", did you mean my-team?',
        ),
    ],
)
def test_a_message_says_what_is_expected_and_what_is_there(
    path: tuple[str | int, ...], value: Any, problem: str
) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["endpoint"] = []
    table: Any = document["team"][0]
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value
    [line] = told(document)
    assert problem in line


def test_what_is_required_is_asked_for() -> None:
    text = "[[team]]\n[[team.role]]\n[[team.role]]\nname='r'\n[team.role.runtime]\n[[endpoint]]\n"
    with pytest.raises(ManifestError) as caught:
        read("-", stdin=text)
    assert caught.value.problems == [
        'workspace: is required, write [workspace] with name = "…"',
        "team[0].name: is required (line 1)",
        "team[0].role[0].name: is required (line 2)",
        "team[0].role[0].runtime: is required, write [team.role.runtime] with a command or an image (line 2)",
        "team[0].role[1].runtime: needs command or image (line 5)",
        "endpoint[0].name: is required (line 6)",
        "endpoint[0].team: is required (line 6)",
    ]


@pytest.mark.parametrize(
    ("section", "key", "hint"),
    [
        ((), "namespace", "did you mean workspace?"),
        ((), "apiVersion", "a manifest has no apiVersion, it begins with [workspace]"),
        (("workspace",), "team", "it stands at the top of the file, as [[team]]"),
        ((), "temas", "did you mean teams?"),
        (("team", 0), "rolse", "did you mean role?"),
        (("team", 0), "replicas", "it belongs under [[team.role]]"),
        (("team", 0, "role", 0), "replica", "did you mean replicas?"),
        (("team", 0, "role", 0), "restartPolicy", "did you mean restart_policy?"),
        (("team", 0, "role", 0), "command", "did you mean runtime.command?"),
        (("team", 0, "role", 0), "env", "did you mean runtime.env?"),
        (("team", 0, "role", 0), "livenessProbe", "did you mean healthcheck?"),
        (("team", 0, "role", 0), "max_surge", "did you mean shift.max_surge?"),
        (("team", 0, "role", 0), "zzz", ""),
        (("team", 0, "role", 0, "runtime"), "workingDir", "did you mean cwd?"),
        (("team", 0, "role", 0, "runtime"), "persona", "it belongs under [[team.role]]"),
        (("team", 0, "role", 0, "healthcheck"), "failureThreshold", "did you mean failure_threshold?"),
        (("team", 0, "role", 0, "healthcheck"), "periodSeconds", "did you mean interval?"),
        (("team", 0, "role", 0, "shift"), "maxUnavailable", "did you mean max_unavailable?"),
        (("team", 0, "role", 0, "stop"), "terminationGracePeriodSeconds", "did you mean grace?"),
        (("endpoint", 0), "teem", "did you mean team?"),
        (("workspace",), "nam", "did you mean name?"),
        (("workspace",), "x" * 5000, ""),
        (("workspace",), "a\nb.c", ""),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_meant(
    section: tuple[str | int, ...], key: str, hint: str
) -> None:
    document = copy.deepcopy(DOCUMENT)
    table: Any = document
    for step in section:
        table = table[step]
    table[key] = "x"
    [line] = told(document)
    assert ("unknown key, " + hint if hint else "unknown key") in line
    assert line.isprintable()


def test_a_misspelt_required_key_is_one_line() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["workspace"] = {"nmae": "w"}
    document["team"][0]["role"] = [{"name": "r", "runtime": {"comand": "x"}}, {"name": "s", "command": "x"}]
    assert [line.partition(" (line")[0] for line in told(document)] == [
        "workspace.nmae: unknown key, did you mean name?",
        "team[0].role[0].runtime.comand: unknown key, did you mean command?",
        "team[0].role[1].command: unknown key, did you mean runtime.command?",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1s", 1),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("6h", 21600),
        ("2d", 172800),
        ("1.5h", 5400),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["0s", "1ms", "500ms", "1500ms", "30s", "1m", "1m30s", "1h30m", "1d", "2d3h"]
)
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert durations.written(durations.parse(text) or 0.0) == text


def test_numbers_that_have_no_spelling_are_written_as_numbers() -> None:
    assert durations.written(1 / 3) == 1 / 3
    assert durations.written(1e-9) == 1e-9


def test_the_schema_knows_every_field_and_no_other() -> None:
    described = schema()
    for path, field in FIELDS:
        table = described
        for step in path:
            if isinstance(step, str):
                table = table["properties"][step]
            else:
                table = described["$defs"][table["items"]["$ref"].rpartition("/")[2]]
        assert table["additionalProperties"] is False
        assert table["properties"][field.key]["description"] == field.help
        assert (field.key in table.get("required", [])) == field.required
    role = described["$defs"]["role"]["properties"]
    assert role["replicas"] == {
        "description": "how many sessions are wanted",
        "type": "integer",
        "minimum": 0,
        "maximum": 100_000,
        "default": 1,
    }
    assert role["backoff_max"]["default"] == "1m"
    assert described["properties"]["teams"] == described["properties"]["team"]
    assert described["required"] == ["workspace"]
    assert msgspec.json.decode(msgspec.json.encode(described)) == described


def test_kinds_that_hold_others_are_all_covered() -> None:
    assert {type(field.kind) for _, field in FIELDS} == {
        *(Name, Text, Pattern, Flag, Integer, Number, Duration, Choice, Signal, File, Command),
        *(Many, Argv, Env),
    }
