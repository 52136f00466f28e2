"""Harm to tmux."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.scene import Scene, fault, pause, server_pid
from tests.integration.home import until
from tests.integration.manifests import SLEEP, role

WEDGED_SECONDS = 8.0  # longer than any call to tmux may take


@fault("tmux", "its server killed", tries=3)
def server_killed(scene: Scene) -> str:
    scene.start()
    scene.work(role(*SLEEP, replicas=3), workspace="a")
    scene.work(role(*SLEEP, replicas=2), workspace="b")
    untouched = [row["uid"] for row in scene.running(5) if row["workspace"] == "b"]
    os.kill(scene.tmux_pid("a") or 0, signal.SIGKILL)

    def are_back() -> bool:
        rows = scene.sessions("--workspace", "a")
        return [(row["state"], row["restarts"]) for row in rows] == [("running", 1)] * 3

    until(are_back, "all are back", scene.describe)
    assert {row["streak"] for row in scene.sessions("--workspace", "a")} == {0}, "a budget was charged"
    assert [row["uid"] for row in scene.sessions("--workspace", "b")] == untouched, "others were touched"
    return scene.told("tmux.server-lost")


@fault("tmux", "its server wedged (SIGSTOP) while an agent dies")
def server_wedged(scene: Scene) -> str:
    scene.start()
    scene.work(role(*SLEEP, replicas=2), workspace="a")
    scene.work(role(*SLEEP, replicas=2), workspace="b")
    rows = scene.running(4)
    wedged = server_pid(str(scene.path / "tmux" / "a.sock"))
    os.kill(wedged, signal.SIGSTOP)
    try:
        scene.marvel("scale", "a/t", "--role", "r", "--replicas", "3")
        scene.marvel("scale", "b/t", "--role", "r", "--replicas", "3")
        until(lambda: len(scene.sessions("--workspace", "b", "--state", "running")) == 3, "b goes on")
        pause(WEDGED_SECONDS)
        message = scene.refused("capture", f"a/{rows[0]['name']}", words="error: ")
        assert scene.events("session.ended") == [], "something was taken for ended"
        assert len(scene.processes()) == 5
    finally:
        os.kill(wedged, signal.SIGCONT)
    now = scene.running(6)
    assert {row["uid"] for row in rows} <= {row["uid"] for row in now}
    scene.kept(now)
    return message


@fault("tmux", "its server wedged while the daemon starts")
def wedged_at_start(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon()
    wedged = server_pid(str(scene.path / "tmux" / "w.sock"))
    os.kill(wedged, signal.SIGSTOP)
    try:
        scene.start()
        pause(WEDGED_SECONDS)
        assert scene.events("session.ended") == []
    finally:
        os.kill(wedged, signal.SIGCONT)
    scene.kept(rows)
    return "(none: what is not known changes nothing)"


def _by_a_person(name: str, *argv: str, ended: int = 0) -> Callable[[Scene], str]:
    """A tmux command to the first agent's pane; how many sessions end by it."""

    @fault("tmux", f"a person {name}")
    def act(scene: Scene) -> str:
        rows = scene.crew(3)
        pane = rows[0]["pane"]
        words = [word.replace("PANE", pane) for word in argv]
        scene.tmux("w", *words)
        if not ended:
            scene.marvel("capture", rows[0]["key"])
            scene.kill_daemon()
            scene.start()
            _are_the_same(scene, rows)
            return "(none: it is the same session)"
        scene.see("session.ended", ended)
        now = scene.running(3)
        assert {row["uid"] for row in rows[1:]} <= {row["uid"] for row in now}, "others were touched"
        assert scene.processes(rows[0]["uid"]) == []
        return scene.told("session.ended")

    return act


def _are_the_same(scene: Scene, rows: list[dict[str, Any]]) -> None:
    now = scene.running(len(rows))
    assert [(r["uid"], r["pid"]) for r in now] == [(r["uid"], r["pid"]) for r in rows], scene.describe()


_by_a_person("kills an agent's window", "kill-window", "-t", "PANE", ended=1)
_by_a_person("kills an agent's pane", "kill-pane", "-t", "PANE", ended=1)
_by_a_person("respawns an agent's pane", "respawn-pane", "-k", "-t", "PANE", "sleep 900", ended=1)
_by_a_person("renames a window", "rename-window", "-t", "PANE", "mine; kill-server")
_by_a_person("moves a window", "move-window", "-s", "PANE", "-t", ":77")
_by_a_person("splits an agent's window", "split-window", "-d", "-t", "PANE", "sleep 900")
_by_a_person("breaks a pane out and names it", "select-pane", "-t", "PANE", "-T", "w/t-r-g1-1")


@fault("tmux", "panes of others on our server")
def foreign_panes(scene: Scene) -> str:
    scene.crew(2)
    scene.tmux("w", "new-window", "-d", "-n", "mine", "sleep 1000")
    pid = int(scene.tmux("w", "list-panes", "-a", "-f", "#{==:#{window_name},mine}", "-F", "#{pane_pid}"))
    scene.kill_daemon()
    scene.start()
    scene.marvel("delete", "workspace", "w", "--wait")
    assert os.path.exists(f"/proc/{pid}"), "somebody else's pane was closed"
    scene.marvel("stop", "--yes")
    assert os.path.exists(f"/proc/{pid}"), "somebody else's pane was closed"
    scene.tmux("w", "kill-server")
    return "(none: they are not looked at)"


def _with_tmux(scene: Scene, script: str | None) -> None:
    tools = scene.path / "tools"
    tools.mkdir()
    if script is not None:
        (tools / "tmux").write_text(script)
        (tools / "tmux").chmod(0o700)
    scene.environ["PATH"] = str(tools)


@fault("tmux", "not installed")
def missing(scene: Scene) -> str:
    scene.is_whole = False
    _with_tmux(scene, None)
    scene.refused("up", scene.write("[workspace]\nname='w'\n"), words="tmux")
    return scene.unstarted("tmux")


@fault("tmux", "too old")
def too_old(scene: Scene) -> str:
    scene.is_whole = False
    _with_tmux(scene, "#!/bin/sh\necho tmux 3.1c\n")
    return scene.unstarted("3.2a")


@fault("tmux", "something else by its name, of no known version")
def nonsense(scene: Scene) -> str:
    _with_tmux(scene, "#!/bin/sh\necho what?\n")
    scene.start()
    scene.work(role("/bin/sleep", "1000"))
    scene.see("session.start-delayed")
    assert scene.states() == {"t-r-g1-0": "pending"}
    return scene.told("session.start-delayed")


@fault("tmux", "TMUX set, no TERM, the C locale")
def bare_environment(scene: Scene) -> str:
    scene.environ |= {"TMUX": "/nowhere,1,0", "TMUX_PANE": "%9", "LC_ALL": "C"}
    for name in ("TERM", "LANG"):
        scene.environ.pop(name, None)
    scene.start()
    scene.work(role("sh", "-c", "echo grün; exec sleep 1000", "Übung"))
    [row] = scene.running(1)
    assert "grün" in scene.marvel("capture", row["key"]).stdout
    found = Path(f"/proc/{row['pid']}/environ").read_bytes()
    assert b"TMUX=/nowhere" not in found
    scene.kept([row])
    return "(none: all is as it should be)"
