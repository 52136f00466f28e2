"""supervisor, circus and pm2 from their registries, and tmux alone: what no manager of panes can beat."""

import json
import subprocess
import time
from pathlib import Path

from benchmarks.contestants import Contestant, wait_gone
from benchmarks.tools import Tools

SUPERVISOR = """[unix_http_server]
file={directory}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{directory}/s.sock
[supervisord]
logfile={directory}/log
pidfile={directory}/pid
minfds=8192
minprocs=4096
[program:a]
command=/bin/sh {agent}
process_name=%(process_num)d
numprocs={count}
autorestart=true
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
"""
CIRCUS = """[circus]
endpoint = ipc://{directory}/c
pubsub_endpoint = ipc://{directory}/p
[watcher:a]
cmd = /bin/sh {agent}
numprocesses = {count}
copy_env = True
warmup_delay = 0
"""


class Supervisor(Contestant):
    name = "supervisor"

    def __init__(self, directory: Path, tools: Tools) -> None:
        super().__init__(directory)
        self._tools = tools
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self, count: int) -> float:
        self._configure(count)
        began = time.monotonic()
        self._daemon = _spawn([self._program("supervisord"), "-n", "-c", str(self.directory / "conf")], self)
        return self.reach(count, began)

    def add_one(self, count: int) -> list[str]:
        self._configure(count)
        return [self._program("supervisorctl"), "-c", str(self.directory / "conf"), "update"]

    def scale(self, count: int) -> float:
        """`update` restarts the whole group: done when all of them are back."""
        before, began = self.count(), time.monotonic()
        self.run(self.add_one(count))
        return self.reach(before + count, began)

    def listing(self) -> list[str]:
        return [self._program("supervisorctl"), "-c", str(self.directory / "conf"), "status"]

    def managers(self) -> list[int]:
        return [self._daemon.pid] if self._daemon else []

    def end(self) -> None:
        wait_gone(self._daemon)

    def _configure(self, count: int) -> None:
        text = SUPERVISOR.format(directory=self.directory, agent=self.agent, count=count)
        (self.directory / "conf").write_text(text, encoding="utf-8")

    def _program(self, name: str) -> str:
        return self._tools.python_program(name) or name


class Circus(Contestant):
    name = "circus"

    def __init__(self, directory: Path, tools: Tools) -> None:
        super().__init__(directory)
        self._tools = tools
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self, count: int) -> float:
        text = CIRCUS.format(directory=self.directory, agent=self.agent, count=count)
        (self.directory / "conf").write_text(text, encoding="utf-8")
        began = time.monotonic()
        self._daemon = _spawn([self._program("circusd"), str(self.directory / "conf")], self)
        return self.reach(count, began)

    def add_one(self, count: int) -> list[str]:
        return [*self._control(), "incr", "a"]

    def listing(self) -> list[str]:
        return [*self._control(), "list", "a"]

    def managers(self) -> list[int]:
        return [self._daemon.pid] if self._daemon else []

    def end(self) -> None:
        wait_gone(self._daemon)

    def _control(self) -> list[str]:
        return [self._program("circusctl"), "--endpoint", f"ipc://{self.directory}/c"]

    def _program(self, name: str) -> str:
        return self._tools.python_program(name) or name


class Pm2(Contestant):
    name = "pm2"
    max_agents = 50  # each of its processes costs about 50 ms to start

    def __init__(self, directory: Path, tools: Tools) -> None:
        super().__init__(directory)
        self._pm2 = tools.pm2() or "pm2"
        self.environ["PM2_HOME"] = str(directory / "pm2")

    def start(self, count: int) -> float:
        app = {"name": "a", "script": str(self.agent), "interpreter": "/bin/sh", "exec_mode": "fork"}
        ecosystem = {"apps": [{**app, "instances": count, "autorestart": True}]}
        (self.directory / "a.json").write_text(json.dumps(ecosystem), encoding="utf-8")
        began = time.monotonic()
        self.run([self._pm2, "start", str(self.directory / "a.json")])
        return self.reach(count, began)

    def add_one(self, count: int) -> list[str]:
        return [self._pm2, "scale", "a", str(count)]

    def listing(self) -> list[str]:
        return [self._pm2, "ls"]

    def managers(self) -> list[int]:
        return [int((self.directory / "pm2" / "pm2.pid").read_text())]

    def end(self) -> None:
        subprocess.run([self._pm2, "kill"], env=self.environ, capture_output=True, check=False, timeout=60)


class Tmux(Contestant):
    """A server and one file of commands."""

    name = "raw tmux"
    restarts = False

    def start(self, count: int) -> float:
        script = self.directory / "script"
        line = f"new-window -d -t s: /bin/sh {self.agent}\n"
        script.write_text("set-option -g history-limit 500\n" + line * count, encoding="utf-8")
        began = time.monotonic()
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "s", "sleep 100000")
        self._tmux("source-file", str(script))
        return self.reach(count, began)

    def add_one(self, count: int) -> list[str]:
        return [*self._argv(), "new-window", "-d", "-t", "s:", "/bin/sh", str(self.agent)]

    def listing(self) -> list[str]:
        return [*self._argv(), "list-windows", "-a"]

    def managers(self) -> list[int]:
        argv = [*self._argv(), "display-message", "-p", "#{pid}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
        return [int(done.stdout)]

    def end(self) -> None:
        subprocess.run([*self._argv(), "kill-server"], capture_output=True, check=False, timeout=60)

    def _argv(self) -> list[str]:
        return ["tmux", "-u", "-S", str(self.directory / "t.sock")]

    def _tmux(self, *words: str) -> None:
        self.run([*self._argv(), *words])


def _spawn(argv: list[str], contestant: Contestant) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        argv,
        env=contestant.environ,
        cwd=contestant.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
