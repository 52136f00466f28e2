"""Another tmux is installed while agents run. Where the two cannot talk every surface says so."""

import shutil
from pathlib import Path

from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role

# To an older server: plain commands are answered, a control client is not.
NEWER = """#!/bin/sh
[ "$1" = -V ] && {{ echo "tmux 9.9"; exit; }}
for word; do [ "$word" = -C ] && {{ echo "open terminal failed: not a terminal"; exit 1; }}; done
exec {real} "$@"
"""


def put(home: Home, name: str) -> Path:
    """A directory before all others on the PATH of what is started next; the `tmux` to be in it."""
    (home.path / name).mkdir()
    home.environ["PATH"] = f"{home.path / name}:{home.environ['PATH']}"
    return home.path / name / "tmux"


def test_a_server_that_cannot_be_talked_to_is_reported_everywhere_until_it_can(home: Home) -> None:
    real = shutil.which("tmux") or ""
    old = put(home, "old")
    shutil.copy(real, old)
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    [agent] = home.processes()
    server = home.tmux_pid("w")
    home.kill_daemon()
    new = put(home, "new")
    new.write_text(NEWER.format(real=real), encoding="utf-8")
    new.chmod(0o700)
    old.chmod(0)  # it can't be run any more, as without its libraries
    home.start()
    until(lambda: home.events("tmux.server-unreachable"), "it is noticed")
    version = home.tmux("w", "display-message", "-p", "#{version}")
    words = f"server w is tmux {version} (pid {server}), tmux on PATH is 9.9: they cannot talk"
    assert [event["payload"] for event in home.events("tmux.server-unreachable")] == [{"reason": words}]
    assert words in home.marvel("daemon", "status").stdout
    assert words in home.marvel("get", "sessions").stderr
    assert words in home.marvel("why", "w/t-r-g1-0").stdout
    assert words in home.marvel("events", "--warnings").stdout
    doctor = home.marvel("doctor", ok=False)
    assert (doctor.returncode, words in doctor.stdout) == (1, True)
    assert words in home.marvel("stop", "--yes", "--timeout", "500ms", ok=False).stderr
    old.chmod(0o700)
    until(lambda: not home.processes(), "it is stopped now that its server can be talked to")
    assert home.daemon is not None
    home.daemon.wait(timeout=30)
    assert not Path(f"/proc/{agent}/exe").exists()


def test_agents_go_on_under_a_new_tmux_that_cannot_talk_to_their_server(home: Home) -> None:
    real = shutil.which("tmux") or ""
    old = put(home, "old")
    shutil.copy(real, old)
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    [agent] = home.processes()
    home.kill_daemon()
    new = put(home, "new")
    new.write_text(NEWER.format(real=real), encoding="utf-8")
    new.chmod(0o700)
    old.unlink()
    home.start()
    home.running(1)
    assert home.processes() == [agent]
    assert home.marvel("capture", "r-0").returncode == 0
    assert home.marvel("inject", "r-0", "x").stdout == "w/t-r-g1-0 typed\n"
    assert "/exe" in home.marvel("attach", "r-0", "--print").stdout
    home.marvel("kill", "r-0", "--wait")
    assert home.events("tmux.server-unreachable") == []
