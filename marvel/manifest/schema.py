"""The table as JSON Schema (2020-12), for editors."""

from typing import Any

import msgspec

from marvel.manifest.table import MANIFEST, Field, Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Describes both spellings of a manifest: TOML's `[[team]]` and YAML's `teams:`."""
    definitions: dict[str, Any] = {}
    root = _section(MANIFEST, definitions)
    return {"$schema": DIALECT, "title": "marvel manifest", **root, "$defs": definitions}


def _section(section: Section, definitions: dict[str, Any]) -> dict[str, Any]:
    """One table; lists of tables are told once, under `$defs`, and have two names."""
    properties = {field.key: _field(section, field) for field in section.fields}
    conditions: list[dict[str, Any]] = []
    for inner in section.sections:
        table = _section(inner, definitions)
        if inner.plural:
            definitions[inner.key] = table
            tables = {"type": "array", "items": {"$ref": f"#/$defs/{inner.key}"}}
            properties |= {inner.key: tables, inner.plural: tables}
            conditions.append({"not": {"required": [inner.key, inner.plural]}})
        else:
            properties[inner.key] = table
    if section.any_of:
        conditions.append({"anyOf": [{"required": [key]} for key in section.any_of]})
    fields = [field.key for field in section.fields if field.required]
    required = fields + [inner.key for inner in section.sections if inner.required]
    return {
        "type": "object",
        "description": section.help,
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"allOf": conditions} if conditions else {}),
    }


def _field(section: Section, field: Field) -> dict[str, Any]:
    default = section.default(field)
    told = default not in (msgspec.NODEFAULT, None, "")
    return {
        "description": field.help,
        **field.kind.schema(),
        **({"default": field.kind.write(default)} if told else {}),
    }
