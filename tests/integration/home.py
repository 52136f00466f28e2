"""A state directory of a test's own with a real daemon, real tmux and real agents; ends them all."""

import contextlib
import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marvel.client import Marvel, request
from marvel.settings import Paths
from marvel.store.log import Store
from tests.integration.forked import Forked, forker

WAIT_SECONDS = 45.0  # for anything, on a loaded machine
COMMAND_SECONDS = 60.0
MARVEL = (sys.executable, "-P", "-m", "marvel")


class Home:
    """One fresh state directory. Short, for a socket's name has a limit.

    Commands and daemons are forks (forked.py); with `real_starts` they are started as a person starts them.
    """

    def __init__(
        self, parent: str = "/tmp", *, real_starts: bool = False, prefix: tuple[str, ...] = ()
    ) -> None:
        self.real_starts = real_starts or bool(prefix)
        self.prefix = prefix  # of each command: what starts it as another user
        self.path = Path(tempfile.mkdtemp(prefix="mv", dir=parent))
        self.environ = {
            **{n: v for n, v in os.environ.items() if not n.startswith(("MARVEL_", "TMUX"))},
            "MARVEL_HOME": str(self.path),
            "XDG_CONFIG_HOME": str(self.path / "config"),
        }
        self.daemon: subprocess.Popen[bytes] | Forked | None = None

    def marvel(
        self, *argv: str, ok: bool = True, stdin: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run one command of the CLI to its end."""
        if self._needs_a_start():
            done = start_marvel(argv, self.environ, self.path, stdin or "", self.prefix)
        else:
            done = fork_marvel(argv, self.environ, self.path, stdin or "")
        if ok:
            assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self) -> None:
        """A daemon that answers, on a new log unless there is one."""
        if not (self.path / "marvel.db").exists():
            put_new_log(self.path)
        if self._needs_a_start():
            self.start_really()
        else:
            self.daemon = forker().start(("daemon",), environ=self.environ, cwd=self.path)
        until(self._answers, "the daemon answers")

    def start_really(self) -> None:
        """A daemon from its very start, at which nobody waits for it."""
        self.daemon = subprocess.Popen(
            [*self.prefix, *MARVEL, "daemon"],
            env=self.environ,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _needs_a_start(self) -> bool:
        return self.real_starts or "PYTHONPATH" in self.environ  # another marvel than that of these tests

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(request(Paths(str(self.path)).socket, "status", {})["ready"])
        return False

    def kill_daemon(self, number: int = signal.SIGKILL) -> None:
        """End the daemon by a signal, and wait for it."""
        assert self.daemon is not None
        self.daemon.send_signal(number)
        self.daemon.wait(timeout=30)
        self.daemon = None

    def write(self, text: str, name: str = "m.toml") -> str:
        """A manifest file; its path."""
        file = self.path / name
        file.write_text(text, encoding="utf-8")
        return str(file)

    def sessions(self, *options: str) -> list[dict[str, Any]]:
        """`get sessions -o json`."""
        found: list[dict[str, Any]] = json.loads(
            self.marvel("get", "sessions", "-o", "json", *options).stdout
        )
        return found

    def states(self) -> dict[str, str]:
        """State by name, of the plain listing."""
        return {row["name"]: row["state"] for row in self.sessions()}

    def running(self, count: int) -> list[dict[str, Any]]:
        """The listing, once exactly `count` sessions are listed and all are running."""

        marvel = Marvel(str(self.path))  # to look often without starting a process each time

        def all_run() -> bool:
            found = marvel.sessions()
            return len(found) == count and all(session.state == "running" for session in found)

        until(all_run, f"{count} sessions run", self.describe)
        return self.sessions()

    def events(self, kind: str = "%") -> list[dict[str, Any]]:
        """Events of a kind (an SQL pattern), oldest first."""
        with contextlib.closing(sqlite3.connect(f"file:{self.path}/marvel.db?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM events WHERE kind LIKE ? ORDER BY position", (kind,))
            return [{**dict(row), "payload": json.loads(row["payload"])} for row in rows]

    def head(self) -> int:
        """The newest position."""
        return max((event["position"] for event in self.events()), default=0)

    def processes(self, uid: str | None = None) -> list[int]:
        """Pids of agents' processes of this home (of one session), zombies left out."""
        marks = {f"MARVEL_HOME={self.path}".encode()}
        marks |= {f"MARVEL_SESSION_UID={uid}".encode()} if uid else set()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environ = (entry / "environ").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            is_agent = any(line.startswith(b"MARVEL_SESSION_UID=") for line in environ)
            if marks <= set(environ) and is_agent and state not in "ZX":
                found.append(int(entry.name))
        return found

    def tmux(self, workspace: str, *argv: str) -> str:
        """A tmux command to a workspace's server."""
        socket = self.path / "tmux" / f"{workspace}.sock"
        done = subprocess.run(
            ["tmux", "-S", str(socket), *argv], capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout.strip()

    def tmux_pid(self, workspace: str) -> int | None:
        """Pid of a workspace's tmux server."""
        text = self.tmux(workspace, "display-message", "-p", "#{pid}")
        return int(text) if text.isdigit() else None

    def describe(self) -> str:
        """What there is, for a failed test."""
        return "\n".join(
            f"{e['position']} {e['kind']} {e['session']} {e['payload']}" for e in self.events()[-60:]
        )

    def whole(self) -> None:
        """Assert that log and projections are whole, as `verify` and `rebuild --check` do."""
        store = Store(Paths(str(self.path)))
        try:
            assert store.verify()[1] is None
            assert store.check() == []
        finally:
            store.close()

    def _tmux_processes(self) -> list[int]:
        """Pids of this home's tmux servers and their clients, by their arguments: a server that was told to
        end waits for its clients, without a socket, and for ever for one whose daemon was killed.
        """
        mark = f"{self.path}/tmux/".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End everything that this home started, by pid."""
        pids = [self.daemon.pid] if self.daemon else []
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait(timeout=30)
        with contextlib.suppress(OSError, ValueError, KeyError):
            pids.append(json.loads((self.path / "daemon.lock").read_text())["pid"])
        for pid in [*pids, *self._tmux_processes(), *self.processes()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not (self._tmux_processes() or self.processes()), "all is gone", fatal=False)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.path, ignore_errors=True)


def fork_marvel(
    argv: Sequence[str], environ: Mapping[str, str], cwd: Path, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run one command of the CLI to its end, wherever and as whomever."""
    return forker().run(argv, environ=environ, cwd=cwd, stdin=stdin, timeout=COMMAND_SECONDS)


def start_marvel(
    argv: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    stdin: str = "",
    prefix: tuple[str, ...] = (),
) -> "subprocess.CompletedProcess[str]":
    """The same from the very start."""
    return subprocess.run(
        [*prefix, *MARVEL, *argv],
        env=environ,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def put_new_log(home: Path, now: float | None = None) -> None:
    """A log in which nothing happened yet, created at `now`: copied, for making one takes 0.4 s."""
    log = Path(Paths(str(home)).database)
    log.write_bytes(_new_log(now))
    log.chmod(0o600)


@functools.cache
def _new_log(now: float | None) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mv") as directory:
        paths = Paths(directory)
        Store(paths, clock=time.time if now is None else lambda: now).close()
        return Path(paths.database).read_bytes()


def until(
    test: Callable[[], object], what: str, tell: Callable[[], str] = str, *, fatal: bool = True
) -> None:
    """Wait until `test` is true, looking often at first."""
    deadline = time.monotonic() + WAIT_SECONDS
    pause = 0.01
    while not test():
        if time.monotonic() > deadline:
            assert not fatal, f"not within {WAIT_SECONDS:g} s: {what}\n{tell()}"
            return
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
