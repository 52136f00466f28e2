"""The commands that act on what there is: scale, run, kill, restart, delete, stop."""

from marvel.commands.apply import endpoint_removal, team_removal
from marvel.errors import DaemonUnavailable, NotFound, Rejected
from marvel.events import (
    DaemonStopRequested,
    Draft,
    Ref,
    RoleRestartRequested,
    RoleScaled,
    SessionForgotten,
    SessionRestartRequested,
    SessionScheduled,
    SessionStopping,
    WorkspaceCreated,
    WorkspaceDeleted,
    role_ref,
    session_ref,
)
from marvel.resources import (
    REPLICAS_MOST,
    HeartbeatMode,
    Role,
    RoleKey,
    Session,
    StopSpec,
    TeamKey,
    Template,
    mint,
)
from marvel.world import World

MAX_REPLICAS = 1000  # of a role, without --force-large


def scale(world: World, key: RoleKey, replicas: int, *, force_large: bool = False) -> list[Draft]:
    """Another number of sessions for one role."""
    role = _role(world, key)
    if replicas < 0:
        raise Rejected(f"replicas must be at least 0, is {replicas}")
    if replicas > REPLICAS_MOST:
        raise Rejected(f"replicas must be at most {REPLICAS_MOST}, is {replicas}")
    if replicas > MAX_REPLICAS and not force_large:
        raise Rejected(
            f"{replicas} sessions of {key} are more than {MAX_REPLICAS}", hint="--force-large if you mean it"
        )
    if role.replicas == replicas:
        return []
    return [Draft(ref=role_ref(key), fact=RoleScaled(replicas=replicas))]


def run(
    world: World,
    key: RoleKey,
    template: Template,
    now: float,
    *,
    heartbeat: HeartbeatMode = "none",
) -> list[Draft]:
    """A one-off session; a missing workspace is made. The last draft is the session's."""
    drafts = []
    if key.workspace not in world.workspaces:
        fact = WorkspaceCreated(uid=mint(key.workspace, now))
        drafts.append(Draft(ref=Ref(workspace=key.workspace), fact=fact))
    taken = {session.name for session in world.sessions.values() if session.workspace == key.workspace}
    number = next(n for n in range(len(taken) + 1) if f"{key.role}-{n}" not in taken)
    name = f"{key.role}-{number}"
    ref = Ref(
        workspace=key.workspace,
        team=key.team,
        role=key.role,
        session=name,
        uid=mint(key.workspace, name, now, world.position),
        generation=0,
    )
    runtime = template.runtime
    scheduled = SessionScheduled(
        index=number,
        image=runtime.image,
        command=runtime.command,
        heartbeat=heartbeat,
        one_off=True,
        template=template,
    )
    return [*drafts, Draft(ref=ref, fact=scheduled)]


def kill(world: World, uid: str, now: float) -> list[Draft]:
    """End a session; its slot is refilled by the role's rules, nothing is charged."""
    session = _session(world, uid)
    if session.state == "stopping":
        return []
    if not session.alive:
        hint = f"marvel restart {session.key} starts it again" if not session.one_off else ""
        raise Rejected(f"{session.key} is not running: {session.state}", hint=hint)
    return [_stopping(world, session, "killed", now)]


def restart_session(world: World, uid: str, now: float) -> list[Draft]:
    """Replace a session in its slot, whatever its state; its streak of restarts is cleared."""
    session = _session(world, uid)
    if session.one_off:
        raise Rejected(f"{session.key} is a one-off: nothing restarts it", hint="start another: marvel run …")
    if session.state == "stopping":
        return []
    if session.alive:
        return [_stopping(world, session, "restarted", now)]
    if not session.current:
        raise Rejected(f"{session.key} no longer has a slot to start in")
    if session.restart_requested:
        return []
    return [Draft(ref=session_ref(session), fact=SessionRestartRequested(), cause=session.position)]


