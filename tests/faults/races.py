"""Several wishes at once, and wishes in the middle of others."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from tests.faults.scene import Scene, fault, pause
from tests.integration.home import MARVEL, until
from tests.integration.manifests import SLEEP, STUBBORN, manifest, role

REPLICAS = 3
SLOW = '[team.role.shift]\nmax_surge = 1\nmin_ready = "1s"\n'
SLOW_STOP = '[team.role.stop]\ngrace = "1s"\n'
NEVER_READY = (
    f'[[team.role]]\nname = "r"\nreplicas = {REPLICAS}\n[team.role.runtime]\nimage = "simulator"\n'
    'command = "/bin/sh"\nargs = ["-c", "exec sleep 999"]\n'
    '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "30s"\n'
    '[team.role.shift]\nready_timeout = "2s"\n'
)


def together(scene: Scene, *commands: tuple[str, ...]) -> list[int]:
    """Commands that run at the same time; their exit statuses."""
    started = [
        subprocess.Popen(
            [*MARVEL, *argv],
            env=scene.environ,
            cwd=scene.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for argv in commands
    ]
    for process in started:
        scene.said.append(process.communicate(timeout=60)[1])
    return [process.returncode for process in started]


def settled(scene: Scene, replicas: int) -> list[dict[str, Any]]:
    """The sessions once no shift runs and all are running in one generation."""

    def has_settled() -> bool:
        rows = scene.sessions()
        calm = len(rows) == replicas and {row["state"] for row in rows} <= {"running"}
        return calm and "w" not in scene.marvel("get", "shifts", "--no-headers").stdout.split()

    until(has_settled, f"{replicas} run and no shift is left", scene.describe)
    rows = scene.sessions()
    assert len({row["generation"] for row in rows}) <= 1, rows
    scene.kept(rows)
    return rows


def bounded(scene: Scene, replicas: int, *, surge: int = 1) -> None:
    """Alive sessions never were more than replicas + surge, ready ones never less than replicas once full."""
    alive, ready, full = 0, set(), False
    for event in scene.events("session.%"):
        alive += (event["kind"] == "session.scheduled") - (event["kind"] == "session.ended")
        assert alive <= replicas + surge, f"{alive} alive at {event['position']}\n{scene.describe()}"
        if event["kind"] == "session.readied":
            (ready.add if event["payload"]["ready"] else ready.discard)(event["uid"])
        if event["kind"] in ("session.stopping", "session.ended"):
            ready.discard(event["uid"])
        full = full or len(ready) >= replicas
        enough = not full or len(ready) >= replicas
        assert enough, f"{len(ready)} ready at {event['position']}\n{scene.describe()}"


@fault("race", "six scales at once")
def scales_at_once(scene: Scene) -> str:
    scene.crew(1)
    counts = [scene.draw.randint(1, 9) for _ in range(6)]
    statuses = together(
        scene, *(("scale", "w/t", "--role", "r", "--replicas", str(count)) for count in counts)
    )
    assert statuses == [0] * 6, statuses
    last = scene.events("role.scaled")[-1:]
    wanted = last[0]["payload"]["replicas"] if last else 1
    settled(scene, wanted)
    return f"(none: the last one stands, {wanted})"


@fault("race", "a team deleted while it is applied")
def deleted_while_applied(scene: Scene) -> str:
    scene.start()
    file = scene.write(manifest(role(*SLEEP, replicas=5)))
    scene.marvel("work", file)
    delete = ("delete", "team", "w/t")
    together(scene, delete, ("work", file, "--yes"), delete)
    expected = 5 if scene.marvel("get", "teams", "--no-headers").stdout.strip() else 0
    settled(scene, expected)
    return f"(none: {expected} run, as the log says)"


@fault("race", "sessions killed while they start", tries=3)
def killed_while_starting(scene: Scene) -> str:
    scene.crew(1)
    scene.scale(8)
    names = [f"w/t-r-g1-{index}" for index in range(1, 8)]
    statuses = together(scene, *(("kill", name) for name in names))
    rows = settled(scene, 8)
    assert sorted(row["index"] for row in rows) == list(range(8))
    return f"(none: {statuses.count(0)} killed, all slots filled again)"


@fault("race", "stopped in backoff")
def stopped_in_backoff(scene: Scene) -> str:
    scene.start()
    scene.work(role("sh", "-c", "exit 1", replicas=2, more='backoff_initial = "30s"'))
    scene.see("session.backed-off")
    scene.marvel("stop", "--yes")
    assert scene.daemon is not None
    scene.daemon.wait(timeout=30)
    assert scene.processes() == []
    before = len(scene.events("session.scheduled"))
    scene.start()
    pause(1.0)
    after = len(scene.events("session.scheduled"))
    assert after - before <= 1, "the backoff was forgotten"
    return scene.told("session.backed-off")


@fault("race", "scaled down while stubborn ones stop, and up again")
def down_and_up(scene: Scene) -> str:
    scene.start()
    scene.work(role(*STUBBORN, replicas=2, sections=SLOW_STOP))
    scene.running(2)
    scene.scale(0)
    scene.scale(2)
    scene.see("session.ended", 2)
    rows = scene.running(2)
    until(lambda: {r["uid"] for r in scene.running(2)} == {r["uid"] for r in rows}, "it has come to rest")
    return scene.told("session.ended")


def _in_a_shift(name: str, *, replicas: int = REPLICAS) -> Callable[[Callable[[Scene], None]], None]:
    """What is done in the middle of a slow shift; then it must settle within its bounds."""

    def listed(act: Callable[[Scene], None]) -> None:
        @fault("race", f"in a shift: {name}")
        def run(scene: Scene) -> str:
            scene.crew(REPLICAS, sections=SLOW)
            scene.work(role("sleep", "998", replicas=REPLICAS, sections=SLOW))
            scene.see("shift.started")
            pause(0.2 + scene.draw.random())
            act(scene)
            settled(scene, replicas)
            bounded(scene, min(REPLICAS, replicas), surge=1 + max(0, replicas - REPLICAS))
            return scene.told("shift.*")

    return listed


@_in_a_shift("a new manifest")
def _manifest(scene: Scene) -> None:
    scene.work(role("sleep", "999", replicas=REPLICAS, sections=SLOW))
    until(lambda: {r["generation"] for r in scene.sessions()} == {3}, "the newest runs", scene.describe)


@_in_a_shift("scaled up", replicas=REPLICAS + 2)
def _scale(scene: Scene) -> None:
    scene.scale(REPLICAS + 2)


@_in_a_shift("undo")
def _undo(scene: Scene) -> None:
    scene.marvel("shift", "undo", "w/t")


@_in_a_shift("abort")
def _abort(scene: Scene) -> None:
    scene.marvel("shift", "abort", "w/t")


@_in_a_shift("pause, the daemon killed, resume")
def _pause(scene: Scene) -> None:
    scene.marvel("shift", "pause", "w/t")
    scene.kill_daemon()
    scene.start()
    scene.marvel("shift", "resume", "w/t")


@_in_a_shift("the daemon killed twice")
def _daemon(scene: Scene) -> None:
    for _ in range(2):
        scene.kill_daemon()
        pause(scene.draw.random() * 0.3)
        scene.start()


@fault("race", "in a shift: an old one and a new one die")
def agents_die(scene: Scene) -> str:
    scene.crew(REPLICAS, sections=SLOW)
    scene.marvel("shift", "w/t")
    until(lambda: len(scene.processes()) > REPLICAS, "a new one runs", scene.describe)
    rows = [row for row in scene.sessions() if row["state"] == "running"]
    for row in (rows[0], rows[-1]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(row["pid"], signal.SIGKILL)
    assert {row["generation"] for row in settled(scene, REPLICAS)} == {2}
    return scene.told("shift.*")


@fault("race", "a new generation that never becomes ready, and the daemon killed")
def never_ready(scene: Scene) -> str:
    rows = scene.crew(REPLICAS)
    scene.work(NEVER_READY)
    scene.see("shift.started")
    pause(scene.draw.random())
    scene.kill_daemon(scene.draw.choice((signal.SIGKILL, signal.SIGTERM)))
    scene.start()
    scene.see("shift.rolled-back")
    scene.kept(rows)
    pause(1.0)
    assert len(scene.events("shift.started")) == 1, "it was tried again"
    return scene.told("shift.aborted")


@fault("race", "a shift of one role, then of all, and a second one refused")
def one_then_all(scene: Scene) -> str:
    scene.start()
    scene.work(
        role(*SLEEP, replicas=2, sections=SLOW),
        role(*SLEEP, name="supervisor", replicas=1),
        role(*SLEEP, name="other", replicas=1),
    )
    scene.running(4)
    scene.marvel("shift", "w/t", "--role", "r")
    message = scene.refused("shift", "w/t", words="shift")
    until(lambda: scene.events("shift.completed"), "the first is done", scene.describe)
    scene.marvel("shift", "w/t", "--wait")
    generations = {row["role"]: row["generation"] for row in scene.running(4)}
    assert generations == {"r": 3, "supervisor": 2, "other": 2}, generations
    assert scene.events("shift.completed")[-1]["role"] == "supervisor"
    return message
