"""Manifest → TOML, in the order of the table, with defaults left out."""

from collections.abc import Iterator
from typing import Any

import msgspec

from marvel.manifest.table import ENDPOINT, ROLE, TEAM, WORKSPACE, Section
from marvel.resources import Manifest, RoleSpec, Spec
from marvel.text import is_plain

MASK = "***"  # read back it means: keep the recorded value
LINE_LENGTH = 100


def to_toml(manifest: Manifest, *, mask: bool = False) -> str:
    """A manifest that `read` turns into the same one; with `mask`, without the values of `env`."""
    blocks = [_block(WORKSPACE, "[workspace]", {"name": manifest.workspace}, mask)]
    for team in manifest.teams:
        blocks.append(_block(TEAM, "[[team]]", {"name": team.name}, mask))
        for role in team.roles:
            blocks.extend(_role(role, mask))
    blocks.extend(_block(ENDPOINT, "[[endpoint]]", _given(ENDPOINT, end), mask) for end in manifest.endpoints)
    return "\n".join(blocks)


def _role(role: RoleSpec, mask: bool) -> Iterator[str]:
    yield _block(ROLE, "[[team.role]]", _given(ROLE, role, role.template), mask)
    specs: dict[str, Spec | None] = {
        "runtime": role.template.runtime,
        "healthcheck": role.healthcheck,
        "shift": role.shift,
        "stop": role.stop,
    }
    for section in ROLE.sections:
        spec = specs[section.key]
        if spec is None:
            continue
        given = _given(section, spec)
        if given or section.key == "healthcheck":
            yield _block(section, f"[team.role.{section.key}]", given, mask)


def _given(section: Section, *specs: Spec) -> dict[str, Any]:
    """The fields that differ from their default; a healthcheck's type is always said."""
    given = {}
    homes = {type(spec): spec for spec in specs}
    for field in section.fields:
        spec = homes[field.home or section.record]
        value = getattr(spec, field.key)
        default = section.default(field, str(getattr(spec, "type", "")))
        if field.required or field.key == "type" or not _same(value, default):
            given[field.key] = value
    return given


def _same(value: Any, default: Any) -> bool:
    return default is not msgspec.NODEFAULT and bool(value == default)


def _block(section: Section, header: str, given: dict[str, Any], mask: bool) -> str:
    """One table; a table inside it (env) comes last, under a header of its own."""
    values = {field.key: field.kind.write(given[field.key]) for field in section.fields if field.key in given}
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    text = f"{header}\n{_lines(plain)}"
    for key, table in values.items():
        if isinstance(table, dict):
            shown = dict.fromkeys(table, MASK) if mask else table
            text += f"\n{header[:-1]}.{key}]\n{_lines(shown)}"
    return text


def _lines(values: dict[str, Any]) -> str:
    return "".join(_line(key, value) for key, value in values.items())


def _line(key: str, value: Any) -> str:
    """Short lists stand on one line; long text is written as such, unless that loses its line ends."""
    several_lines = isinstance(value, str) and "\r" not in value
    text = _dumped({key: value}, several_lines=several_lines)
    if isinstance(value, list):
        items = [_dumped({"": item}).removeprefix('"" = ').rstrip("\n") for item in value]
        short = f"{key} = [{', '.join(items)}]\n"
        return short if len(short) <= LINE_LENGTH else text
    return text


def _dumped(values: dict[str, Any], *, several_lines: bool = False) -> str:
    """TOML in which what does not print, and could steer a terminal, is escaped."""
    import tomli_w  # only exports need it

    text = tomli_w.dumps(values, multiline_strings=several_lines)
    return "".join(c if c == "\n" or is_plain(c) else f"\\U{ord(c):08X}" for c in text)
