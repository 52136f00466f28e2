"""The cockpit on a real daemon: live sessions, their screens, acts, the daemon's death and return."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from marvel.settings import Paths
from marvel.top.app import Cockpit
from marvel.top.session import SessionScreen
from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role

SLOW_SECONDS = 45.0
PAINTER = ("sh", "-c", "echo painted by hand; exec sleep 1000")


async def seen(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    for _ in range(int(SLOW_SECONDS / 0.05)):
        if true():
            return
        await pilot.pause(0.05)
    raise AssertionError(pilot.app.export_screenshot())


def test_the_cockpit_shows_acts_and_survives_the_daemon(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*PAINTER, replicas=2))), "--wait")
    app = Cockpit(Paths(str(home.path)))

    def status() -> str:
        return str(app.screen_stack[0].query_one("#status", Static).content)

    def states() -> dict[str, str]:
        return {s["name"]: s["state"] for s in app.picture.sessions}

    async def fly(pilot: Pilot[int]) -> None:
        await seen(pilot, lambda: states() == {"t-r-g1-0": "running", "t-r-g1-1": "running"})
        app.fleet.find(next(line.id for line in app.fleet.lines if line.key == "w/t-r-g1-0"))
        first = app.fleet.line
        await pilot.press("enter")
        assert isinstance(app.screen, SessionScreen)
        await seen(
            pilot, lambda: "painted by hand" in str(app.screen.query_one("#text-screen", Static).content)
        )
        await pilot.press("k", "y")
        await seen(pilot, lambda: app.screen.chosen().id != first.id)  # it follows the slot to its successor
        await pilot.press("escape")
        await asyncio.to_thread(home.kill_daemon)
        await seen(pilot, lambda: "daemon is gone" in status())
        await asyncio.to_thread(home.start)
        await seen(pilot, lambda: "daemon is gone" not in status())
        app.fleet.find("r/w/t/r")
        await pilot.press("c", "backspace", "3", "enter")
        await seen(pilot, lambda: sorted(states().values()) == ["running"] * 3)

    async def run() -> None:
        async with app.run_test(size=(140, 45)) as pilot:
            await fly(pilot)

    asyncio.run(run())


@pytest.mark.parametrize("how", ["q", "SIGTERM", "SIGHUP"])
def test_the_terminal_is_given_back_however_it_ends(home: Home, how: str) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    environ = {**home.environ, "TERM": "xterm-256color"}
    mark = home.path / "pid"

    def tmux(*words: str) -> str:
        argv = ["tmux", "-S", str(home.path / "shell.sock"), "-f", "/dev/null", *words]
        return subprocess.run(
            argv, env=environ, capture_output=True, text=True, timeout=20, check=False
        ).stdout

    def modes(name: str) -> str:
        tmux(
            "send-keys",
            f"stty -g > {home.path}/{name}.new; mv {home.path}/{name}.new {home.path}/{name}",
            "Enter",
        )
        until(
            (home.path / name).exists,
            "the terminal's modes are known",
            lambda: tmux("capture-pane", "-p"),
        )
        return (home.path / name).read_text()

    try:
        tmux("new-session", "-d", "-x", "90", "-y", "20", "sh")
        before = modes("before")
        tmux("send-keys", f"sh -c 'echo $$ > {mark}; exec {sys.executable} -P -m marvel top'", "Enter")
        until(lambda: "1/1 ready" in tmux("capture-pane", "-p"), "the fleet is there")
        assert tmux("display-message", "-p", "#{alternate_on}").strip() == "1"
        if how == "q":
            tmux("send-keys", "q")
        else:
            os.kill(int(mark.read_text()), getattr(signal, how))
        until(lambda: tmux("display-message", "-p", "#{alternate_on}").strip() == "0", "it is gone")
        assert modes("after") == before
        assert tmux("display-message", "-p", "#{mouse_any_flag}#{bracket_paste_flag}").strip("\n") in (
            "0",
            "00",
        )
        assert "Traceback" not in tmux("capture-pane", "-p")
    finally:
        tmux("kill-server")


def test_attaching_leaves_the_cockpit_and_comes_back(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*PAINTER))), "--wait")
    environ = {**home.environ, "TERM": "xterm-256color"}

    def tmux(*words: str) -> str:
        argv = ["tmux", "-S", str(home.path / "shell.sock"), "-f", "/dev/null", *words]
        return subprocess.run(
            argv, env=environ, capture_output=True, text=True, timeout=20, check=False
        ).stdout

    def screen() -> str:
        return tmux("capture-pane", "-p")

    try:
        # TMUX is taken away: this stands for a plain terminal.
        line = json.dumps(f"env -u TMUX -u TMUX_PANE {sys.executable} -P -m marvel top").strip('"')
        tmux("new-session", "-d", "-x", "100", "-y", "24", line)
        tmux("set-option", "-g", "prefix", "None")  # C-b is for the inner one
        until(lambda: "1/1 ready" in screen(), "the fleet is there", screen)
        tmux("send-keys", "End")
        tmux("send-keys", "a")
        until(lambda: "Do it" in screen(), "it says what it will do", screen)
        tmux("send-keys", "y")
        until(lambda: "painted by hand" in screen() and "1/1 ready" not in screen(), "at the pane", screen)
        tmux("send-keys", "C-b", "d")
        until(lambda: "1/1 ready" in screen(), "the cockpit is back", screen)
        tmux("send-keys", "q")
    finally:
        tmux("kill-server")
