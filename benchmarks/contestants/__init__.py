"""Who is measured, behind one interface.

A contestant keeps N agents alive in a directory of its own. An agent leaves a file named after its pid in
`born/`, then sleeps: counting files tells what runs, and is the same work for everybody.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.clock import until

AGENT = ': > "${0%/*}/born/$$"; exec sleep 100000\n'
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("MARVEL_", "TMUX"))}


class Contestant:
    """One program that keeps agents alive. Methods return seconds, measured to the last agent's birth."""

    name = ""
    max_agents = 1000
    restarts = True  # it replaces what died

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.born = directory / "born"
        self.born.mkdir(parents=True)
        self.agent = directory / "agent.sh"
        self.agent.write_text(AGENT, encoding="utf-8")
        self.environ = dict(PLAIN)

    def start(self, count: int) -> float:
        """Bring the agents up."""
        raise NotImplementedError

    def add_one(self, count: int) -> list[str]:
        """The command that makes them `count`."""
        raise NotImplementedError

    def listing(self) -> list[str]:
        """The command that lists them."""
        raise NotImplementedError

    def managers(self) -> list[int]:
        """Pids of what keeps the agents, the agents left out."""
        raise NotImplementedError

    def end(self) -> None:
        """End managers and agents; called even when the start failed."""
        raise NotImplementedError

    # --- the same for all ----------------------------------------------------------------------

    def count(self) -> int:
        """How many agents have begun so far."""
        return len(os.listdir(self.born))

    def reach(self, count: int, began: float) -> float:
        """Seconds from `began` (monotonic) to the birth of agent number `count`."""
        until(lambda: self.count() >= count, f"{self.name}: {count} agents, {self.count()} are there")
        return time.monotonic() - began

    def run(self, argv: list[str]) -> None:
        """Run one command to its end."""
        done = subprocess.run(
            argv,
            env=self.environ,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}")

    def scale(self, count: int) -> float:
        """One agent more, from the keyboard to its birth. Siblings that were restarted count as agents."""
        before, began = self.count(), time.monotonic()
        command = subprocess.Popen(
            self.add_one(count),
            env=self.environ,
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        took = self.reach(before + 1, began)
        command.wait(timeout=120)
        return took

    def replace(self) -> float:
        """An agent is killed: until its successor is born."""
        before, victim = self.count(), self.agents()[-1]
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        return self.reach(before + 1, began)

    def agents(self) -> list[int]:
        """Pids of agents that live, oldest first."""
        pids = sorted(int(name) for name in os.listdir(self.born))
        return [pid for pid in pids if _lives(pid)]

    def end_agents(self) -> None:
        """What outlived its manager."""
        for pid in self.agents():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End everything and take the directory away."""
        self.end()
        self.end_agents()
        shutil.rmtree(self.directory, ignore_errors=True)


def _lives(pid: int) -> bool:
    """Whether a pid is still one of our sleeping agents."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith((b"sleep\0", b"/bin/sh\0"))
    except OSError:
        return False


def wait_gone(process: "subprocess.Popen[bytes] | None") -> None:
    """End a process of ours and wait for it."""
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
