"""Starts an agent inside a sandbox of bubblewrap, for roles with `contain = "bubblewrap"`.

Inside, the system is there read-only; HOME, /tmp and /run are empty but for what the profile names; of marvel
there are the session's own directory, its beat file, the reporter, and a socket by which only this session
speaks. The agent can write to its cwd, its session directory and what the profile lets it write.

The pane's process is bwrap. It and the sandbox's first process ignore the signals by which a session is
stopped, and the agent gets them with their default action: so a stop reaches the agent with its grace, Ctrl-C
does not end the sandbox around it, and the agent's end is the end of all that is in there.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping

import msgspec

import marvel
from marvel.config import config_path
from marvel.runtimes import LaunchPlan, Place, Unlaunchable, Wish, adapter_of
from marvel.tmux.version import MAX_SOCKET_PATH

BUBBLEWRAP = "bubblewrap"
STOPPING = "INT,QUIT,TERM,HUP"  # ignored by bwrap, default for the agent
PREFLIGHT_SECONDS = 3.0
# Sockets of the person's own session, which are not there inside.
UNSET = ("TMUX", "TMUX_PANE", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
LOADER = ("LD_", "GLIBC_TUNABLES", "GCONV_PATH", "MALLOC_")  # variables that would act on bwrap itself
EMPTIED = ("/tmp", "/var/tmp", "/run")  # noqa: S108
NAMES = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf")  # for /etc/resolv.conf
ISOLATED = ("--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL")
SYSTEM = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


class Profile(msgspec.Struct, frozen=True):
    """What a contained agent has besides its own, as config.toml says."""

    read: tuple[str, ...] = ()  # absolute, or begin with ~/
    write: tuple[str, ...] = ()
    network: bool = True


class Tools(msgspec.Struct, frozen=True):
    """The programs that make a sandbox, by absolute path."""

    bwrap: str
    env: str

    def argv(self, options: tuple[str, ...], argv: tuple[str, ...]) -> tuple[str, ...]:
        """An argv inside a sandbox."""
        outer = (self.env, f"--ignore-signal={STOPPING}", self.bwrap, *ISOLATED, *options)
        return (*outer, "--", self.env, f"--default-signal={STOPPING}", *argv)


class Mounts:
    """What is brought back into directories that are empty in a sandbox."""

    def __init__(self, emptied: list[str]) -> None:
        self._emptied = emptied
        self._there: set[str] = set()  # what was bound or linked
        self.options: list[str] = []

    def bind(self, option: str, path: str) -> None:
        """Bring in a path, and the link that it is; nothing for one that is there anyway, or nowhere."""
        real = os.path.realpath(path)
        if not os.path.exists(real) or real == "/":
            return
        if option == "--bind" or self._is_missing(real):
            self.options += [option, real, real]
            self._there.add(real)
        link = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if link != real and self._is_missing(link):
            self.options += ["--symlink", real, link]
            self._there.add(link)

    def _is_missing(self, path: str) -> bool:
        if any(_holds(bound, path) for bound in self._there):
            return False
        return any(_holds(directory, path) for directory in self._emptied)


def contain(wish: Wish, plan: LaunchPlan, environ: Mapping[str, str], profile: Profile) -> LaunchPlan:
    """The same start inside a sandbox. Raises Unlaunchable where there can be none."""
    command, *args = plan.argv
    argv = sandboxed(wish, plan, (_found(command, plan, environ), *args), environ, profile)
    # What would act on bwrap itself goes to the agent only.
    env = {name: value for name, value in plan.env.items() if not name.startswith(LOADER)}
    return msgspec.structs.replace(plan, argv=argv, env=env)


def sandboxed(
    wish: Wish, plan: LaunchPlan, argv: tuple[str, ...], environ: Mapping[str, str], profile: Profile
) -> tuple[str, ...]:
    """An argv in the sandbox of a session, its probes too. Raises Unlaunchable where there can be none."""
    tools = usable(environ.get("PATH", os.defpath), network=profile.network)
    env = {**environ, **plan.env}
    cwd, home = os.path.realpath(plan.cwd), os.path.realpath(env.get("HOME") or os.path.expanduser("~"))
    _check_places(wish, cwd, home)
    emptied = sorted({path for path in (*EMPTIED, home) if path != "/" and os.path.isdir(path)}, key=len)
    options = [*SYSTEM]
    for path in emptied:
        options += ["--perms", "0700" if path == home else "1777", "--tmpfs", path]
    mounts = Mounts(emptied)
    for path in (*_needed(argv[0], wish, (*emptied, home)), *NAMES, *_expanded(profile.read, env)):
        mounts.bind("--ro-bind", path)
    for path in (*_expanded(adapter_of(wish.template).keeps, env), *_expanded(profile.write, env)):
        mounts.bind("--bind", path)
    options += [*mounts.options, "--bind", cwd, cwd]
    preferences = os.path.realpath(os.path.dirname(config_path(environ)))
    if os.path.isdir(preferences):  # the daemon obeys them
        options += ["--perms", "0700", "--tmpfs", preferences]
    options += _own(wish.place)
    for name, value in plan.env.items():
        if name.startswith(LOADER):
            options += ["--setenv", name, value]
    for name in UNSET:
        options += ["--unsetenv", name]
    return tools.argv((*options, "--chdir", cwd, *_network(profile.network)), argv)


def usable(path: str, *, network: bool = True) -> Tools:
    """The programs that a sandbox needs, after they have made one. Raises Unlaunchable."""
    bwrap, env = shutil.which("bwrap", path=path), shutil.which("env", path=path)
    if bwrap is None or env is None:
        missing = "env" if bwrap else "bwrap"
        raise Unlaunchable(f"contain: {missing} was not found in the daemon's PATH: install bubblewrap")
    tools = Tools(bwrap, env)
    if (tools, network) in _tried:
        return tools
    argv = tools.argv((*SYSTEM, "--perms", "0700", "--tmpfs", "/run", *_network(network)), ("true",))
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            timeout=PREFLIGHT_SECONDS,
            stdin=subprocess.DEVNULL,
            env={"PATH": path},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unlaunchable(f"contain: bwrap can't be run: {error}") from error
    if done.returncode != 0:
        words = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise Unlaunchable(
            f"contain: bubblewrap can't make a sandbox here: {words}; where user namespaces are not allowed "
            "(a sysctl, a container, AppArmor), contain can't be used"
        )
    _tried.add((tools, network))
    return tools


_tried: set[tuple[Tools, bool]] = set()  # those that worked; what did not is tried again


def make_ready(place: Place) -> None:
    """Make what is bound into the sandbox. A beat file that was never touched is of 1970. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.close(os.open(place.beat, flags, 0o600))
    except FileExistsError:
        return
    os.utime(place.beat, (0, 0))


