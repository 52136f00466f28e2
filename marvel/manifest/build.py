"""Valid blocks → specs: paths resolved, defaults filled in, prompts read."""

from pathlib import Path
from typing import Any

import msgspec

from marvel.manifest import places
from marvel.manifest.check import Block
from marvel.resources import (
    EndpointSpec,
    HealthcheckSpec,
    RoleSpec,
    RuntimeSpec,
    ShiftSpec,
    Spec,
    StopSpec,
    TeamSpec,
    Template,
)


def read_prompts(manifest: Block, directory: Path) -> None:
    """Put the text of each role's `prompt_file` beside it; one that can't be read is a problem."""
    for role in manifest.each("team", "role"):
        path = role.valid.get("prompt_file")
        if path is None or role.has("prompt"):
            continue
        try:
            role.valid["prompt_text"] = places.prompt_text(places.resolve(path, directory))
        except ValueError as error:
            why = " (placeholders do not expand in it)" if places.PLACEHOLDER.search(path) else ""
            role.report(f"{error}{why}", "prompt_file")


def team(block: Block, directory: Path) -> TeamSpec:
    roles = tuple(_role(role, directory) for role in block.each("role"))
    return TeamSpec(name=block.valid["name"], roles=roles)


def endpoint(block: Block, directory: Path) -> EndpointSpec:
    return EndpointSpec(**_values(block, directory, EndpointSpec))


def _role(block: Block, directory: Path) -> RoleSpec:
    template = Template(
        **_values(block, directory, Template),
        runtime=_runtime(block, directory),
        prompt_text=block.valid.get("prompt_text", ""),
    )
    healthcheck, shift, stop = (block.one(key) for key in ("healthcheck", "shift", "stop"))
    return RoleSpec(
        **_values(block, directory, RoleSpec),
        template=template,
        healthcheck=HealthcheckSpec(**_values(healthcheck, directory, HealthcheckSpec))
        if healthcheck
        else None,
        shift=ShiftSpec(**_values(shift, directory, ShiftSpec)) if shift else ShiftSpec(),
        stop=StopSpec(**_values(stop, directory, StopSpec)) if stop else StopSpec(),
    )


def _runtime(role: Block, directory: Path) -> RuntimeSpec:
    runtime = role.one("runtime")
    values = _values(runtime, directory, RuntimeSpec) if runtime else {}
    values["cwd"] = values.get("cwd") or str(directory)
    return RuntimeSpec(**values)


def _values(block: Block, directory: Path, record: type[Spec]) -> dict[str, Any]:
    """What the block says of one record, with defaults that depend on the block's type."""
    values = {}
    variant = str(block.value("type"))
    for field in block.section.fields:
        if (field.home or block.section.record) is not record:
            continue
        if field.key in block.valid:
            values[field.key] = field.kind.settle(block.valid[field.key], directory)
        elif (default := block.section.default(field, variant)) is not msgspec.NODEFAULT:
            values[field.key] = default
    return values
