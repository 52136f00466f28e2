"""`contain = "bubblewrap"`: what an agent in a sandbox sees, how it speaks, and how it ends."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marvel.daemon.containment import usable
from marvel.runtimes import Unlaunchable
from tests.integration.home import MARVEL, Home, until
from tests.integration.manifests import SLEEP, manifest, role


def _why_not() -> str:
    try:
        usable(os.environ["PATH"])
    except Unlaunchable as why:
        return str(why)
    return ""


WHY_NOT = _why_not()
needs_bubblewrap = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
LOOP = "while :; do sleep 0.1; done"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory to work in, outside of the state directory."""
    made = Path(tempfile.mkdtemp(prefix="wk", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def contained(place: Path, script: str, name: str = "r", **fields: str) -> str:
    """A role that runs a shell script in a sandbox."""
    (place / f"{name}.sh").write_text(script)
    text = role("sh", f"{name}.sh", name=name, **fields)
    more = f'contain = "bubblewrap"\ncwd = {json.dumps(str(place))}\n'
    return text.replace('command = "sh"\n', f'command = "sh"\n{more}')


@needs_bubblewrap
def test_a_contained_agent_sees_its_directory_and_nothing_else_of_marvel(home: Home, place: Path) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP)), "other.toml"), "--wait")
    [other] = home.sessions()
    marvel = " ".join(MARVEL)
    script = f"""
for file in marvel.db token.key daemon.log head tmux/w.sock sessions/{other["uid"]} beats/{other["uid"]}; do
    [ -e "$MARVEL_HOME/$file" ] && echo "sees $file"
done
for file in /usr/x "$HOME/.marvel-test" "$PWD/mine" "$MARVEL_HOME/sessions/$MARVEL_SESSION_UID/mine"; do
    touch "$file" 2> /dev/null && echo "wrote $file"
done
ls -a "$HOME" | tr '\\n' ' '; echo
ps ax -o pid= | wc -l
{marvel} heartbeat --context 33 --state idle; echo "heartbeat $?"
MARVEL_SESSION_UID={other["uid"]} {marvel} scale w/t --role r --replicas 3; echo "scale $?"
touch "$MARVEL_BEAT"
touch done
{LOOP}
"""
    text = manifest(contained(place, f"exec > said 2>&1\n{script}"), team="box")
    home.marvel("work", home.write(text))
    until((place / "done").exists, "it came to its end", home.describe)
    said = (place / "said").read_text()
    assert "sees" not in said
    row = next(row for row in home.sessions() if row["team"] == "box")
    directory = home.path / "sessions" / row["uid"]
    assert [line for line in said.splitlines() if line.startswith("wrote")] == [
        f"wrote {os.environ.get('HOME')}/.marvel-test",  # which is not the real one
        f"wrote {place}/mine",
        f"wrote {directory}/mine",
    ]
    assert not Path(os.path.expanduser("~/.marvel-test")).exists()
    assert (directory / "mine").exists()
    assert "heartbeat 0" in said
    assert "scale 1" in said
    [refused] = home.events("session.refused")
    assert refused["session"] == "box-r-g1-0"  # whatever it says it is
    until(lambda: _of(home, "box")["heartbeats"] == 2, "both heartbeats counted", home.describe)
    row = _of(home, "box")
    assert (row["context_percent"], row["activity"]) == (33, "idle")


def _of(home: Home, team: str) -> dict[str, object]:
    return next(row for row in home.sessions() if row["team"] == team)


@needs_bubblewrap
def test_a_contained_agent_is_adopted_and_speaks_to_the_next_daemon(home: Home, place: Path) -> None:
    marvel = " ".join(MARVEL)
    home.start()
    script = f"until [ -e go ]; do sleep 0.1; done; {marvel} heartbeat --context 44; touch done; {LOOP}"
    home.marvel("work", home.write(manifest(contained(place, script))), "--wait")
    [before] = home.sessions()
    assert before["heartbeats"] == 0  # a file that was made is no heartbeat
    socket = home.path / "sessions" / before["uid"] / "marvel.sock"
    home.kill_daemon()
    socket.unlink()
    home.start()
    (place / "go").touch()
    until((place / "done").exists, "it has beaten", home.describe)
    until(lambda: home.sessions()[0]["context_percent"] == 44, "it was heard", home.describe)
    assert home.sessions()[0]["uid"] == before["uid"]
    assert len(home.events("session.started")) == 1


