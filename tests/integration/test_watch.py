"""Watching on real tmux: every change once, whatever becomes of the daemon; a table that leaves no trace."""

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.integration.home import MARVEL, Home, until
from tests.integration.manifests import SLEEP, manifest, role


def test_every_change_arrives_once_in_order_also_across_a_daemons_death(home: Home, tmp_path: Path) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    lines = tmp_path / "lines"
    with lines.open("wb") as output:
        watch = subprocess.Popen(
            [*MARVEL, "get", "sessions", "--all", "-w"],
            env=home.environ,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
    try:
        until(lambda: lines.read_bytes().count(b"\n") == 2, "what is there is told first")
        begun = max(json.loads(line)["position"] for line in lines.read_text().splitlines())
        home.marvel("scale", "w/t", "--role", "r", "--replicas", "5")
        os.kill(home.running(5)[0]["pid"], signal.SIGKILL)
        home.kill_daemon()
        home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
        home.start()
        home.marvel("shift", "w/t", "--wait", "--timeout", "30s")
        wanted = [(e["position"], e["uid"]) for e in home.events() if e["uid"] and e["position"] > begun]
        until(lambda: f'"position":{wanted[-1][0]},' in lines.read_text(), "the last one is told")
    finally:
        watch.terminate()
        watch.wait(20)
    told = [json.loads(line) for line in lines.read_text().splitlines()]
    seen = [(line["position"], line["object"]["uid"]) for line in told if line["position"] > begun]
    assert len(seen) == len(set(seen))
    assert [position for position, _ in seen] == sorted(position for position, _ in seen)
    assert set(wanted) <= set(seen)
    kept: dict[str, dict[str, object]] = {}
    for line in told:
        assert (line["object"]["uid"] in kept) == (line["type"] != "added")
        kept[line["object"]["uid"]] = line["object"]
    shown = {row["uid"]: row["state"] for row in home.sessions("--all")}
    assert {uid: kept[uid]["state"] for uid in shown} == shown


def test_events_are_followed_and_changes_after_a_position_come_first(home: Home, tmp_path: Path) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    begun = home.head()
    files = [tmp_path / name for name in ("events", "changes")]
    argvs = (
        ["events", "-f", "-n", "1", "-o", "jsonl", "--kind", "session.*"],
        ["get", "sessions", "-w", "--after", str(begun)],
    )
    readers = []
    for argv, file in zip(argvs, files, strict=True):
        with file.open("wb") as output:
            readers.append(
                subprocess.Popen([*MARVEL, *argv], env=home.environ, stdout=output, stderr=subprocess.DEVNULL)
            )
    try:
        until(files[0].read_text, "the events are followed")
        home.marvel("scale", "w/t", "--role", "r", "--replicas", "2")
        home.running(2)
        home.kill_daemon()
        home.start()
        home.marvel("kill", "r-0", "--wait")
        home.running(2)
        wanted = [e["position"] for e in home.events("session.%") if e["position"] > begun]
        last = f'"position":{wanted[-1]}'
        until(lambda: all(last in file.read_text().replace(" ", "") for file in files), "both got to the end")
    finally:
        for reader in readers:
            reader.terminate()
            reader.wait(20)
    _before, *followed = [json.loads(line)["position"] for line in files[0].read_text().splitlines()]
    assert followed == wanted
    changed = {json.loads(line)["position"] for line in files[1].read_text().splitlines()}
    assert set(wanted) <= changed
    assert min(changed) > begun


def test_the_live_table_is_sorted_helps_and_gives_the_terminal_back(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))), "--wait")
    shell = home.path / "shell.sock"
    environ = {**home.environ, "TERM": "xterm-256color"}

    def tmux(*words: str) -> str:
        argv = ["tmux", "-S", str(shell), "-f", "/dev/null", *words]
        return subprocess.run(
            argv, env=environ, capture_output=True, text=True, timeout=20, check=False
        ).stdout

    def screen() -> list[str]:
        return [line.rstrip() for line in tmux("capture-pane", "-p").splitlines()]

    def names() -> list[str]:
        return [line.split()[4] for line in screen()[1:] if line.startswith("w ")]

    line = " ".join([*MARVEL, "get", "sessions", "-w"])
    try:
        tmux("new-session", "-d", "-x", "120", "-y", "20", "sh")
        until(lambda: any(screen()), "the shell asks")  # else its first answer stands beside its prompt
        tmux("send-keys", f"stty -g > {home.path}/before; echo before", "Enter")
        tmux("send-keys", line, "Enter")
        until(
            lambda: names() == [f"t-r-g1-{n}" for n in range(3)],
            "the table is there",
            lambda: "\n".join(screen()),
        )
        tmux("send-keys", "n", "n")  # by name, then the other way round
        until(lambda: names() == [f"t-r-g1-{n}" for n in (2, 1, 0)], "it is sorted")
        home.marvel("scale", "w/t", "--role", "r", "--replicas", "1")
        until(lambda: names() == ["t-r-g1-0"], "it follows")
        home.kill_daemon()
        until(lambda: any("daemon is gone" in row for row in screen()), "it says that nobody keeps it")
        tmux("send-keys", "h")
        until(lambda: any("reverses" in row for row in screen()), "it helps")
        tmux("send-keys", "h")
        tmux("resize-window", "-x", "60", "-y", "10")
        until(lambda: names() == ["t-r-g1-0"], "it follows the terminal")
        tmux("send-keys", "q")
        until(
            lambda: "before" in screen() and not names(),
            "the terminal is as it was",
            lambda: "\n".join(screen()),
        )
        tmux("send-keys", f"stty -g > {home.path}/after", "Enter")
        modes = [home.path / name for name in ("before", "after")]
        until(lambda: modes[1].exists() and modes[1].read_text(), "its modes are known")
        assert modes[0].read_text() == modes[1].read_text()
    finally:
        tmux("kill-server")
