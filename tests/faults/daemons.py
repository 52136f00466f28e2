"""Harm to the daemon."""

import json
import os
import signal
import socket
from pathlib import Path

from tests.faults.scene import Scene, fault, pause, read_only
from tests.integration.home import until
from tests.integration.manifests import SLEEP, role

KILLS = 4  # in one try
BEATING = ("sh", "-c", 'while :; do touch "$MARVEL_BEAT"; sleep 0.2; done')
SHORT_CHECK = '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "1s"\nfailure_threshold = 2\n'
SUSPENDED_SECONDS = 5.0  # well over the two seconds after which silence would be unhealthy
HOUR = 3600


@fault("daemon", f"kill -9 at any moment, {KILLS} times", tries=5)
def killed_at_any_moment(scene: Scene) -> str:
    throughout = {row["uid"] for row in scene.crew(3)}
    scene.kill_daemon()
    for _ in range(KILLS):
        scene.spawn()
        pause(scene.draw.random() * 0.8)
        scene.scale(scene.draw.choice((3, 5, 8, 12)))
        pause(scene.draw.random() * 0.3)
        scene.kill_daemon()
        scene.undoubled()
    scene.start()
    scene.scale(6)
    rows = scene.running(6)
    assert throughout <= {row["uid"] for row in rows}, "an agent was lost"
    assert {row["restarts"] for row in rows} == {0}, "an agent was restarted"
    scene.kept(rows)
    return scene.told("daemon.started")


@fault("daemon", "kill -9 while it stops all agents")
def killed_while_stopping(scene: Scene) -> str:
    scene.crew(5)
    scene.marvel("delete", "workspace", "w")
    pause(scene.draw.random() * 0.05)
    scene.kill_daemon()
    scene.start()
    until(lambda: not scene.processes(), "all are gone", scene.describe)
    until(lambda: scene.sessions() == [], "none is listed", scene.describe)
    return scene.told("session.ended")


@fault("daemon", "TERM, INT and HUP")
def asked_to_end(scene: Scene) -> str:
    rows = scene.crew(3)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        scene.kill_daemon(number)
        assert sorted(scene.processes()) == sorted(row["pid"] for row in rows)
        scene.start()
    scene.kept(rows)
    return scene.told("daemon.stopped")


@fault("daemon", "a second one")
def second(scene: Scene) -> str:
    rows = scene.crew(2)
    message = scene.unstarted("another daemon runs here")
    scene.refused("daemon", "-d", words="another daemon runs here")
    scene.kept(rows)
    return message