@needs_bubblewrap
def test_a_stop_reaches_the_agent_and_then_all_that_is_in_its_sandbox(home: Home, place: Path) -> None:
    home.start()
    script = f"""
trap 'echo asked > asked; sleep 0.3; echo went > went; exit 7' TERM
trap 'echo interrupted > interrupted' INT
env -i setsid sh -c 'trap "" TERM HUP; {LOOP}' &
touch done
{LOOP}
"""
    home.marvel("work", home.write(manifest(contained(place, script))))
    until((place / "done").exists, "it runs", home.describe)
    [row] = home.sessions()
    home.marvel("inject", "r-0", "--keys", "C-c", "--force")
    until((place / "interrupted").exists, "it was interrupted", home.describe)
    assert home.sessions()[0]["uid"] == row["uid"]
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "0")
    until(lambda: home.events("session.ended"), "it ended", home.describe)
    assert (place / "went").exists()
    assert home.processes(row["uid"]) == []
    assert not (home.path / "sessions" / row["uid"] / "marvel.sock").exists()
    assert not home.events("session.leftover")


@needs_bubblewrap
def test_a_contained_agents_exit_status_is_its_own(home: Home, place: Path) -> None:
    home.start()
    text = contained(place, "exit 7", more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: home.events("session.ended"), "it ended", home.describe)
    assert home.events("session.ended")[0]["payload"]["exit_status"] == 7


@needs_bubblewrap
def test_a_handoff_passes_from_one_sandbox_to_the_next_and_no_link_with_it(home: Home, place: Path) -> None:
    home.start()
    script = f"""
if [ -n "$MARVEL_HANDOFF_FROM" ]; then
    until [ -s "$MARVEL_HANDOFF_FROM" ]; do sleep 0.1; done
    cat "$MARVEL_HANDOFF_FROM" > received
fi
read request
ln -s "$MARVEL_HOME/token.key" "$MARVEL_HANDOFF.link"
echo "what you must know" > "$MARVEL_HANDOFF"
{LOOP}
"""
    handoff = '[team.role.shift]\nhandoff = "Write it."\nhandoff_timeout = "20s"\nmin_ready = "0s"\n'
    home.marvel("work", home.write(manifest(contained(place, script, sections=handoff))), "--wait")
    home.marvel("shift", "w/t", "--wait")
    until((place / "received").exists, "it was handed over", home.describe)
    until((place / "received").read_text, "all of it")
    assert (place / "received").read_text() == "what you must know\n"


@needs_bubblewrap
def test_what_a_contained_agent_puts_in_the_place_of_its_socket_harms_only_itself(
    home: Home, place: Path
) -> None:
    home.start()
    script = f"""
cd "$MARVEL_HOME/sessions/$MARVEL_SESSION_UID"
rm -f marvel.sock; mkdir -p marvel.sock/x marvel.sock.new/x
touch {place}/done
{LOOP}
"""
    home.marvel("work", home.write(manifest(contained(place, script), role(*SLEEP, name="q"))))
    until((place / "done").exists, "it did its worst", home.describe)
    home.running(2)
    home.kill_daemon(signal.SIGTERM)
    home.start()
    assert len(home.running(2)) == 2
    home.marvel("kill", "r-0", "--wait")


def test_where_no_sandbox_can_be_made_nothing_is_started_and_the_reason_is_told(
    home: Home, place: Path
) -> None:
    programs = place / "bin"
    programs.mkdir()
    for name in ("tmux", "sh", "env", "sleep", "python3"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    home.environ["PATH"] = str(programs)
    home.start()
    home.marvel("work", home.write(manifest(contained(place, LOOP))))
    until(lambda: home.events("session.start-failed"), "it failed", home.describe)
    fact = home.events("session.start-failed")[0]["payload"]
    assert fact["reason"] == "invalid-runtime"
    assert "bwrap was not found in the daemon's PATH: install bubblewrap" in fact["detail"]
    assert not home.events("session.started")


def test_a_kernel_that_allows_no_namespaces_is_named(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    (tmp_path / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
    with pytest.raises(Unlaunchable, match="can't make a sandbox here: bwrap: No permissions"):
        usable(str(tmp_path))
