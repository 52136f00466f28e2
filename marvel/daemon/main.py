"""Starts a daemon, here or detached.

Detached, the starter waits on a pipe until the new process says `ready`, or why it is not; so a command
that returns 0 has left a daemon that answers.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from marvel import config, logs
from marvel.daemon import head as heads
from marvel.daemon import observations
from marvel.daemon.lock import Lock
from marvel.daemon.loop import Loop
from marvel.daemon.machine import Machine
from marvel.daemon.reconciler import CONTROLLERS
from marvel.errors import DaemonUnavailable, MarvelError, UsageError
from marvel.settings import Paths, make_private, secure_contents
from marvel.store.log import Store
from marvel.tmux import check_socket_path, check_version
from marvel.tmux.processes import raise_file_limit

READY_SECONDS = 30.0  # for a detached daemon to become ready (a long log may have to be rebuilt)
READY_VARIABLE = "MARVEL_READY_FD"  # names the pipe to a detached daemon's starter
READY = "ready"


def run(paths: Paths, *, controllers: Sequence[str] = (), console: bool = True) -> str:
    """Be the daemon until it ends; returns why it ended. Raises MarvelError when it can't start."""
    try:
        with _explained(paths):
            loop, lock = _prepare(paths, controllers, console)
    except MarvelError as error:
        _tell_starter(json.dumps({"message": error.message, "hint": error.hint}))
        raise
    _tell_starter(READY)
    try:
        return loop.run()
    finally:
        lock.release()


def drain(paths: Paths) -> None:
    """Be a daemon for as long as it takes to end all sessions. Raises MarvelError when it can't."""
    with _explained(paths):
        loop, lock = _prepare(paths, (), console=False)
    try:
        loop.run(drain=True)
    finally:
        lock.release()


def detach(paths: Paths, *, controllers: Sequence[str] = ()) -> int:
    """Start a daemon in the background; returns its pid once it is ready. Raises DaemonUnavailable."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-P", "-m", "marvel", "daemon"]
    if controllers:
        argv += ["--controllers", ",".join(controllers)]
    environ = {**os.environ, READY_VARIABLE: str(writer), "MARVEL_HOME": paths.home}
    process = subprocess.Popen(
        argv,
        cwd="/",
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(writer,),
    )
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        answer = _wait_for_line(file.fileno())
    if answer == READY:
        process.returncode = 0  # it is not ours to wait for any more
        return process.pid
    problem = {"message": "the daemon did not start", "hint": f"see {paths.log}"}
    with contextlib.suppress(ValueError):
        problem = json.loads(answer)
    raise DaemonUnavailable(problem["message"], hint=problem["hint"])


def _prepare(paths: Paths, controllers: Sequence[str], console: bool) -> tuple[Loop, Lock]:
    unknown = sorted(set(controllers) - set(CONTROLLERS))
    if unknown:
        raise UsageError(f"no such controller: {unknown[0]}", hint=f"there are {', '.join(CONTROLLERS)}")
    make_private(paths.home)
    secure_contents(paths)
    preferences = config.load()
    check_version()
    raise_file_limit(os.getpid())  # a pidfd for each agent, and whoever beats
    _check_socket_path(paths)
    run_id = uuid4().hex[:12]
    lock = Lock(paths, run_id)
    try:
        log = logs.set_up(paths.log, console=console)
        store = Store(paths, keep_world=True)
        lost_after = heads.lost_after(paths.head, store.head())
        loop = Loop(
            paths,
            store,
            Machine(),
            run_id=run_id,
            controllers={n: c for n, c in CONTROLLERS.items() if not controllers or n in controllers},
            environ={name: value for name, value in os.environ.items() if name != READY_VARIABLE},
            config=preferences,
            log=log,
        )
        if lost_after is not None:
            loop.observe(observations.log_truncated(lost_after))
    except BaseException:
        lock.release()
        raise
    return loop, lock


@contextlib.contextmanager
def _explained(paths: Paths) -> Iterator[None]:
    """A file of ours that can't be made or opened is no bug: name it."""
    try:
        yield
    except OSError as error:
        where = error.filename or paths.home
        raise DaemonUnavailable(
            f"{where}: {error.strerror or error}", hint="marvel doctor looks for the cause"
        ) from error


def _check_socket_path(paths: Paths) -> None:
    """Refuse a state directory whose socket names are too long, before anything is made in it."""
    check_socket_path(Path(f"{paths.socket}.new"))


def _tell_starter(line: str) -> None:
    """Say one line to the process that detached us, if one did."""
    fd = os.environ.pop(READY_VARIABLE, None)
    if fd is not None:
        with contextlib.suppress(OSError, ValueError), open(int(fd), "w", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _wait_for_line(fd: int) -> str:
    """What a detached daemon says first; empty when it died or says nothing."""
    deadline = time.monotonic() + READY_SECONDS
    said = b""
    while b"\n" not in said:
        ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(fd, 4096) if ready else b""
        if not chunk:
            break
        said += chunk
    return said.decode(errors="replace").partition("\n")[0]
