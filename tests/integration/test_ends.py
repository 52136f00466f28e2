"""Sessions that end: what is seen, what is kept, what comes back."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marvel.daemon.processes import look_at
from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, STUBBORN, manifest, role


def test_a_killed_agent_is_replaced_at_once_and_its_signal_is_kept(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    old, other = home.running(2)
    os.kill(old["pid"], signal.SIGKILL)
    until(lambda: home.sessions()[0]["uid"] != old["uid"], "it is replaced", home.describe)
    new, same = home.running(2)
    assert (new["name"], new["restarts"], same["uid"]) == (old["name"], 1, other["uid"])
    [end] = home.events("session.ended")
    assert (end["uid"], end["payload"]["signal"], end["payload"]["state"]) == (old["uid"], "KILL", "failed")
    assert "KILL" in home.marvel("describe", "session", "w/t-r-g1-0").stdout


def test_every_exit_status_is_seen_exactly(home: Home) -> None:
    home.start()
    text = role("sh", "-c", "exit 7", replicas=60, more='restart_policy = "never"')
    # One that ends well proves the template, so that the others start together.
    text += role("sh", "-c", "sleep 0.2; exit 7", name="q", replicas=60, more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: len(home.events("session.ended")) == 120, "all have ended", home.describe)
    assert {event["payload"].get("exit_status") for event in home.events("session.ended")} == {7}
    assert len(home.events("session.started")) == 120


def test_a_crashing_role_backs_off_and_the_wait_outlives_the_daemon(home: Home) -> None:
    home.start()
    crashing = role("sh", "-c", "exit 1", more='backoff_initial = "2s"')
    home.marvel("work", home.write(manifest(crashing, role(*SLEEP, name="q"))))
    until(lambda: home.events("session.backed-off"), "it backs off", home.describe)
    waits = home.events("session.backed-off")[0]
    assert home.states()["t-r-g1-0"] == "crashloop-backoff"
    assert "until" in home.marvel("get", "sessions", "-o", "wide").stdout
    home.kill_daemon()
    home.start()

    def again() -> list[dict[str, Any]]:
        return [e for e in home.events("session.scheduled") if e["payload"].get("replaces") == waits["uid"]]

    until(again, "it is tried again", home.describe)
    due = waits["payload"]["restart_at"]
    assert due <= again()[0]["time"] / 1e6 < due + 5
    assert 2.0 <= waits["payload"]["delay"] <= 2.5
    assert [row["restarts"] for row in home.sessions() if row["role"] == "q"] == [0]


def test_never_is_one_process_ever(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role("sh", "-c", "exit 3", more='restart_policy = "never"'))))
    until(lambda: home.states() == {"t-r-g1-0": "failed"}, "it failed", home.describe)
    home.kill_daemon()
    home.start()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "2")
    until(lambda: home.states().get("t-r-g1-1") == "failed", "the second failed too", home.describe)
    assert len(home.events("session.started")) == 2
    home.marvel("restart", "w/t-r-g1-0")
    until(lambda: len(home.events("session.started")) == 3, "a person may restart it", home.describe)


def test_on_failure_leaves_what_succeeded(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role("true", replicas=2, more='restart_policy = "on-failure"'))))
    done = {"t-r-g1-0": "succeeded", "t-r-g1-1": "succeeded"}
    until(lambda: home.states() == done, "both succeeded", home.describe)
    assert len(home.events("session.started")) == 2


def test_a_spent_restart_budget_ends_in_failed_and_is_cleared_by_restart(home: Home) -> None:
    home.start()
    text = role("sh", "-c", "exit 1", more='max_restarts = 1\nbackoff_initial = "10ms"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: len(home.events("session.gave-up")) == 1, "it gave up", home.describe)
    [row] = home.sessions()
    assert (row["state"], row["reason"]) == ("failed", "restart-budget")
    home.marvel("restart", "r-0")
    until(lambda: len(home.events("session.gave-up")) == 2, "it tried again", home.describe)
    assert len(home.events("session.started")) == 4


def test_a_wrong_command_is_one_start_and_says_what_is_wrong(home: Home) -> None:
    home.start()
    told = home.marvel("work", home.write(manifest(role("no-such-agent", replicas=3))))
    assert "command no-such-agent not found" in told.stderr
    until(lambda: len(home.events("session.start-failed")) == 1, "it failed", home.describe)
    row = home.sessions()[0]
    assert (row["state"], row["reason"]) == ("failed", "invalid-runtime")
    assert "no-such-agent" in row["detail"]
    assert home.events("session.started") == []
    waited = home.marvel("wait", "w/t", "--timeout", "1s", ok=False)
    assert waited.returncode in (1, 3)
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))))
    home.running(3)


def test_kill_ends_the_whole_tree_however_stubborn(home: Home) -> None:
    home.start()
    text = role(*STUBBORN, more='restart_policy = "never"', sections='[team.role.stop]\ngrace = "300ms"\n')
    home.marvel("work", home.write(manifest(text)))
    [row] = home.running(1)
    until(lambda: len(home.processes(row["uid"])) >= 4, "its children run", home.describe)
    home.marvel("kill", row["key"], "--wait")
    assert home.processes(row["uid"]) == []
    assert home.sessions()[0]["state"] == "stopped"
    assert home.events("session.ended")[0]["payload"]["signal"] == "KILL"


# Deaf, in a session of its own, with an environment that tells nothing, and soon without its parent.
RUNAWAY = """trap 'exit 0' TERM; echo $$ > {pids}
env -i setsid sh -c 'trap "" TERM HUP; echo $$ >> {pids}; while :; do sleep 1; done' >/dev/null 2>&1 &
while :; do sleep 0.1; done"""
LEFT = "env -i nohup sh -c 'echo $$ > {pids}; exec sleep 1000' >/dev/null 2>&1 & sleep 0.3; exit 3"


@pytest.fixture
def pids(home: Home) -> Iterator[Path]:
    """A file in which processes tell their pids: nothing else finds them when marvel has not ended them."""
    file = home.path / "pids"
    yield file
    for pid in file.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def test_what_was_found_once_is_ended_though_its_parent_has_gone(home: Home, pids: Path) -> None:
    home.start()
    quick = '[team.role.stop]\ngrace = "300ms"\n'
    never = 'restart_policy = "never"'
    text = role("sh", "-c", RUNAWAY.format(pids=pids), more=never, sections=quick)
    home.marvel("work", home.write(manifest(text)))
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "its child runs", home.describe)
    home.marvel("kill", "r-0", "--wait")
    assert [look_at(int(pid)) for pid in pids.read_text().split()] == [None, None]


def test_a_crashed_agents_group_is_ended_though_its_environment_tells_nothing(home: Home, pids: Path) -> None:
    home.start()
    text = role("sh", "-c", LEFT.format(pids=pids), more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: home.events("session.leftover"), "the leftover is told", home.describe)
    [told] = home.events("session.leftover")
    assert told["payload"]["pids"] == [int(pids.read_text())]
    assert look_at(int(pids.read_text())) is None


def test_what_an_agent_leaves_behind_is_ended_and_told(home: Home) -> None:
    home.start()
    text = role("sh", "-c", "setsid sleep 1000 & sleep 0.2; exit 0", more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: home.states() == {"t-r-g1-0": "succeeded"}, "it succeeded", home.describe)
    until(lambda: home.events("session.leftover"), "the leftover is told", home.describe)
    assert home.processes() == []


DEV_SERVER = """
import os, signal, socket, sys, time
if not os.fork():
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), os._exit(0)))
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    open(sys.argv[2], "a").write("up\\n")
    while True:
        time.sleep(10)
