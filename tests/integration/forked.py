"""Commands of marvel as forks of a process that has imported it already.

What runs is the whole command in a process of its own, with its own environment, directory and files; only
the imports, two thirds of what a command costs, are done once. That a start imports little, and how it ends,
is tested on real starts (tests/cli/test_start_up.py), as are the pages of the documentation.

Run as a program this is the process that forks: it listens at the path in argv until its input ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_REQUEST_BYTES = 1 << 20


class Forked:
    """A running command, to be used as a subprocess.Popen."""

    def __init__(self, argv: Sequence[str], peer: socket.socket, pid: int) -> None:
        self.args = argv
        self.pid = pid
        self.returncode: int | None = None
        self._peer = peer  # of the one who waits for it

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._peer.settimeout(timeout)
            try:
                self.returncode = int(self._peer.recv(100))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None
            self.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired, BlockingIOError):
            self.wait(0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Forget it."""
        self._peer.close()

    __del__ = close


class Forker:
    """The process that forks, for one process of tests."""

    def __init__(self) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="mv")
        self._path = str(Path(self._room.name) / "socket")
        # It ends with us: nobody else has the other end of its input.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def run(
        self, argv: Sequence[str], *, environ: Mapping[str, str], cwd: Path, stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run. Its files are files: what a command leaves running does not keep them open."""
        files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        try:
            os.pwrite(files[0], stdin.encode(errors="surrogateescape"), 0)
            command = self._fork(argv, environ, cwd, files)
            try:
                status = command.wait(timeout)
            except subprocess.TimeoutExpired:
                command.kill()
                raise
            finally:
                command.close()
            out, err = (_text(file) for file in files[1:])
        finally:
            for file in files:
                os.close(file)
        return subprocess.CompletedProcess(argv, status, out, err)

    def start(self, argv: Sequence[str], *, environ: Mapping[str, str], cwd: Path) -> Forked:
        """As subprocess.Popen, without input and output."""
        with open(os.devnull, "r+b") as nothing:
            return self._fork(argv, environ, cwd, [nothing.fileno()] * 3)

    def _fork(self, argv: Sequence[str], environ: Mapping[str, str], cwd: Path, files: list[int]) -> Forked:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.connect(self._path)
        request = json.dumps({"argv": argv, "environ": dict(environ), "cwd": str(cwd)})
        socket.send_fds(peer, [request.encode()], files)
        return Forked(argv, peer, int(peer.recv(100)))

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._room.cleanup()


@functools.cache
def forker() -> Forker:
    """That of this process; it ends when this process does."""
    made = Forker()
    atexit.register(made.close)
    return made


def _text(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode()


def _serve(path: str) -> None:
    for module in pkgutil.iter_modules(importlib.import_module("marvel.cli").__path__, "marvel.cli."):
        importlib.import_module(module.name)
    importlib.import_module("marvel.daemon.main")
    gc.collect()
    gc.freeze()  # pages that are shared stay so
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([0, listening], [], [])
            if 0 in ready:
                return
            peer, _ = listening.accept()
            with peer:
                text, files, _, _ = socket.recv_fds(peer, MAX_REQUEST_BYTES, 3)
                if os.fork() == 0:
                    listening.close()
                    _wait(peer, json.loads(text), files)
                for file in files:
                    os.close(file)


def _wait(peer: socket.socket, request: dict[str, Any], files: list[int]) -> None:
    """Start a command, tell its pid and its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        peer.close()
        _be(request, files)
    with contextlib.suppress(OSError):
        peer.send(str(pid).encode())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        peer.send(str(status).encode())
    os._exit(0)


def _be(request: dict[str, Any], files: list[int]) -> None:
    """Be a command of marvel, as after `python -P -m marvel`."""
    status = 70
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.lseek(number, 0, os.SEEK_SET)
        os.closerange(3, 64)
        os.environ.clear()
        os.environ.update(request["environ"])
        time.tzset()
        os.chdir(request["cwd"])
        sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")
        main = importlib.import_module("marvel.__main__")
        sys.argv = [str(main.__file__), *request["argv"]]
        status = main.main()
        sys.stdout.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
