"""Starts a daemon in the background, from a process that need not know what a daemon is made of.

The starter waits on a pipe until the new process says `ready`, or why it is not; so a command that returns 0
has left a daemon that answers.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence

from marvel.errors import DaemonUnavailable, MarvelError
from marvel.settings import Paths, make_private, own_file

READY_SECONDS = 30.0  # for a detached daemon to become ready (a long log may have to be rebuilt)
READY_VARIABLE = "MARVEL_READY_FD"  # names the pipe to a detached daemon's starter
READY = "ready"


def detach(paths: Paths, *, controllers: Sequence[str] = ()) -> int:
    """Start a daemon; returns its pid once it is ready. Raises DaemonUnavailable."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-P", "-m", "marvel", "daemon"]
    if controllers:
        argv += ["--controllers", ",".join(controllers)]
    environ = {**os.environ, READY_VARIABLE: str(writer), "MARVEL_HOME": paths.home}
    errors = _log(paths)
    try:
        process = subprocess.Popen(
            argv,
            cwd="/",
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            pass_fds=(writer,),
        )
    finally:
        os.close(errors)
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


def _log(paths: Paths) -> int:
    """Where a daemon's own errors go before it has a log, and when Python itself ends it: into its log."""
    try:
        make_private(paths.home)
        return own_file(paths.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except (MarvelError, OSError):  # the daemon says what is wrong there
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def is_detached() -> bool:
    """Whether this process was started in the background, and its starter still waits."""
    return READY_VARIABLE in os.environ


def tell_starter(line: str) -> None:
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
