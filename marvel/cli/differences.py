"""`marvel diff --from A --to B`: what is different between two moments, resource by resource."""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from marvel import settings
from marvel.cli import past
from marvel.cli.fold import Fold
from marvel.cli.get import show
from marvel.cli.objects import MASK, is_listed, published
from marvel.cli.times import is_time, local
from marvel.commands.plan import DURATIONS, TEXTS, text_change
from marvel.durations import spell
from marvel.errors import UsageError
from marvel.store.query import Reader
from marvel.store.rows import world_at
from marvel.text import printable

Row = dict[str, Any]
Fields = dict[str, Any]
Resources = dict[tuple[str, str], Fields]  # by kind and key

OUTPUTS = ("text", "json")
SIGNS = {"created": "+", "changed": "~", "removed": "-"}
KINDS = {  # tables whose rows a person knows, and what names a row
    "workspaces": ("name",),
    "teams": ("workspace", "name"),
    "roles": ("workspace", "team", "name"),
    "cohorts": ("workspace", "team", "role", "generation"),
    "endpoints": ("workspace", "name"),
    "shifts": ("workspace", "team", "role"),
    "sessions": ("workspace", "name"),
}
UNTOLD = ("position", "started")  # where a row was written says nothing of it
SECRET = "env"  # noqa: S105  # its values are masked, by whatever name they have


class Difference(NamedTuple):
    """One resource that is not the same at both moments."""

    change: str  # created, changed, removed
    kind: str
    key: str
    fields: dict[str, tuple[Any, Any]]  # those that differ: before, after


def diff(since: str, to: str | None, output: str) -> int:
    """Print what differs; the exit status is 1 when anything does. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    now = time.time()
    with Reader(settings.paths()) as reader:
        first, _ = past.found(reader, since, now, option="--from")
        last = reader.head() if to is None else past.found(reader, to, now, option="--to")[0]
        found = list(differences(_resources(reader, first), _resources(reader, last)))
    if output == "json":
        show(json.dumps([public_of(one) for one in found], indent=2) + "\n")
    else:
        show("".join(_told(one) for one in found))
    return 1 if found else 0


def differences(before: Resources, after: Resources) -> Iterator[Difference]:
    """What differs between two sets of resources, by kind and key."""
    kinds = list(KINDS)
    for kind, key in sorted(before.keys() | after.keys(), key=lambda one: (kinds.index(one[0]), one[1])):
        old, new = before.get((kind, key)), after.get((kind, key))
        if old == new:
            continue
        change = "created" if old is None else "removed" if new is None else "changed"
        old, new = old or {}, new or {}
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        fields = {name: (old.get(name), new.get(name)) for name in names}
        yield Difference(change, kind[:-1], key, {name: _masked(name, pair) for name, pair in fields.items()})


def _resources(reader: Reader, position: int) -> Resources:
    """Every resource of a moment; of the sessions of one name the one that a listing shows."""
    made: Resources = {}
    fold = Fold(world_at(reader, position))
    for table, names in KINDS.items():
        for row in sorted(fold.rows(table), key=lambda row: float(row.get("created_at") or 0.0)):
            if table != "sessions" or is_listed(row):
                made[table, "/".join(str(row[name]) for name in names)] = dict(_flat(row))
    return made


def _flat(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A row's fields by their paths."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif prefix or name not in UNTOLD:
            yield f"{prefix}{name}", value


def _masked(name: str, pair: tuple[Any, Any]) -> tuple[Any, Any]:
    before, after = pair
    if SECRET not in name.split("."):
        return pair
    return None if before is None else MASK, None if after is None else MASK


def _told(one: Difference) -> str:
    """As people get it: fields of what is new or gone would only repeat the whole."""
    lines = [f"{SIGNS[one.change]} {one.kind} {printable(one.key)}"]
    if one.change == "changed":
        lines += [
            f"    {printable(name)}: {_change(name, before, after)}"
            for name, (before, after) in one.fields.items()
        ]
    return "".join(f"{line}\n" for line in lines)


def _change(name: str, before: Any, after: Any) -> str:
    last = name.rpartition(".")[2]
    if last in TEXTS:
        return text_change(before, after)
    return f"{_value(last, before)} → {_value(last, after)}"


def _value(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if is_time(name) and isinstance(value, int | float):
        return local(value)
    if name in DURATIONS and isinstance(value, int | float):
        return spell(float(value))
    return printable(str(value))


def public_of(one: Difference) -> Row:
    fields = {
        name: {"from": published(before, last), "to": published(after, last)}
        for name, (before, after) in one.fields.items()
        for last in [name.rpartition(".")[2]]
    }
    return {"change": one.change, "kind": one.kind, "key": one.key, "fields": fields}