def restart_team(world: World, key: TeamKey) -> list[Draft]:
    """Replace every session of a team, one at a time per role."""
    _team(world, key)
    return [Draft(ref=role_ref(role.key), fact=RoleRestartRequested()) for role in world.roles_of(key)]


def delete_session(world: World, uid: str, now: float) -> list[Draft]:
    """As kill; an ended one-off leaves the listing, an ended session's slot is filled again."""
    session = _session(world, uid)
    if session.alive:
        return kill(world, uid, now)
    if session.one_off:
        return [Draft(ref=session_ref(session), fact=SessionForgotten(), cause=session.position)]
    return restart_session(world, uid, now)


def delete_team(world: World, key: TeamKey) -> list[Draft]:
    """A team, its roles and the endpoints that name it; its sessions are stopped."""
    _team(world, key)
    endpoints = [
        endpoint_removal(endpoint.workspace, endpoint.name)
        for endpoint in world.endpoints.values()
        if (endpoint.workspace, endpoint.team) == key
    ]
    return [*endpoints, *team_removal(world, key)]


def delete_endpoint(world: World, workspace: str, name: str) -> list[Draft]:
    """An endpoint; sessions are not touched."""
    if (workspace, name) not in world.endpoints:
        raise NotFound(f"no such endpoint: {workspace}/{name}", hint="marvel get endpoints")
    return [endpoint_removal(workspace, name)]


def delete_workspace(world: World, name: str, now: float) -> list[Draft]:
    """A workspace with all that is in it, one-offs included."""
    if name not in world.workspaces:
        raise NotFound(f"no such workspace: {name}", hint="marvel get workspaces")
    endpoints = [endpoint_removal(*key) for key in world.endpoints if key[0] == name]
    teams = [draft for key in world.teams if key.workspace == name for draft in team_removal(world, key)]
    one_offs = [
        _stopping(world, session, "workspace-deleted", now)
        for session in world.sessions.values()
        if session.workspace == name and session.one_off and session.state in ("pending", "running")
    ]
    deleted = Draft(ref=Ref(workspace=name), fact=WorkspaceDeleted())
    return [*endpoints, *teams, *one_offs, deleted]


def stop_daemon(world: World, run_id: str, *, keep_sessions: bool = False) -> list[Draft]:
    """Ask the daemon of one run to end; a later daemon never obeys an old request."""
    daemon = world.daemon
    if daemon is None or daemon.run_id != run_id or daemon.stopped_at is not None:
        raise DaemonUnavailable("that daemon no longer runs")
    if daemon.stop_requested:
        return []
    return [Draft(ref=Ref(), fact=DaemonStopRequested(run_id=run_id, keep_sessions=keep_sessions))]


def _stopping(world: World, session: Session, reason: str, now: float) -> Draft:
    role = None if session.one_off else world.roles.get(session.role_key)
    spec = role.spec.stop if role else StopSpec()
    fact = SessionStopping(
        reason=reason,
        deadline=spec.deadline(now),
        release=session.one_off,
        signal=spec.signal,
        keys=spec.keys,
    )
    return Draft(ref=session_ref(session), fact=fact, cause=session.position)


def _session(world: World, uid: str) -> Session:
    if uid not in world.sessions:
        raise NotFound(f"no such session: {uid}", hint="marvel get sessions lists what there is")
    return world.sessions[uid]


def _team(world: World, key: TeamKey) -> None:
    if key not in world.teams:
        raise NotFound(f"no such team: {key}", hint="marvel get teams lists what there is")


def _role(world: World, key: RoleKey) -> Role:
    _team(world, TeamKey(key.workspace, key.team))
    role = world.roles.get(key)
    if role is None:
        names = ", ".join(role.name for role in world.roles_of(TeamKey(key.workspace, key.team)))
        raise NotFound(
            f"team {key.workspace}/{key.team} has no role {key.role}", hint=f"its roles: {names or 'none'}"
        )
    return role
