"""`marvel doctor`: looks at this machine, the state directory and the declared teams, and says what to do.

Each check is a function that yields findings; with `--fix` a finding's own mend is run, which is only ever
something that loses nothing: modes of our files, leftovers of processes that are gone.
"""

import contextlib
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from marvel import __version__, config, manifest
from marvel.cli import archived, objects, others, runtimes
from marvel.cli.dialogs import described, dialog_of, is_unproven
from marvel.cli.door import check_person
from marvel.cli.get import show
from marvel.cli.manifests import declared
from marvel.errors import MarvelError, Rejected
from marvel.limits import nearly_used_up
from marvel.runtimes.launch import is_too_old
from marvel.settings import Paths, check_private, paths
from marvel.store import triggers
from marvel.store.condition import troubles
from marvel.store.query import Reader, daemon_note, head_of_file
from marvel.store.rows import load_world
from marvel.text import printable
from marvel.tmux import conf_problem, server_environment
from marvel.tmux.processes import listener
from marvel.tmux.version import ask_libtmux, check_socket_path, check_version
from marvel.world import World

MIN_KERNEL = (5, 3)  # pidfd_open
CONNECT_SECONDS = 1.0
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")

Level = Literal["ok", "warning", "failed"]


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: Level
    text: str
    hint: str = ""
    mend: Callable[[], None] | None = None


def doctor(*, fix: bool) -> int:
    """Print all findings, mend what can be with `fix`; 1 when something is failed."""
    where = paths()
    failed = 0
    if fix:
        check_person("doctor --fix")
    for check in CHECKS:
        try:
            findings = list(check(where))
        except MarvelError as error:
            findings = [Finding("failed", error.message, error.hint)]
        failed_here = sum(_told(finding, fix=fix) for finding in findings)
        failed += failed_here
        if failed_here and check is _state:
            break  # all others look into it
    return 1 if failed else 0


def _told(finding: Finding, *, fix: bool) -> bool:
    """Print one finding; whether it is (still) failed."""
    level, mended = finding.level, False
    if fix and finding.mend is not None and level != "ok":
        with contextlib.suppress(OSError):
            finding.mend()
            mended = True
    show(f"{'fixed' if mended else level:8} {printable(finding.text)}\n")
    if finding.hint and not mended and level != "ok":
        hint = finding.hint + ("; marvel doctor --fix does it" if finding.mend else "")
        show(f"{'':8} {printable(hint)}\n")
    return level == "failed" and not mended


def _system(_where: Paths) -> Iterator[Finding]:
    yield Finding("ok", f"marvel {__version__}, Python {platform.python_version()}")
    if sys.platform != "linux":
        yield Finding("failed", f"this is {sys.platform}", "marvel runs on Linux (WSL2 too)")
        return
    release = platform.release()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < MIN_KERNEL:
        yield Finding("failed", f"kernel {release} is too old", "5.3 or newer is needed")
    else:
        yield Finding("ok", f"Linux {release}")


def _preferences(_where: Paths) -> Iterator[Finding]:
    if disobeyed := config.load().disobeyed:
        yield Finding("warning", disobeyed)


def _tmux(_where: Paths) -> Iterator[Finding]:
    yield Finding("ok", f"tmux {check_version(ask_libtmux)} at {shutil.which('tmux')}")
    conf = config.load().tmux_conf
    if conf and (why := conf_problem(Path(conf))):
        yield Finding("failed", f"tmux_conf: {why}", "tmux would drop the whole file: correct this line")
    elif conf:
        yield Finding("ok", f"tmux_conf {conf}")


def _servers(where: Paths) -> Iterator[Finding]:
    """tmux servers that run, and whether they answer."""
    for line in others.unanswered(where):
        hint = "its agents run on, unwatched; end them and the server, or install its version of tmux"
        yield Finding("failed", line, hint)


def _state(where: Paths) -> Iterator[Finding]:
    home = where.home
    if os.path.isdir(home) and os.stat(home).st_uid == os.geteuid():
        mode = stat.S_IMODE(os.stat(home).st_mode)
        if mode & 0o077:
            yield Finding(
                "failed",
                f"state directory {home} is open to others (mode {mode:04o})",
                f"chmod 700 {home}",
                lambda: os.chmod(home, 0o700),
            )
            return
    if not check_private(home):
        yield Finding("ok", f"state directory {home} does not exist yet")
        return
    yield Finding("ok", f"state directory {home}")
    yield from _file_system(home)
    for name in ("marvel.db", "marvel.db-wal", "marvel.db-shm", "daemon.log", "token.key", "head"):
        file = os.path.join(home, name)
        if os.path.exists(file) and stat.S_IMODE(os.stat(file).st_mode) & 0o077:
            yield Finding(
                "warning",
                f"{file} is open to others",
                f"chmod 600 {file}",
                lambda file=file: os.chmod(file, 0o600),  # type: ignore[misc]
            )


