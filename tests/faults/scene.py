"""The scene of one try: a home that notes all that was said, and what a fault must leave alone."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.home import MARVEL, Home, until
from tests.integration.manifests import SLEEP, manifest, role

TRACES = ("Traceback (most recent call last)", "internal error")  # what no user must ever see
IS_ROOT = os.geteuid() == 0

Act = Callable[["Scene"], str]  # does the harm, asserts what must hold, returns the message seen


class Fault(NamedTuple):
    """One line of the table."""

    group: str
    name: str
    act: Act
    tries: int


FAULTS: list[Fault] = []


def fault(group: str, name: str, *, tries: int = 2) -> Callable[[Act], Act]:
    """Put a fault on the list; `tries` unless the caller wants another number."""

    def listed(act: Act) -> Act:
        FAULTS.append(Fault(group, name, act, tries))
        return act

    return listed


class Skipped(Exception):
    """Why this machine can't do that to anybody."""


class Scene(Home):
    """One try."""

    def __init__(self, seed: str) -> None:
        super().__init__(real_starts=True)
        self.draw = random.Random(seed)
        self.said: list[str] = []
        self.mounted = False
        self.is_whole = True  # whether the log must be whole in the end

    # --- doing ---------------------------------------------------------------------------------

    def marvel(
        self, *argv: str, ok: bool = True, stdin: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        done = super().marvel(*argv, ok=False, stdin=stdin)
        self.said.append(f"{done.stdout}{done.stderr}")
        assert not ok or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, prefix: Sequence[str] = ()) -> None:
        self.spawn(prefix)
        until(lambda: self.marvel("daemon", "status", ok=False).returncode == 0, "the daemon answers")

    def spawn(self, prefix: Sequence[str] = ()) -> None:
        """A daemon that is not waited for; what it prints is kept."""
        with open(self.path / "daemon.err", "ab") as errors:
            self.daemon = subprocess.Popen(
                [*prefix, *MARVEL, "daemon"],
                env=self.environ,
                cwd=self.path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def crew(self, replicas: int = 3, *, more: str = "", sections: str = "") -> list[dict[str, Any]]:
        """A daemon and some agents that do nothing for a long time."""
        self.start()
        self.work(role(*SLEEP, replicas=replicas, more=more, sections=sections))
        return self.running(replicas)

    def work(self, *roles: str, wait: bool = False, **names: str) -> None:
        """Declare a team."""
        self.marvel("work", self.write(manifest(*roles, **names)), "--yes", *(("--wait",) if wait else ()))

    def scale(self, replicas: int, *, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.marvel("scale", "w/t", "--role", "r", "--replicas", str(replicas), ok=ok)

    def refused(self, *argv: str, words: str, stdin: str | None = None) -> str:
        """A command that must be refused in these words; its message."""
        done = self.marvel(*argv, ok=False, stdin=stdin)
        assert done.returncode in (1, 2, 3, 4), f"{argv}: {done.returncode} {done.stderr[:300]}"
        assert words in done.stderr, f"{argv}: not said: {words}\n{done.stderr[:500]}"
        return error_in(done.stderr)

    def unstarted(self, words: str, prefix: Sequence[str] = ()) -> str:
        """A daemon that must refuse to start in these words; its message."""
        done = subprocess.run(
            [*prefix, *MARVEL, "daemon"],
            env=self.environ,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.said.append(done.stderr)
        assert done.returncode == 1, f"{done.returncode}: {done.stderr[:500]}"
        assert words in done.stderr.lower(), f"not said: {words}\n{done.stderr[:500]}"
        return error_in(done.stderr)

    def ask(self, request: bytes, *, patience: float = 20) -> str:
        """One request to the daemon's socket; the answer as text."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(patience)
            peer.connect(str(self.path / "marvel.sock"))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(request)
            with contextlib.suppress(ConnectionResetError):
                return peer.recv(65536).decode()
        return ""

    def beat(self, **params: object) -> str:
        """A heartbeat by the socket; the answer."""
        return self.ask(json.dumps({"method": "heartbeat", "params": params}).encode() + b"\n")

    # --- looking -------------------------------------------------------------------------------

    def told(self, kind: str) -> str:
        """The newest event of a kind as a person sees it, without its time."""
        lines = self.marvel("events", "--kind", kind, "-n", "1").stdout.splitlines()
        assert lines, f"no event {kind}\n{self.describe()}"
        return lines[-1][lines[-1].index(kind.partition(".")[0] + ".") :]

    def logged(self, words: str) -> str:
        """The newest line of the daemon's log with these words, as it reads."""
        lines = [line for line in (self.path / "daemon.log").read_text().splitlines() if words in line]
        assert lines, f"not in the daemon's log: {words}"
        found = json.loads(lines[-1])
        return f"{found['event']}: {found.get('error', '')}"

    def see(self, kind: str, count: int = 1) -> None:
        """Wait for events of a kind."""
        until(lambda: len(self.events(kind)) >= count, f"{count} of {kind}", self.describe)

    def kept(self, rows: list[dict[str, Any]]) -> None:
        """Nobody of these was lost, restarted or doubled, and nobody else is there."""
        until(lambda: len(self.processes()) <= len(rows), "nobody is doubled", self.describe)
        now = {row["uid"]: row for row in self.running(len(rows))}
        lost = [row["name"] for row in rows if row["uid"] not in now]
        assert not lost, f"lost: {lost}\n{self.describe()}"
        changed = [row["name"] for row in rows if now[row["uid"]]["pid"] != row["pid"]]
        assert not changed, f"other processes: {changed}"
        pids = sorted(row["pid"] for row in rows)
        until(lambda: sorted(self.processes()) == pids, "exactly these processes", self.describe)

    def undoubled(self) -> None:
        """No session has more than one process. For agents that have no children."""
        uids: Counter[bytes] = Counter()
        for pid in self.processes():
            with contextlib.suppress(OSError):
                environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                uids.update(v for v in environ if v.startswith(b"MARVEL_SESSION_UID="))
        assert not [uid for uid, count in uids.items() if count > 1], uids

    def untraced(self) -> None:
        """Nothing that was said or written shows the inside of marvel."""
        said = list(self.said)
        for name in ("daemon.err", "daemon.log"):
            with contextlib.suppress(OSError):
                said.append((self.path / name).read_text(errors="replace"))
        for text in said:
            at = min((text.find(trace) for trace in TRACES if trace in text), default=-1)
            assert at < 0, f"a traceback was seen: {text[max(0, at - 200) : at + 2000]}"

    # --- the end -------------------------------------------------------------------------------

    def mount(self, megabytes: int) -> None:
        """Make the home a small disk of its own."""
        if not IS_ROOT:
            raise Skipped("needs root, to mount a small disk")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(self.path)],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise Skipped(f"mount: {done.stderr.decode().strip()}")
        self.mounted = True

    def close(self) -> None:
        for socket_file in (self.path / "tmux").glob("*.sock"):
            with contextlib.suppress(ProcessLookupError, IndexError, subprocess.SubprocessError):
                os.kill(server_pid(str(socket_file)), signal.SIGCONT)
        super().close()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)
            self.path.rmdir()


def server_pid(socket_file: str) -> int:
    """Pid of the tmux server at a socket, which may not answer: by its arguments."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                argv = (entry / "cmdline").read_bytes()
                if socket_file.encode() in argv and (entry / "comm").read_text().startswith("tmux: server"):
                    return int(entry.name)
    raise ProcessLookupError(socket_file)


def read_only(path: Path) -> tuple[str, ...]:
    """What runs a command in a world in which `path` can't be written."""
    if not IS_ROOT:
        raise Skipped("needs root, to mount something read-only")
    bind = f'mount --bind "{path}" "{path}" && mount -o remount,ro,bind "{path}" && exec "$@"'
    prefix = ("unshare", "-m", "sh", "-c", bind, "sh")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        raise Skipped("no mount namespaces here")
    return prefix


def error_in(text: str) -> str:
    """The first `error: …` line; of a list of problems, the first problem too."""
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if line.startswith("error: ")), None)
    if at is None:
        return text.strip()[:200]
    return " ".join(lines[at : at + 2]) if "problem" in lines[at] else lines[at]


def pause(seconds: float) -> None:
    """Let time pass: here the moment is the fault."""
    time.sleep(seconds)
