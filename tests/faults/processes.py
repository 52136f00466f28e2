"""Agents that misbehave."""

import json
import os
import signal
import sys
from typing import Any

from tests.faults.scene import Scene, error_in, fault, pause
from tests.integration.home import until
from tests.integration.manifests import SLEEP, STUBBORN, manifest, role

NEVER = 'restart_policy = "never"'
SHORT_GRACE = '[team.role.stop]\ngrace = "300ms"\n'
NASTY = [
    *("two words", "it's", 'say "hi"', "line\nline", "$(touch pwned)", "`touch pwned`", ";", "a;", "&& x"),
    *("#{pane_id}", "#(touch pwned)", "-leading", "--", "grün 日本 🦀", "", "tab\there", "back\\slash", "~"),
    *("$HOME", "%1", "*", "\x1b[31m", "{x}", "x" * 100_000),
]
MANY = 1000


@fault("process", "ignores TERM and HUP, and its child left the group")
def stubborn(scene: Scene) -> str:
    scene.start()
    scene.work(role(*STUBBORN, more=NEVER, sections=SHORT_GRACE))
    [row] = scene.running(1)
    until(lambda: len(scene.processes(row["uid"])) >= 4, "its children run", scene.describe)
    scene.marvel("kill", row["key"], "--wait")
    assert scene.processes() == [], "something was left"
    return scene.told("session.ended")


@fault("process", "forks and exits; a grandchild in its own session")
def forks(scene: Scene) -> str:
    scene.start()
    text = "setsid sh -c 'sleep 1000 & exec sleep 1000' & sleep 0.3; exit 0"
    scene.work(role("sh", "-c", text, more=NEVER))
    until(lambda: scene.states() == {"t-r-g1-0": "succeeded"}, "it succeeded", scene.describe)
    scene.see("session.leftover")
    until(lambda: not scene.processes(), "what it left is ended")
    return scene.told("session.leftover")


@fault("process", "ends in every way there is: 0, 1, 255, by signals")
def ends(scene: Scene) -> str:
    ways: dict[str, tuple[str, Any]] = {
        "zero": ("exit 0", (0, None)),
        "one": ("exit 1", (1, None)),
        "most": ("exit 255", (255, None)),
        "kill": ("kill -KILL $$", (None, "KILL")),
        "segv": ("kill -SEGV $$", (None, "SEGV")),
        "hup": ("kill -HUP $$", (None, "HUP")),
    }
    scene.start()
    scene.work(*(role("sh", "-c", how, name=name, more=NEVER) for name, (how, _) in ways.items()))
    scene.see("session.ended", len(ways))
    seen = {r["role"]: (r["exit_status"], r["signal"]) for r in scene.sessions()}
    assert seen == {name: expected for name, (_, expected) in ways.items()}, seen
    return scene.told("session.ended")


@fault("process", "a command missing, not executable, a directory, no program")
def cannot_run(scene: Scene) -> str:
    (scene.path / "text").write_text("not a program")
    (scene.path / "text").chmod(0o600)
    (scene.path / "rubbish").write_bytes(b"\x7fELF\0\0rubbish")
    (scene.path / "rubbish").chmod(0o700)
    commands = {
        "missing": "no-such-agent",
        "nowhere": "./no-such-agent",
        "text": "./text",
        "directory": "/tmp",
        "rubbish": "./rubbish",
    }
    scene.start()
    scene.work(*(role(command, name=name, replicas=2) for name, command in commands.items()))
    until(lambda: len(scene.events("session.start-failed")) >= 4, "they failed", scene.describe)
    pause(1.0)
    details = {e["role"]: e["payload"].get("detail", "") for e in scene.events("session.start-failed")}
    assert set(commands) - {"rubbish"} <= set(details), details
    starts = [e for e in scene.events("session.start-failed") if e["role"] != "rubbish"]
    assert len(starts) == 4, "a broken command was tried again"
    return " / ".join(details[name] for name in ("missing", "text", "directory"))


@fault("process", "a cwd that is missing, a file, or goes while it runs")
def no_directory(scene: Scene) -> str:
    (scene.path / "file").write_text("")
    (scene.path / "goes").mkdir()
    scene.start()
    roles = [
        role(*SLEEP, name=name).replace("command", f'cwd = "{scene.path}/{name}"\ncommand', 1)
        for name in ("missing", "file", "goes")
    ]
    scene.work(*roles)
    scene.see("session.start-failed", 2)
    until(lambda: "running" in scene.states().values(), "one runs", scene.describe)
    (scene.path / "goes").rmdir()
    pid = scene.sessions("--role", "goes")[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    scene.see("session.start-failed", 3)
    details = sorted(e["payload"]["detail"] for e in scene.events("session.start-failed"))
    return " / ".join(details)


@fault("process", "arguments with everything in them, one of 100 kB")
def nasty_arguments(scene: Scene) -> str:
    scene.start()
    code = "import json,sys,time; json.dump(sys.argv[1:], open('argv','w')); time.sleep(1000)"
    arguments = [word.replace("{x}", "{index}") for word in NASTY]
    scene.work(role(sys.executable, "-c", code, *arguments))
    scene.running(1)
    file = scene.path / "argv"
    until(lambda: file.exists() and file.stat().st_size > 100_000, "it wrote its arguments", scene.describe)
    seen, wanted = json.loads(file.read_text()), [word.replace("{index}", "0") for word in arguments]
    assert seen == wanted, [pair for pair in zip(seen, wanted, strict=False) if pair[0] != pair[1]][:3]
    assert not (scene.path / "pwned").exists(), "a shell saw it"
    scene.marvel("get", "sessions", "-o", "wide")
    shown = scene.marvel("describe", scene.sessions()[0]["key"]).stdout
    assert "\x1b" not in shown, "an escape reached the terminal"
    return "(none: each arrived as it was)"


@fault("process", "one argument of 1 MB, more than the kernel takes")
def huge_argument(scene: Scene) -> str:
    scene.start()
    done = scene.marvel("work", scene.write(manifest(role("sleep", "x" * 1_000_000))), ok=False)
    if done.returncode:
        return error_in(done.stderr)
    scene.see("session.start-failed")
    return scene.told("session.start-failed")