def _file_system(home: str) -> Iterator[Finding]:
    """The log needs one host: its shared memory does not work over a network."""
    best, kind = "", ""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        for line in file:
            _, point, found, *_ = line.split()
            if (f"{home}/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
                best, kind = point, found
    if kind in NETWORK_FILE_SYSTEMS:
        yield Finding(
            "failed", f"{home} is on a network file system ({kind})", "set MARVEL_HOME to a local disk"
        )


def _daemon(where: Paths) -> Iterator[Finding]:
    note = daemon_note(where)
    if note is None:
        yield Finding("warning", "no daemon is running", "marvel daemon -d")
        return
    yield Finding("ok", f"daemon runs, pid {note.get('pid')}")
    for trouble in troubles(note):
        yield Finding("failed", trouble, "it tries again by itself; marvel daemon logs")
    seen = _path_of(note.get("pid"))
    if seen is not None and seen != os.environ.get("PATH"):
        yield Finding("warning", f"the daemon's PATH is not this shell's: {seen}", "restart it from here")


def _limits(where: Paths) -> Iterator[Finding]:
    """Limits of this machine, the daemon and its tmux servers that are nearly used up."""
    pids: dict[str, int] = {}
    note = daemon_note(where)
    if note is not None and isinstance(note.get("pid"), int):
        pids["the daemon"] = note["pid"]
    for name in sorted(os.listdir(where.tmux)) if os.path.isdir(where.tmux) else []:
        if name.endswith(".sock") and (pid := listener(Path(where.tmux, name))):
            pids[f"the tmux server of {name.removesuffix('.sock')}"] = pid
    found = nearly_used_up(pids, where.home) if os.path.isdir(where.home) else []
    for words in found:
        yield Finding("warning", f"nearly used up: {words}", "starts may fail, and wait, until there is more")
    if not found:
        yield Finding("ok", "no limit is nearly used up")


def _path_of(pid: object) -> str | None:
    """PATH as a process has it."""
    return _environ_of(pid).get("PATH")


def _environ_of(pid: object) -> dict[str, str]:
    """A process's environment; empty when it can't be read."""
    with contextlib.suppress(OSError):
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)
    return {}


def _log(where: Paths) -> Iterator[Finding]:
    if not os.path.exists(where.database):
        yield Finding("ok", "no event log yet")
        return
    from marvel.daemon.head import noted_position

    noted = noted_position(where.head)  # before the log, which may grow meanwhile
    with Reader(where) as reader:
        newest = next(iter(reader.events()), None)
        problem = reader.trigger_problem()
    position = newest["position"] if newest else 0
    yield Finding("ok", f"event log ends at position {position} (marvel verify checks all of it)")
    if problem:
        yield Finding("failed", f"event log: {problem}", triggers.HINT)
    if noted is not None and noted > position:
        yield Finding(
            "failed",
            f"a daemon noted position {noted}: this log is an older copy",
            "put the right log back, or accept this one: agents it does not know are stopped",
            lambda: os.unlink(where.head),
        )


def _archives(where: Paths) -> Iterator[Finding]:
    """Archives that the log refers to, and what an interrupted archive or restore left."""
    from marvel.store.archive import exclusively, unfinished

    with Reader(where) as reader:
        for fault in archived.faults(reader, where.home):
            level: Level = "warning" if fault.missing else "failed"
            yield Finding(level, fault.text, "put the file back: what it has is in no other place")
        known = {name for _, _, name in reader.archives()}
        for name in sorted(_named(where.home, "archive-*.db") - known):
            yield _unrecorded(reader, os.path.join(where.home, name))
    if not os.path.isdir(where.home):
        return
    try:
        with exclusively(where):
            left = unfinished(where)
    except Rejected:
        return  # they are being written
    for file in left:
        hint = "an archive or restore was interrupted; remove it"
        yield Finding("warning", f"{file} is left over", hint, lambda file=file: os.unlink(file))  # type: ignore[misc]