@fault("daemon", "socket and lock left behind, of another's pid")
def left_behind(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon()
    assert (scene.path / "marvel.sock").exists()
    note = scene.draw.choice(
        [json.dumps({"pid": os.getpid(), "since": 0, "run_id": "x"}), "", "{", '{"pid": "me"}', "\0" * 99]
    )
    (scene.path / "daemon.lock").write_text(note)
    message = scene.refused("daemon", "status", words="error: ")
    scene.start()
    scene.kept(rows)
    return message


@fault("daemon", "a file in the place of its socket")
def file_for_a_socket(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon()
    (scene.path / "marvel.sock").unlink()
    (scene.path / "marvel.sock").write_text("mine")
    scene.start()
    scene.kept(rows)
    return "(none: it starts, in the file's place)"


@fault("daemon", "its socket removed while it runs")
def socket_removed(scene: Scene) -> str:
    rows = scene.crew(2)
    (scene.path / "marvel.sock").unlink()
    scene.scale(3)
    new = scene.running(3)
    assert {row["uid"] for row in rows} < {row["uid"] for row in new}
    scene.kill_daemon(signal.SIGTERM)
    scene.start()
    scene.kept(new)
    return "(none: commands go by the log)"


@fault("daemon", "a state path too long for a socket")
def long_path(scene: Scene) -> str:
    scene.is_whole = False
    home = scene.path / ("deep" * 30)
    scene.environ["MARVEL_HOME"] = str(home)
    message = scene.unstarted("the limit is")
    assert not (home / "marvel.db").exists(), "something was made"
    return message


@fault("daemon", "suspended with its agents, longer than their silence may last")
def suspended(scene: Scene) -> str:
    scene.start()
    scene.work(role(*BEATING, replicas=2, sections=SHORT_CHECK))
    rows = scene.running(2)
    scene.see("session.signaled", 2)
    assert scene.daemon is not None
    pids = [scene.daemon.pid, *(row["pid"] for row in rows)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    pause(SUSPENDED_SECONDS)
    os.kill(pids[0], signal.SIGCONT)
    pause(0.5)  # the daemon wakes first and hears nobody yet
    for pid in pids[1:]:
        os.kill(pid, signal.SIGCONT)
    scene.see("daemon.stalled")
    pause(2.5)
    assert {row["uid"] for row in scene.running(2)} == {row["uid"] for row in rows}, scene.describe()
    return scene.told("daemon.stalled")


def _set_clock(scene: Scene, seconds: int) -> None:
    fresh = scene.path / "clock.new"
    fresh.write_text(str(seconds))
    fresh.rename(scene.path / "clock")


@fault("daemon", "the clock set forward an hour, then back two (Python's clock)")
def clock_set(scene: Scene) -> str:
    scene.environ |= {
        "PYTHONPATH": str(Path(__file__).parent / "clock"),
        "FAULT_CLOCK": str(scene.path / "clock"),
    }
    _set_clock(scene, 0)
    scene.start()
    scene.work(
        role(*BEATING, replicas=2, sections=SHORT_CHECK),
        role("sh", "-c", "exit 1", name="crashing", more='backoff_initial = "2s"\nbackoff_max = "2s"'),
    )
    scene.see("session.backed-off")
    rows = scene.sessions("--role", "r")
    for hours in (1, -1):
        _set_clock(scene, hours * HOUR)
        tries = len(scene.events("session.scheduled"))
        scene.see("clock.stepped", 1 if hours > 0 else 2)
        scene.see("session.scheduled", tries + 1)  # a wait never lasts longer than its own length
        victim = scene.sessions("--role", "r")[0]
        os.kill(victim["pid"], signal.SIGKILL)
        until(lambda old=victim["uid"]: scene.sessions("--role", "r")[0]["uid"] != old, "replaced")  # type: ignore[misc]
    until(lambda: scene.sessions("--role", "r")[1]["health"] == "healthy", "it is healthy", scene.describe)
    assert scene.sessions("--role", "r")[1]["uid"] == rows[1]["uid"], "an agent was lost"
    return scene.told("clock.stepped")


@fault("daemon", "a state directory that can't be written")
def read_only_home(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    message = scene.unstarted("error: ", read_only(scene.path))
    scene.start()
    scene.kept(rows)
    return message


@fault("daemon", "a connection to its socket is all that others get")
def other_user(scene: Scene) -> str:
    scene.crew(1)
    assert (scene.path / "marvel.sock").stat().st_mode & 0o777 == 0o600
    assert scene.path.stat().st_mode & 0o777 == 0o700
    child = os.fork() if os.geteuid() == 0 else None
    if child is None:
        return "(not root: only the modes were looked at)"
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as peer:
            os._exit(peer.connect_ex(str(scene.path / "marvel.sock")))
    refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert refused == 13, f"connect gave errno {refused}"
    return os.strerror(refused)


@fault("daemon", "on with other sessions once it was told to keep them", tries=1)
def kept_sessions(scene: Scene) -> str:
    rows = scene.crew(3)
    scene.marvel("stop", "--keep-sessions")
    assert scene.daemon is not None
    scene.daemon.wait(timeout=30)
    assert len(scene.processes()) == 3
    scene.start()
    scene.kept(rows)
    scene.work(role(*SLEEP, replicas=3))  # the same file again
    scene.kept(rows)
    return scene.told("daemon.stopped")