time.sleep(1000)
"""


def test_a_crashed_agents_dev_server_gives_its_port_back_before_the_slot_is_refilled(home: Home) -> None:
    """The server needs half a second to end: a successor that started before would find the port in use."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ups = home.path / "ups"
    home.start()
    agent = (sys.executable, "-c", DEV_SERVER, str(port), str(ups))
    home.marvel("work", home.write(manifest(role(*agent))))
    until(lambda: ups.exists() and ups.read_text() == "up\n", "its dev server is up", home.describe)
    [old] = home.running(1)
    os.kill(old["pid"], signal.SIGKILL)
    until(lambda: ups.read_text() == "up\nup\n", "that of the next is up", home.describe)
    [new] = home.running(1)
    assert (new["uid"] != old["uid"], new["index"]) == (True, 0)
    [end], [leftover] = home.events("session.ended"), home.events("session.leftover")
    begun = home.events("session.scheduled")[1]
    assert end["position"] < leftover["position"] < begun["position"]


def test_the_last_lines_of_an_ended_session_are_kept(home: Home) -> None:
    home.start()
    text = role("sh", "-c", "seq 1 200; echo last words; exit 4", more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(text)))
    until(lambda: home.states() == {"t-r-g1-0": "failed"}, "it failed", home.describe)
    [row] = home.sessions()
    lines = (home.path / "sessions" / row["uid"] / "tail").read_text().splitlines()
    assert (len(lines), lines[-1], lines[0]) == (50, "last words", "152")
    assert "last words" in home.marvel("describe", "session", row["key"]).stdout


def test_a_restarted_team_is_replaced_one_at_a_time(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))), "--wait")
    before = {row["uid"] for row in home.running(3)}
    home.marvel("restart", "w/t", "--wait", "--timeout", "20s")
    assert not before & {row["uid"] for row in home.running(3)}
    alive = most = least = 3
    for event in home.events("session.%"):
        if event["kind"] == "session.stopping":
            alive -= 1
            least = min(least, alive)
        elif event["kind"] == "session.started" and event["position"] > 12:
            alive += 1 if alive < most else 0
    assert least == 2


def test_a_state_that_was_stopped_comes_back_with_the_next_daemon(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    home.marvel("run", "sleep", "100")
    home.running(3)
    home.marvel("stop")
    home.daemon.wait(timeout=20)  # type: ignore[union-attr]
    assert home.processes() == []
    assert home.tmux_pid("w") is None
    home.start()
    rows = home.running(2)
    assert {row["restarts"] for row in rows} == {1}
    assert {row["streak"] for row in rows} == {0}


def test_stop_with_a_dead_daemon_ends_what_it_left(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    home.kill_daemon()
    assert len(home.processes()) == 2
    home.marvel("stop")
    assert home.processes() == []
    assert home.tmux_pid("w") is None
    assert home.marvel("stop", ok=False).stderr.startswith("error: no daemon is running")


def test_keys_are_typed_before_the_signal(home: Home) -> None:
    home.start()
    script = 'trap "echo typed >$MARVEL_HOME/typed; exit 0" INT; trap "" TERM; while :; do sleep 0.1; done'
    text = role(
        "sh", "-c", script, more='restart_policy = "never"', sections='[team.role.stop]\nkeys = ["C-c"]\n'
    )
    home.marvel("work", home.write(manifest(text)))
    [row] = home.running(1)
    began = time.monotonic()
    home.marvel("kill", row["key"], "--wait")
    assert (home.path / "typed").exists()
    assert time.monotonic() - began < 10