def _own(place: Place) -> list[str]:
    """What of marvel is there: the rest of the state directory is not."""
    directory, beat, reporter = place.directory, place.beat, f"{place.home}/report.py"
    return [
        *("--perms", "0700", "--tmpfs", place.home),
        *("--bind", directory, directory, "--bind", beat, beat, "--ro-bind", reporter, reporter),
        # A daemon makes its socket anew, so that it can't be bound itself.
        *("--symlink", os.path.join(directory, "marvel.sock"), os.path.join(place.home, "marvel.sock")),
    ]


def _found(command: str, plan: LaunchPlan, environ: Mapping[str, str]) -> str:
    """The file that a command is, as the agent's own PATH has it."""
    name = os.path.join(plan.cwd, command) if "/" in command else command
    found = shutil.which(name, path=plan.env.get("PATH", environ.get("PATH", os.defpath)))
    if found is None or "=" in found:  # which `env` would take for a variable
        raise Unlaunchable(f"contain: command {command} can't be run in a sandbox")
    return found


def _check_places(wish: Wish, cwd: str, home: str) -> None:
    state, env_file = os.path.realpath(wish.place.home), wish.template.runtime.env_file
    if _holds(cwd, home):
        raise Unlaunchable(f"contain: cwd {cwd} holds your home directory: use a directory of its own")
    if _holds(state, cwd):
        raise Unlaunchable(f"contain: cwd {cwd} is in marvel's state directory")
    if env_file and _holds(cwd, os.path.abspath(env_file)) and not _holds(cwd, os.path.realpath(env_file)):
        raise Unlaunchable(
            f"contain: env_file {env_file} is a link that leads out of cwd, where the agent writes"
        )
    if len(os.fsencode(wish.place.socket)) > MAX_SOCKET_PATH:
        raise Unlaunchable(
            f"contain: the path of its own socket is longer than {MAX_SOCKET_PATH} bytes: "
            f"{wish.place.socket}: use a shorter state directory"
        )


def _holds(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _needed(command: str, wish: Wish, emptied: tuple[str, ...]) -> Iterator[str]:
    """What the command is installed in, and the Python of the reporter and of `marvel`."""
    for file in (command, os.path.realpath(command), wish.place.python, os.path.realpath(wish.place.python)):
        directory = os.path.dirname(file)
        packages, found, _ = file.partition("/node_modules/")
        if found:  # a package uses those beside it
            yield packages + found
        elif os.path.basename(directory) == "bin":
            prefix = os.path.dirname(directory)
            yield from (f"{prefix}/{name}" for name in ("bin", "lib", "lib64", "libexec", "pyvenv.cfg"))
        else:
            yield file if any(_holds(directory, path) for path in emptied) else directory
    if wish.template.runtime.script:
        yield wish.template.runtime.script
    yield os.path.dirname(marvel.__file__)


def _expanded(paths: tuple[str, ...], env: Mapping[str, str]) -> Iterator[str]:
    """Paths with `$NAME` and `~` as the agent would read them; those of unset names are left out."""
    for path in paths:
        name, slash, rest = path.partition("/")
        if name == "~":
            name = "$HOME"
        if name.startswith("$"):
            value = env.get(name[1:], "")
            if not os.path.isabs(value):
                continue
            name = value.rstrip("/")
        yield f"{name}{slash}{rest}"


def _network(network: bool) -> tuple[str, ...]:
    return () if network else ("--unshare-net",)
