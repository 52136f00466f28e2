"""Every kind of event keeps its meaning: golden files hold what is written, and old ones stay readable.

After a deliberate change: `MARVEL_WRITE_GOLDEN=1 pytest tests/unit/test_event_kinds.py -n 0` writes the
files that are missing; a file that is there is never written over. When a kind's schema is raised, its file
becomes `KIND@OLD-SCHEMA.json`, and stays.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from marvel import events
from marvel.events import KINDS, UPCASTS, AnyFact, Draft, Fact, Ref, decode, encode, is_warning, stream_of
from marvel.resources import HealthcheckSpec, RoleSpec, RuntimeSpec, ShiftSpec, StopSpec, Template
from marvel.settings import Paths
from marvel.store.log import Store

GOLDEN = Path(__file__).parent / "golden"
TEMPLATE = Template(
    runtime=RuntimeSpec(
        image="claude",
        command="/opt/bin/zclaude",
        args=("--model", "größe", "a b"),
        env={"TOKEN": "s3cret", "A": ""},
        env_from=("HOME",),
        env_file="/etc/agent.env",
        cwd="/srv/{index}",
    ),
    permissions="plan",
    persona="reviewer",
    prompt="Begin.\n\tNow.",
)
ROLE = RoleSpec(
    name="agent",
    replicas=3,
    restart_policy="on-failure",
    max_restarts=4,
    backoff_initial=0.5,
    start_interval=2.0,
    template=TEMPLATE,
    healthcheck=HealthcheckSpec(type="exec", command=("true",), startup_timeout=9.0),
    shift=ShiftSpec(max_surge=1, context_percent=80.0),
    stop=StopSpec(signal="INT", grace=3.0, keys=("C-c",)),
)
VALUES: dict[str, Any] = {
    "spec": ROLE,
    "template": TEMPLATE,
    "chosen": TEMPLATE,
    "roles": ("agent", "supervisor"),
    "keys": ("C-c", "Enter"),
    "pids": (4001, 4002),
}
TEXTS = {"state": "succeeded", "heartbeat": "once-seen", "activity": "working", "health": "unhealthy"}


def full(fact: type[AnyFact]) -> AnyFact:
    """A fact with a value other than its default in every field."""
    values = {}
    for number, field in enumerate(msgspec.structs.fields(fact), 1):
        kinds = {*get_args(field.type), field.type}
        words = _words(field.type)
        if bool in kinds:
            values[field.name] = True
        elif field.name in VALUES:
            values[field.name] = VALUES[field.name]
        elif field.name in TEXTS:
            values[field.name] = TEXTS[field.name]
        elif words:
            values[field.name] = words[-1]
        elif float in kinds:
            values[field.name] = number + 0.25
        elif int in kinds:
            values[field.name] = 40 + number
        elif str in kinds:
            values[field.name] = f"{field.name} é \x1f"
        else:
            raise AssertionError(f"{fact.kind}: give VALUES an example of {field.name}")
    return fact(**values)


def _words(kind: Any) -> list[str]:
    """The words of a Literal, or of one that may be None."""
    literals = [part for part in (kind, *get_args(kind)) if get_origin(part) is Literal]
    return [word for literal in literals for word in get_args(literal) if word]


def golden(kind: str) -> dict[str, Any]:
    path = GOLDEN / f"{kind}.json"
    if not path.exists() and os.environ.get("MARVEL_WRITE_GOLDEN"):
        path.write_text(_golden_text(kind), encoding="utf-8")
    assert path.exists(), f"{kind} has no golden file: see the head of {__file__}"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _golden_text(kind: str) -> str:
    fact = full(KINDS[kind])
    written = {"kind": kind, "schema": fact.schema, "payload": json.loads(encode(fact))}
    return json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", sorted({*KINDS, *(path.stem for path in GOLDEN.glob("*.json"))}))
def test_an_old_log_stays_readable(name: str) -> None:
    kept = golden(name)
    fact = decode(kept["kind"], kept["schema"], json.dumps(kept["payload"]))
    if kept["schema"] == KINDS[kept["kind"]].schema:
        for field, value in kept["payload"].items():
            assert msgspec.to_builtins(getattr(fact, field)) == _as_tuples(value, getattr(fact, field))
    else:
        assert name == f"{kept['kind']}@{kept['schema']}"


def _as_tuples(value: Any, like: Any) -> Any:
    return msgspec.to_builtins(msgspec.convert(value, type(like)))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_written_today_is_what_the_golden_file_holds(kind: str) -> None:
    assert json.loads(_golden_text(kind)) == golden(kind)


def test_no_golden_file_is_of_a_kind_that_is_gone() -> None:
    assert {path.stem.partition("@")[0] for path in GOLDEN.glob("*.json")} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_survives_being_written_and_read(kind: str) -> None:
    fact = full(KINDS[kind])
    assert decode(kind, fact.schema, encode(fact)) == fact
    required = [f for f in msgspec.structs.fields(type(fact)) if f.required]
    bare = type(fact)(**{field.name: getattr(fact, field.name) for field in required})
    assert decode(kind, bare.schema, encode(bare)) == bare


def test_kinds_are_spelled_alike_and_name_their_class() -> None:
    for kind, fact in KINDS.items():
        noun, _, verb = kind.partition(".")
        assert fact.__name__ == (noun + "-" + verb).title().replace("-", "")


def test_a_payload_is_sorted_and_leaves_defaults_out() -> None:
    fact = events.SessionStopping(reason="killed", deadline=5.0, signal="TERM", release=True)
    assert encode(fact) == '{"deadline":5.0,"reason":"killed","release":true}'


# --- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "schema", "payload", "why"),
    [
        ("session.exploded", 1, "{}", "unknown event kind 'session.exploded'"),
        ("role.scaled", 1, "{}", "missing required field `replicas`"),
        ("role.scaled", 1, '{"replicas":"3"}', "Expected `int`, got `str`"),
        ("role.scaled", 1, "{", "truncated"),
        ("role.scaled", 2, '{"replicas":3}', "role.scaled was written with schema 2, newer than 1"),
        ("role.scaled", 0, '{"replicas":3}', "nothing reads role.scaled of schema 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(kind: str, schema: int, payload: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        decode(kind, schema, payload)


def test_an_older_shape_is_brought_up_step_by_step_also_in_a_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(str(tmp_path / "home"))
    ref = Ref(workspace="demo", team="squad", role="agent")
    store = Store(paths)
    store.record(lambda *_: [Draft(ref=ref, fact=events.RoleScaled(replicas=6))], actor="test")
    monkeypatch.setattr(events.RoleScaled, "schema", 3)
    monkeypatch.setitem(UPCASTS, ("role.scaled", 1), lambda old: {"halves": old["replicas"] * 2})
    monkeypatch.setitem(UPCASTS, ("role.scaled", 2), lambda old: {"replicas": old["halves"] // 2})
    assert [e.fact for e in store.read(after=1)] == [events.RoleScaled(replicas=6)]
    assert decode("role.scaled", 2, '{"halves":8}') == events.RoleScaled(replicas=4)
    assert store.verify() == (2, None)
    store.close()


# --- small things that readers rely on -----------------------------------------------------------


def test_a_stream_is_the_history_of_one_resource() -> None:
    assert stream_of(Ref()) == "log"
    assert stream_of(Ref(workspace="w")) == "workspace/w"
    assert stream_of(Ref(workspace="w", team="t")) == "team/w/t"
    assert stream_of(Ref(workspace="w", team="t", role="r", generation=2)) == "role/w/t/r"
    session = Ref(workspace="w", team="t", role="r", session="t-r-g2-0", uid="u", generation=2)
    assert stream_of(session) == "session/w/t-r-g2-0"


def test_failures_and_bad_verdicts_are_warnings_and_their_opposites_are_not() -> None:
    assert is_warning(events.SessionEnded(state="failed"))
    assert not is_warning(events.SessionEnded(state="stopped"))
    assert is_warning(events.HealthChanged(health="unhealthy"))
    assert not is_warning(events.HealthChanged(health="healthy"))
    assert is_warning(events.SessionGaveUp(reason="restart-budget"))
    assert not is_warning(events.SessionRecovered())


def test_every_fact_is_frozen() -> None:
    for fact in KINDS.values():
        assert issubclass(fact, Fact)
        assert fact.__struct_config__.frozen
