"""`marvel work`: what has to be recorded so that the world is as a manifest declares it.

What a manifest does not name is left alone, but for roles and endpoints of the teams it names, and with
`prune` for the workspace's other teams. Applying the same manifest again gives no drafts.
"""

import msgspec

from marvel.errors import Rejected
from marvel.events import (
    Draft,
    EndpointApplied,
    EndpointRemoved,
    Ref,
    RoleApplied,
    RoleRemoved,
    TeamApplied,
    TeamDeleted,
    WorkspaceCreated,
    role_ref,
)
from marvel.resources import EndpointSpec, Manifest, Role, RoleKey, RoleSpec, TeamKey, TeamSpec, mint
from marvel.world import World

KEEP_RECORDED = "***"  # an env value that stands for the recorded one: what readers are shown


def apply(world: World, manifest: Manifest, now: float, *, prune: bool = False) -> list[Draft]:
    """The drafts that bring the world to a validated manifest.

    Raises Rejected when `***` stands for an env value that was never recorded.
    """
    workspace = manifest.workspace
    drafts = []
    if workspace not in world.workspaces:
        fact = WorkspaceCreated(uid=mint(workspace, now))
        drafts.append(Draft(ref=Ref(workspace=workspace), fact=fact))
    for team in manifest.teams:
        drafts += _team(world, TeamKey(workspace, team.name), team, now)
    if prune:
        named = {team.name for team in manifest.teams}
        gone = [key for key in world.teams if key.workspace == workspace and key.team not in named]
        drafts += [draft for key in gone for draft in team_removal(world, key)]
    return drafts + _endpoints(world, manifest, now, prune=prune)


def team_removal(world: World, key: TeamKey) -> list[Draft]:
    """A team, its roles; the sessions follow."""
    roles = [_role_removal(role.key) for role in world.roles_of(key)]
    return [*roles, Draft(ref=Ref(workspace=key.workspace, team=key.team), fact=TeamDeleted())]


def endpoint_removal(workspace: str, name: str) -> Draft:
    """An endpoint leaves."""
    return Draft(ref=Ref(workspace=workspace), fact=EndpointRemoved(name=name))


def _team(world: World, key: TeamKey, spec: TeamSpec, now: float) -> list[Draft]:
    old = world.teams.get(key)
    names = tuple(role.name for role in spec.roles)
    drafts = []
    if old is None or old.roles != names:
        uid = old.uid if old else mint(*key, now)
        fact = TeamApplied(uid=uid, roles=names)
        drafts.append(Draft(ref=Ref(workspace=key.workspace, team=key.team), fact=fact))
    for role in spec.roles:
        drafts += _role(world.roles.get(RoleKey(*key, role.name)), RoleKey(*key, role.name), role, now)
    dropped = [name for name in (old.roles if old else ()) if name not in names]
    return drafts + [_role_removal(RoleKey(*key, name)) for name in dropped]


def _role(old: Role | None, key: RoleKey, declared: RoleSpec, now: float) -> list[Draft]:
    spec = _as_read_back(_with_recorded_env(old, key, declared))
    if old is not None and old.spec == spec:
        return []
    # A count set by `marvel scale` stands while the manifest's own number stays what it was.
    scaled = old is not None and old.spec.replicas == spec.replicas
    fact = RoleApplied(
        uid=old.uid if old else mint(*key, now),
        spec=spec,
        replicas=old.replicas if old and scaled else spec.replicas,
        # So does what `shift undo` went back to, while the manifest's own template stays.
        chosen=old.chosen if old and old.spec.template == spec.template else None,
    )
    return [Draft(ref=role_ref(key), fact=fact)]


def _as_read_back(spec: RoleSpec) -> RoleSpec:
    """A spec as a replay will read it. Whether a default is left out of JSON goes by identity, and a word
    out of a manifest (`type = "heartbeat"`) is another object than the default: rows would differ.
    """
    return msgspec.json.decode(msgspec.json.encode(spec), type=RoleSpec)


def _with_recorded_env(old: Role | None, key: RoleKey, spec: RoleSpec) -> RoleSpec:
    runtime = spec.template.runtime
    masked = [name for name, value in runtime.env.items() if value == KEEP_RECORDED]
    if not masked:
        return spec
    recorded = old.spec.template.runtime.env if old else {}
    missing = [name for name in masked if name not in recorded]
    if missing:
        raise Rejected(
            f"{key}: env {missing[0]} is {KEEP_RECORDED}, which keeps the recorded value, and there is none",
            hint="give the value itself, or use env_from",
        )
    env = {**runtime.env, **{name: recorded[name] for name in masked}}
    runtime = msgspec.structs.replace(runtime, env=env)
    return msgspec.structs.replace(spec, template=msgspec.structs.replace(spec.template, runtime=runtime))


def _endpoints(world: World, manifest: Manifest, now: float, *, prune: bool) -> list[Draft]:
    """Endpoints as declared; those of the manifest's teams that it no longer names leave."""
    drafts = [_endpoint(world, manifest.workspace, spec, now) for spec in manifest.endpoints]
    declared = {spec.name for spec in manifest.endpoints}
    teams = {team.name for team in manifest.teams}
    for endpoint in world.endpoints.values():
        ours = endpoint.workspace == manifest.workspace and endpoint.name not in declared
        if ours and (prune or endpoint.team in teams):
            drafts.append(endpoint_removal(endpoint.workspace, endpoint.name))
    return [draft for draft in drafts if draft is not None]


def _endpoint(world: World, workspace: str, spec: EndpointSpec, now: float) -> Draft | None:
    old = world.endpoints.get((workspace, spec.name))
    if old is not None and (old.team, old.role) == (spec.team, spec.role):
        return None
    uid = old.uid if old else mint(workspace, spec.name, now)
    fact = EndpointApplied(name=spec.name, uid=uid, team=spec.team, role=spec.role)
    return Draft(ref=Ref(workspace=workspace), fact=fact)


def _role_removal(key: RoleKey) -> Draft:
    return Draft(ref=role_ref(key), fact=RoleRemoved())