def _unrecorded(reader: Reader, path: str) -> Finding:
    """Report an archive that the log does not refer to: left behind, or of a history before a restore."""
    head = head_of_file(path)
    if head is not None and reader.first() <= head[0] and reader.hash_at(head[0]) == head[1]:
        hint = "its events are still in the log; remove it"
        return Finding("warning", f"{path} is left over", hint, lambda: os.unlink(path))
    hint = "keep it if it belongs to a log that was replaced by a restore"
    return Finding("warning", f"{path} is not an archive of this log", hint)


def _named(directory: str, pattern: str) -> set[str]:
    return {path.name for path in Path(directory).glob(pattern)}


def _stale(where: Paths) -> Iterator[Finding]:
    """Files that a process left which is gone."""
    if daemon_note(where) is None and os.path.exists(where.socket):
        yield Finding("warning", f"{where.socket} is left over", "remove it", lambda: os.unlink(where.socket))
    for name in sorted(os.listdir(where.tmux)) if os.path.isdir(where.tmux) else []:
        file = os.path.join(where.tmux, name)
        if name.endswith(".sock") and not _answers(file):
            hint = "no tmux server is behind it; remove it"
            yield Finding("warning", f"{file} is left over", hint, lambda file=file: os.unlink(file))  # type: ignore[misc]
    known = {row["uid"] for row in _rows(where)}
    directories = os.listdir(where.sessions) if os.path.isdir(where.sessions) else []
    stale = [name for name in directories if name not in known]
    if stale:
        yield Finding(
            "warning",
            f"{len(stale)} directories of forgotten sessions in {where.sessions}",
            "remove them",
            lambda: _remove(where, stale),
        )


def _answers(file: str) -> bool:
    """Whether anybody listens on a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_SECONDS)
        try:
            client.connect(file)
        except OSError as error:
            return not isinstance(error, ConnectionRefusedError)
    return True


def _remove(where: Paths, names: list[str]) -> None:
    for name in names:
        shutil.rmtree(where.session(name), ignore_errors=True)


def _rows(where: Paths) -> list[dict[str, str]]:
    with Reader(where) as reader:
        return reader.rows("sessions")


def _agents(where: Paths) -> Iterator[Finding]:
    """The agent CLIs in use, with the environment that the daemon gives them."""
    note = daemon_note(where)
    environ = server_environment((_environ_of(note.get("pid")) if note else {}) or os.environ)
    with Reader(where) as reader:
        world: World = load_world(reader)
        rows = [row for row in reader.sessions() if objects.is_listed(row)]
    for found in runtimes.used((role.template for role in world.roles.values()), environ):
        name = f"{found.command} {runtimes.words(found.version)} at {found.path}"
        if is_too_old(found.adapter, found.version):
            needed = runtimes.words(found.adapter.minimum)
            yield Finding("warning", f"{name} is too old: it runs, and tells nothing", f"{needed} or newer")
        else:
            yield Finding("ok", f"{name} tells {found.adapter.signals}")
        if found.login:
            yield Finding("ok", f"{found.command}: a login is likely ({found.login})")
        elif found.adapter.login is not None:
            hint = "attach to a session of it and log in, or give it a key with env_from"
            yield Finding("warning", f"{found.command}: no login was found", hint)
    for row in rows:
        if is_unproven(row) and (dialog := dialog_of(row)):
            key = f"{row['workspace']}/{row['name']}"
            yield Finding("warning", f"{key} shows {described(dialog)}", f"marvel attach {key}")


def _teams(where: Paths) -> Iterator[Finding]:
    """Commands as the daemon would look for them, and socket paths."""
    note = daemon_note(where)
    path = (_path_of(note.get("pid")) if note else None) or os.environ.get("PATH", os.defpath)
    with Reader(where) as reader:
        world: World = load_world(reader)
    for workspace in world.workspaces:
        try:
            check_socket_path(Path(where.tmux_socket(workspace)))
        except MarvelError as error:
            yield Finding("failed", f"workspace {workspace}: {error.message}", error.hint)
        for line in manifest.missing_commands(declared(world, workspace), path):
            yield Finding("failed", f"workspace {workspace}, {line}", "install it, or correct the manifest")


def _others(where: Paths) -> Iterator[Finding]:
    """Panes on our servers that marvel leaves alone."""
    for line in others.named(where):
        yield Finding("ok", line)


CHECKS = (
    *(_system, _preferences, _tmux, _state, _daemon, _limits),
    *(_log, _archives, _stale, _servers, _teams, _agents, _others),
)
