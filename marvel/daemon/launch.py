"""A launch plan checked against this machine: directory, command, env_file, env_from.

tmux would start in another directory without a word when one is missing, and a missing command is a
silent exit status 1; so both are looked at first. Problems are `Unlaunchable`, in words.
"""

import contextlib
import os
import shutil
import socket
import stat
from collections.abc import Mapping

import msgspec

import marvel
from marvel.daemon import env_file, overlays
from marvel.daemon.containment import Profile, contain, make_ready, sandboxed
from marvel.resources import RoleSpec, Session, Template
from marvel.runtimes import Adapter, LaunchPlan, Place, Unlaunchable, Wish, adapter_of, launch_plan
from marvel.runtimes.adapter import Merge
from marvel.runtimes.launch import expanded
from marvel.settings import own_file, private_directory, session_file
from marvel.shortages import is_unknown
from marvel.tmux import server_environment
from marvel.tmux.environment import marked_path
from marvel.world import World

REPORTER = "report.py"  # in the state directory
MAX_STRING_BYTES = 128 * 1024 - 1  # of one argument or variable: the kernel takes no more


OWN_VARIABLES = ("MARVEL_SESSION_UID", "MARVEL_TOKEN", "MARVEL_BEAT")  # of the session alone


def wish_of(world: World, session: Session) -> tuple[Template | None, RoleSpec | None]:
    """The template and the role a session is made of; no template once its cohort is gone."""
    if session.one_off:
        return session.template, None
    role = world.roles.get(session.role_key)
    for cohort in world.cohorts_of(session.role_key):
        if cohort.generation == session.generation:
            return cohort.template, role.spec if role else None
    return None, None


def prepare(wish: Wish, environ: Mapping[str, str], profile: Profile | None = None) -> LaunchPlan:
    """The plan with an argv that can be executed and a whole environment.

    Raises Unlaunchable, and OSError when it can't be told whether it can be launched.
    """
    adapter = adapter_of(wish.template)
    if adapter.stream is not None:
        wish = msgspec.structs.replace(wish, place=wish.place._replace(port=_free_port()))
    private = _is_private(wish.template.prompt_file)
    wish = msgspec.structs.replace(wish, private_prompt=private)
    elsewhere = _recorded_elsewhere(expanded(wish.template, wish.session), environ)
    plan = _merged_plan(wish, adapter, {**server_environment(environ), **elsewhere})
    _check_directory(plan.cwd)
    env = {**elsewhere, **plan.env}
    _check_sizes(plan.argv, env)
    path = env.get("PATH", environ.get("PATH", os.defpath))
    plan = msgspec.structs.replace(plan, argv=_executable(plan, path), env=env)
    if not wish.template.runtime.contain:
        return plan
    return contain(wish, plan, environ, profile or Profile())


def _merged_plan(wish: Wish, adapter: Adapter, environ: Mapping[str, str]) -> LaunchPlan:
    """Return the plan with the user's settings merged in, or one that does without ours and says why."""
    try:
        return overlays.resolved(launch_plan(wish, adapter), environ)
    except overlays.Unmergeable as problem:
        plan = launch_plan(msgspec.structs.replace(wish, merges=False), adapter)
        return msgspec.structs.replace(plan, unheard=f"{problem}: nothing that it reports is heard")


def pane_environment(wish: Wish, plan: LaunchPlan, environ: Mapping[str, str]) -> dict[str, str]:
    """What a pane is given: the plan's environment, and a PATH by which the panes that it opens are known."""
    path = plan.env.get("PATH", environ.get("PATH", os.defpath))
    return {**plan.env, "PATH": marked_path(path, wish.place.directory)}


def trusted(wish: Wish, plan: LaunchPlan, environ: Mapping[str, str]) -> Merge | None:
    """Return what `trust_workspace` allows: the agent's own note that its directory is trusted."""
    if not wish.template.runtime.trust_workspace:
        return None
    env = {**server_environment(environ), **plan.env}
    return adapter_of(wish.template).trust(os.path.realpath(plan.cwd), env)


