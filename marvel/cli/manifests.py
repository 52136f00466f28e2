"""What `export` and `schema` do."""

import json

from marvel import manifest
from marvel.cli.get import show
from marvel.errors import NotFound
from marvel.resources import EndpointSpec, Manifest, TeamKey, TeamSpec
from marvel.settings import paths
from marvel.store.query import Reader
from marvel.store.rows import load_world
from marvel.world import World


def export(key: str) -> None:
    """Print a workspace, or one of its teams, as a manifest with `env` values masked."""
    workspace, _, team = key.partition("/")
    with Reader(paths()) as reader:
        world = load_world(reader, workspace)
    show(manifest.to_toml(declared(world, workspace, team or None), mask=True))


def declared(world: World, workspace: str, team: str | None = None) -> Manifest:
    """What is declared of a workspace or of one team. Raises NotFound."""
    if workspace not in world.workspaces:
        raise NotFound(f"no such workspace: {workspace}", hint="marvel get workspaces")
    teams = sorted((t for t in world.teams.values() if t.workspace == workspace), key=lambda t: t.created_at)
    chosen = [t for t in teams if team is None or t.name == team]
    if team is not None and not chosen:
        raise NotFound(f"no such team: {workspace}/{team}", hint="marvel get teams")
    names = {t.name for t in chosen}
    ends = (e for e in world.endpoints.values() if e.workspace == workspace and e.team in names)
    return Manifest(
        workspace=workspace,
        teams=tuple(
            TeamSpec(
                name=t.name,
                roles=tuple(role.spec for role in world.roles_of(TeamKey(workspace, t.name))),
            )
            for t in chosen
        ),
        endpoints=tuple(
            EndpointSpec(name=e.name, team=e.team, role=e.role)
            for e in sorted(ends, key=lambda e: (e.created_at, e.name))
        ),
    )


def print_schema() -> None:
    """The JSON Schema of manifests."""
    show(json.dumps(manifest.schema(), indent=2, ensure_ascii=False) + "\n")
