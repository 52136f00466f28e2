"""What is ours stays ours: modes, secrets, and agents that put something else in our files' places."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role

SECRETS = {"env": "env-secret-7d1f", "from": "from-secret-7d1f", "file": "file-secret-7d1f"}


def files_of(home: Home) -> dict[str, int]:
    """Mode by name of all that marvel made; what agents and the test made are left out."""
    found = {}
    for directory, names, files in os.walk(home.path):
        for name in [*names, *files]:
            path = Path(directory, name)
            with_us = path.relative_to(home.path)
            if with_us.parts[0] not in ("m.toml", "config") and with_us.parent != Path("beats"):
                found[str(with_us)] = stat.S_IMODE(path.lstat().st_mode)
    return found


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_everything_is_private_whatever_the_umask(home: Home, umask: int) -> None:
    before = os.umask(umask)
    try:
        home.start()
        home.marvel(
            "work", home.write(manifest(role(*SLEEP, replicas=2, more="log_output = true"))), "--wait"
        )
        old = home.running(2)[0]
        os.kill(old["pid"], signal.SIGKILL)
        until(lambda: home.events("session.ended"), "its end is seen", home.describe)
        home.running(2)
        home.marvel("inject", "w/t-r-g1-1", "hello")
    finally:
        os.umask(before)
    found = files_of(home)
    assert {"marvel.db", "token.key", "daemon.log", "daemon.lock", "marvel.sock"} <= set(found)
    assert any(name.endswith("tail") for name in found)
    assert any(name.endswith("output.log") for name in found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def command_lines() -> str:
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                lines.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(lines)


def test_secrets_are_in_no_command_line_no_reader_and_where_not_asked_for_not_in_the_log(home: Home) -> None:
    home.environ["FROM"] = SECRETS["from"]
    (home.path / "env").write_text(f"FILE={SECRETS['file']}\n")
    home.start()
    text = role(*SLEEP, more="log_output = true").replace(
        "[team.role.runtime]",
        f'[team.role.runtime]\nenv = {{ TOLD = "{SECRETS["env"]}" }}\n'
        f'env_from = ["FROM"]\nenv_file = "{home.path}/env"',
    )
    home.marvel("work", home.write(manifest(text)), "--wait")
    [row] = home.running(1)
    environ = Path(f"/proc/{row['pid']}/environ").read_text()
    assert all(secret in environ for secret in SECRETS.values())
    token = environ.split("MARVEL_TOKEN=")[1].split("\0")[0]
    key = (home.path / "token.key").read_bytes()
    everywhere = [*SECRETS.values(), token, key.hex()]

    shown = command_lines()
    for line in (
        "describe w/t-r-g1-0",
        "describe w/t-r-g1-0 -o json",
        "describe team w/t",
        "describe team w/t -o json",
        "get sessions -o json",
        "get teams -o json",
        "events -n 1000",
        "events -o json",
        "export w",
        "daemon logs -n 1000",
        "daemon status -o json",
        "diff m.toml",
    ):
        done = home.marvel(*line.split(), ok=False)
        shown += done.stdout + done.stderr
    shown += (home.path / "daemon.log").read_text()
    assert [secret for secret in everywhere if secret in shown] == []

    in_log = json.dumps(home.events(), default=str)
    assert [name for name, secret in SECRETS.items() if secret in in_log] == ["env"]
    assert token not in in_log
    stored = b"".join(path.read_bytes() for path in home.path.glob("marvel.db*"))
    assert token.encode() not in stored
    assert key not in stored


SPOILS = """
import os, sys, time
os.chdir(os.path.join(os.environ["MARVEL_HOME"], "sessions", os.environ["MARVEL_SESSION_UID"]))
for name in ("tail", "output.log", "typing.lock", "handoff.md"):
    if os.path.lexists(name):
        os.unlink(name)
    os.mkfifo(name)
time.sleep(float(sys.argv[1]))
"""


def test_an_agent_that_puts_fifos_in_our_files_places_holds_up_nobody(home: Home) -> None:
    home.start()
    spoiler = role("python3", "-c", SPOILS, "1000", more="log_output = true")
    home.marvel("work", home.write(manifest(spoiler, role(*SLEEP, name="q"))), "--wait")
    spoiled = next(row for row in home.running(2) if row["role"] == "r")
    fifo = home.path / "sessions" / spoiled["uid"] / "handoff.md"
    until(fifo.exists, "it has spoiled its files")
    home.marvel("logs", spoiled["key"])
    home.kill_daemon()
    home.start()  # pipes what is to be logged anew
    os.kill(spoiled["pid"], signal.SIGKILL)  # its last lines can't be kept
    until(lambda: home.events("session.ended"), "its end is seen", home.describe)
    home.running(2)
    home.marvel("describe", spoiled["uid"], ok=False)
    assert home.marvel("daemon", "status").returncode == 0


@pytest.mark.parametrize("name", ["daemon.lock", "daemon.log", "token.key"])
def test_what_cannot_be_made_in_the_state_directory_is_named(home: Home, name: str) -> None:
    (home.path / name).mkdir()
    done = home.marvel("daemon", ok=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {home.path}/{name} is not a regular file\nhint: move it away: marvel makes it again\n"
    )


def test_a_link_in_the_state_directory_starts_no_daemon(home: Home) -> None:
    (home.path / "tmux").symlink_to("/tmp")
    done = home.marvel("daemon", ok=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"error: {home.path}/tmux is a symbolic link\nhint: set MARVEL_HOME to where the files are\n",
    )
