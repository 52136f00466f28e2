"""marvel itself."""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from benchmarks.clock import until
from benchmarks.contestants import Contestant, wait_gone

PROGRAM = str(Path(sys.executable).with_name("marvel"))
TEAM = """[workspace]
name = "w"
[[team]]
name = "t"
"""
ROLE = """
  [[team.role]]
  name = "{name}"
  replicas = {count}
  backoff_initial = "1ms"
    [team.role.runtime]
    command = "/bin/sh"
    args = ["{agent}"]

    [team.role.shift]
    min_ready = "0s"   # what is measured is marvel, not its patience
"""


class Marvel(Contestant):
    """A daemon and a state directory of its own."""

    name = "marvel"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.home = directory / "h"
        self.environ |= {"MARVEL_HOME": str(self.home), "XDG_CONFIG_HOME": str(directory)}
        self._daemon: subprocess.Popen[bytes] | None = None

    def start_daemon(self) -> None:
        """A daemon that is ready."""
        self._daemon = subprocess.Popen(
            [PROGRAM, "daemon"],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until((self.home / "marvel.sock").exists, "the daemon's socket")

    def work(self, count: int, *others: int) -> None:
        """Declare that many agents in the role `r`, and others in roles of their own."""
        manifest = self.directory / "m.toml"
        roles = {"r": count, **{f"other-{number}": size for number, size in enumerate(others)}}
        text = TEAM + "".join(ROLE.format(name=n, count=c, agent=self.agent) for n, c in roles.items())
        manifest.write_text(text, encoding="utf-8")
        self.run([PROGRAM, "work", str(manifest), "--force-large"])

    def start(self, count: int) -> float:
        """From the commit of `work`; the peers' times begin with their daemon's start."""
        self.start_daemon()
        self.work(count)
        self.reach(count, time.monotonic())
        born = max(file.stat().st_mtime for file in self.born.iterdir())
        return born - self.committed_at("role.applied")

    def settle(self, count: int) -> None:
        """Until the log says so too."""
        until(lambda: self.running() == count, f"{count} running sessions in the log")

    def running(self) -> int:
        """Sessions that the log calls running."""
        query = "SELECT count(*) FROM sessions WHERE json_extract(data, '$.state') = 'running'"
        return int(str(self.ask(query)[0][0]))

    def committed_at(self, kind: str) -> float:
        """When the newest event of a kind was recorded."""
        return float(str(self.ask("SELECT max(time) FROM events WHERE kind = ?", kind)[0][0])) / 1e6

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Read the log."""
        with closing(connect(f"file:{self.home}/marvel.db?mode=ro", uri=True)) as log:
            return log.execute(query, values).fetchall()

    def pass_milliseconds(self) -> list[float]:
        """How long the daemon's passes took, by its own log."""
        lines = (self.home / "daemon.log").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if '"pass"' in line]
        return [line["ms"] for line in found if "ms" in line]

    def command(self, *words: str) -> list[str]:
        """A command line of marvel."""
        return [PROGRAM, *words]

    def add_one(self, count: int) -> list[str]:
        return self.command("scale", "w/t", "--role", "r", "--replicas", str(count), "--force-large")

    def listing(self) -> list[str]:
        return self.command("get", "sessions")

    def daemon_pid(self) -> int:
        """The daemon."""
        return int(json.loads((self.home / "daemon.lock").read_text())["pid"])

    def tmux_pid(self, workspace: str = "w") -> int:
        """The workspace's tmux server."""
        socket = self.home / "tmux" / f"{workspace}.sock"
        argv = ["tmux", "-S", str(socket), "display-message", "-p", "#{pid}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
        return int(done.stdout)

    def victim(self) -> int:
        """Pid of a running agent of the role `r`."""
        query = (
            "SELECT json_extract(data, '$.pid') FROM sessions WHERE json_extract(data, '$.state') = 'running'"
            " AND json_extract(data, '$.role') = 'r' LIMIT 1"
        )
        return int(str(self.ask(query)[0][0]))

    def managers(self) -> list[int]:
        return [self.daemon_pid(), self.tmux_pid()]

    def end(self) -> None:
        wait_gone(self._daemon)
        for socket in (self.home / "tmux").glob("*.sock") if self.home.exists() else ():
            argv = ["tmux", "-S", str(socket), "kill-server"]
            subprocess.run(argv, capture_output=True, check=False, timeout=60, env=dict(os.environ))
