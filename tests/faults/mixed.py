"""Everything together: the daemon killed again and again, under load, on full disks, beside lost servers.

What must hold is watched from outside, by /proc and the log alone, all the while: no slot has two agents, and
no agent runs that the log does not know. In the end exactly what is wanted runs, the agents that nobody
harmed are the same processes as in the beginning, and every agent that is gone has an end on record.
"""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.faults.scene import Scene, fault, pause
from tests.integration.home import until
from tests.integration.manifests import manifest, role

KILLS = 20  # of the daemon, in one try
DISK_MIB = 48
WATCH_SECONDS = 0.05  # between two samples of /proc
FULL_SECONDS = (0.5, 2.0, 5.0)  # for which a disk stays full …
LONG_FULL_SECONDS = 45.0  # … and once in a try: longer than two comparisons of panes with the world
CALM = 3  # agents in a workspace of their own that nobody harms
LOAD_MAX = 8  # replicas of a role that is scaled
SETTLED = ("sh", "-c", "exec sleep 9999")
DEAF = ("sh", "-c", "trap '' HUP; exec sleep 9999")  # outlives its tmux server
CRASHING = ("sh", "-c", "sleep 0.$(( $$ % 9 )); exit 1")
QUICK = '[team.role.shift]\nmin_ready = "0.2s"\n[team.role.stop]\ngrace = "1s"\n'


class Agent(NamedTuple):
    """One agent's main process."""

    pid: int
    uid: str
    name: str  # workspace and session: a slot of a generation


class Watch:
    """Samples /proc until it is stopped, and keeps what must not be."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._recorded: set[str] = set()
        self.seen: set[str] = set()  # uids
        self.wrong: list[str] = []

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            self.look()

    def look(self) -> None:
        """One sample."""
        agents = main_processes(self._scene.path)
        doubled = [name for name, count in Counter(a.name for a in agents).items() if count > 1]
        self.wrong += [
            f"{name} has several agents: {[a for a in agents if a.name == name]}" for name in doubled
        ]
        self.seen |= {agent.uid for agent in agents}
        unknown = self.seen - self._recorded
        if unknown:  # the log is read after /proc: what runs was recorded before it was started
            self._recorded = {event["uid"] for event in self._scene.events("session.scheduled")}
            self.wrong += [f"{uid} runs and is not in the log" for uid in unknown - self._recorded]


def main_processes(home: Path) -> list[Agent]:
    """The agents' processes of a home that are no children of another process of the same agent."""
    found: dict[int, tuple[int, Agent]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            environ = dict(
                pair.split("=", 1)
                for pair in (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                if "=" in pair
            )
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            is_ours = environ.get("MARVEL_HOME") == str(home) and "MARVEL_SESSION_UID" in environ
            if is_ours and fields[0] not in "ZX":
                name = f"{environ['MARVEL_WORKSPACE']}/{environ['MARVEL_SESSION']}"
                agent = Agent(int(entry.name), environ["MARVEL_SESSION_UID"], name)
                found[agent.pid] = int(fields[1]), agent
    return [
        agent for parent, agent in found.values() if parent not in found or found[parent][1].uid != agent.uid
    ]


@fault("mixed", f"kill -9 {KILLS} times under load, on full disks, beside lost tmux servers", tries=1)
def mixed(scene: Scene) -> str:
    scene.mount(DISK_MIB)
    calm = role(*SETTLED, name="calm", replicas=CALM, sections=QUICK)
    load = [
        role(*SETTLED, name="load", replicas=4, sections=QUICK),
        role(*DEAF, name="deaf", replicas=2, sections=QUICK),
        role(*CRASHING, name="crashing", replicas=2, more='backoff_max = "2s"', sections=QUICK),
    ]
    scene.start()
    scene.marvel("work", scene.write(manifest(calm, workspace="a"), "a.toml"), "--wait", "--yes")
    scene.marvel("work", scene.write(manifest(*load, workspace="b"), "b.toml"), "--yes")
    unharmed = calm_agents(scene)
    long_at = scene.draw.randrange(KILLS)
    with Watch(scene) as watch:
        for number in range(KILLS):
            scene.kill_daemon()
            if scene.draw.random() < 0.2:
                lose_server(scene)
            scene.spawn()
            pause(scene.draw.random())
            for act in scene.draw.sample(ACTS, 2):
                act(scene)
            if number == long_at:
                fill(scene, LONG_FULL_SECONDS)
            pause(scene.draw.random() * 0.5)
        scene.kill_daemon()
        scene.start()
        for name, replicas in (("load", 3), ("deaf", 2), ("crashing", 0)):
            scene.marvel("scale", "b/t", "--role", name, "--replicas", str(replicas))
        settle(scene, {"calm": CALM, "load": 3, "deaf": 2})
        watch.look()
    assert not watch.wrong, "\n".join([*dict.fromkeys(watch.wrong[:20]), scene.describe()])
    assert calm_agents(scene) == unharmed, "an agent that nobody harmed is another"
    left = {agent.uid for agent in main_processes(scene.path)}
    ended = {event["uid"] for event in scene.events("session.ended")}
    assert not watch.seen - left - ended, f"gone without an end on record: {watch.seen - left - ended}"
    return f"(none: {len(watch.seen)} agents seen, {scene.head()} events)"


def calm_agents(scene: Scene) -> list[Agent]:
    """The agents in the workspace that nobody harms."""
    return sorted(agent for agent in main_processes(scene.path) if agent.name.startswith("a/"))


def settle(scene: Scene, wanted: dict[str, int]) -> None:
    """Wait until exactly what is wanted runs, as the listing and as /proc have it."""

    def has_settled() -> bool:
        rows = [row for row in scene.sessions() if row["state"] == "running"]
        running = Counter(row["role"] for row in rows)
        here = {agent.uid for agent in main_processes(scene.path)}
        return dict(running) == wanted and here == {row["uid"] for row in rows}

    until(has_settled, f"exactly {wanted} run", scene.describe)


# --- harm and load -----------------------------------------------------------------------------------


def scale(scene: Scene) -> None:
    count = str(scene.draw.randint(0, LOAD_MAX))
    scene.marvel("scale", "b/t", "--role", "load", "--replicas", count, ok=False)


def shift(scene: Scene) -> None:
    scene.marvel("shift", "b/t", "--role", scene.draw.choice(("load", "deaf")), ok=False)


def kill(scene: Scene) -> None:
    scene.marvel("kill", f"b/t-load-{scene.draw.randrange(4)}", ok=False)


def run(scene: Scene) -> None:
    scene.marvel("run", "--workspace", "b", "sleep", "1", ok=False)


def crash(scene: Scene) -> None:
    """Some agents of the load die by themselves."""
    agents = [agent for agent in main_processes(scene.path) if agent.name.startswith("b/")]
    for agent in scene.draw.sample(agents, min(3, len(agents))):
        with contextlib.suppress(ProcessLookupError):
            os.kill(agent.pid, signal.SIGKILL)


def lose_server(scene: Scene) -> None:
    """The load's tmux server dies."""
    pid = scene.tmux_pid("b")
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def fill_for_a_while(scene: Scene) -> None:
    fill(scene, scene.draw.choice(FULL_SECONDS))


def fill(scene: Scene, seconds: float) -> None:
    """The disk is full, while agents die."""
    ballast = scene.path / "ballast"
    with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        crash(scene)
        pause(min(2.0, seconds))
    ballast.unlink()


ACTS: tuple[Callable[[Scene], None], ...] = (
    scale,
    scale,
    shift,
    kill,
    run,
    crash,
    lose_server,
    fill_for_a_while,
)