def write_files(place: Place, plan: LaunchPlan, *, contained: bool = False) -> None:
    """Write the files of a plan, and make the directories that it counts on. Raises OSError."""
    private_directory(place.directory)
    os.makedirs(os.path.dirname(place.beat), mode=0o700, exist_ok=True)
    if plan.mirror is not None:
        overlays.reflect(plan.mirror, plan.files)
    for path, content in plan.files.items():
        with open(session_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(content)
    if contained:
        make_ready(place)


def surroundings(
    session: Session, template: Template, role: RoleSpec | None, place: Place, environ: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Where and with what environment the session runs, for a probe that is to see what it sees.

    What makes a process the session itself (uid, token) is left out. Raises Unlaunchable.
    """
    plan = launch_plan(Wish(session=session, template=template, role=role, place=place), adapter_of(template))
    env = {
        **server_environment(environ),
        **_recorded_elsewhere(expanded(template, session), environ),
        **plan.env,
    }
    for name in OWN_VARIABLES:
        env.pop(name, None)
    return plan.cwd, env


def probe_argv(
    session: Session,
    template: Template,
    place: Place,
    command: tuple[str, ...],
    environ: Mapping[str, str],
    profile: Profile,
) -> tuple[str, ...]:
    """A probe of a session: of a contained one inside the same sandbox, for the agent may have written it.

    Raises Unlaunchable.
    """
    if not template.runtime.contain:
        return command
    wish = Wish(session=session, template=expanded(template, session), role=None, place=place)
    return sandboxed(wish, launch_plan(wish, adapter_of(template)), command, environ, profile)


def typed_prompt(wish: Wish) -> str:
    """Return what is to be typed to a session once it runs, as it was started; empty: nothing."""
    private = os.path.lexists(wish.place.private_prompt)
    wish = msgspec.structs.replace(wish, private_prompt=private)
    return launch_plan(wish, adapter_of(wish.template)).typed_prompt


def place_reporter(home: str) -> None:
    """Copy the reporter to where agents run it from: a new marvel must not break those that run."""
    source = os.path.join(os.path.dirname(marvel.__file__), "reporter.py")
    fresh = os.path.join(home, f"{REPORTER}.new")
    with (
        open(source, "rb") as reporter,
        open(own_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file,
    ):
        file.write(reporter.read())
    os.replace(fresh, os.path.join(home, REPORTER))


def _free_port() -> int:
    """A port that nobody listens on now. If another takes it first, the agent can't, and is told of."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_private(path: str) -> bool:
    """Whether others may not read a file; one that can't be looked at is taken for private."""
    try:
        return not os.stat(path).st_mode & stat.S_IROTH
    except OSError:
        return True


def _check_sizes(argv: tuple[str, ...], env: Mapping[str, str]) -> None:
    """The kernel's own refusal would look like an agent that ends at once."""
    for number, word in enumerate(argv):
        if len(word.encode(errors="surrogateescape")) > MAX_STRING_BYTES:
            raise Unlaunchable(f"argument {number} is longer than {MAX_STRING_BYTES} bytes")
    for name, value in env.items():
        if len(f"{name}={value}".encode(errors="surrogateescape")) > MAX_STRING_BYTES:
            raise Unlaunchable(f"variable {name} is longer than {MAX_STRING_BYTES} bytes")


def _looked_at(path: str) -> os.stat_result | None:
    """What is at a path, None when nothing is. Raises OSError when that can't be told."""
    try:
        return os.stat(path)
    except OSError as error:
        if is_unknown(error):
            raise
        return None


def _check_directory(cwd: str) -> None:
    found = _looked_at(cwd)
    if found is None or not stat.S_ISDIR(found.st_mode):
        what = "does not exist" if found is None else "is not a directory"
        raise Unlaunchable(f"cwd {cwd} {what}")
    if not os.access(cwd, os.X_OK):
        raise Unlaunchable(f"cwd {cwd} can't be entered")


def _executable(plan: LaunchPlan, path: str) -> tuple[str, ...]:
    command = plan.argv[0]
    file = os.path.join(plan.cwd, command)
    if shutil.which(file if "/" in command else command, path=path):
        return plan.argv
    if plan.stand_in and _looked_at(file) is None:
        return plan.stand_in
    if "/" not in command:
        for directory in path.split(os.pathsep):  # one that does not answer may hold it
            with contextlib.suppress(PermissionError):
                _looked_at(os.path.join(directory, command))
        raise Unlaunchable(f"command {command} was not found in the daemon's PATH")
    found = _looked_at(file)
    if found is None:
        raise Unlaunchable(f"command {command} does not exist")
    if stat.S_ISDIR(found.st_mode):
        raise Unlaunchable(f"command {command} is a directory")
    raise Unlaunchable(f"command {command} is not executable")


def _recorded_elsewhere(template: Template, environ: Mapping[str, str]) -> dict[str, str]:
    """What `env_file` and `env_from` give, read now and kept nowhere."""
    runtime = template.runtime
    try:
        variables = env_file.read(runtime.env_file) if runtime.env_file else {}
    except ValueError as error:
        raise Unlaunchable(f"env_file {runtime.env_file}: {error}") from error
    for name in runtime.env_from:
        if name not in environ:
            raise Unlaunchable(f"env_from: {name} is not in the daemon's environment")
        variables[name] = environ[name]
    return variables
