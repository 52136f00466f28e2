"""Health on real processes: who hangs is replaced, who is only unheard is not."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.integration.home import MARVEL, Home, until
from tests.integration.manifests import SLEEP, manifest, role

BEAT = '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "1s"\nfailure_threshold = 2\n'
LONG = '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "60s"\n'
SIMULATOR = ("simulator", "--tick", "100")


def simulated(more: str = "", check: str = BEAT) -> str:
    return manifest(role(*SIMULATOR, more=more, sections=check)).replace(
        "[team.role.runtime]", '[team.role.runtime]\nimage = "simulator"'
    )


def healthy(home: Home, uid: str = "") -> bool:
    [row] = home.sessions()
    return row["health"] == "healthy" and row["state"] == "running" and row["uid"] != uid


def ask(home: Home, text: bytes) -> dict[str, str]:
    """One request to the daemon's socket; its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(20)
        peer.connect(str(home.path / "marvel.sock"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.sendall(text)
        with contextlib.suppress(ConnectionResetError):
            answer: dict[str, str] = json.loads(peer.recv(65536) or b"{}")
            return answer
    return {}


def in_session(home: Home, uid: str) -> dict[str, str]:
    """The environment of a session's process."""
    pid = next(row["pid"] for row in home.sessions("--all") if row["uid"] == uid)
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.partition("=")[::2] for line in lines if line)


def test_an_agent_that_hangs_is_stopped_and_replaced_and_each_event_names_its_cause(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(simulated()))
    until(lambda: home.sessions() and healthy(home), "it is healthy", home.describe)
    [old] = home.sessions()
    os.kill(old["pid"], signal.SIGUSR1)
    until(lambda: healthy(home, old["uid"]), "another one is healthy", home.describe)
    tale = [e for e in home.events() if e["uid"] == old["uid"] and e["kind"] != "session.signaled"]
    end = tale[-5:]
    assert [e["kind"] for e in end] == [
        "health.missed",
        "health.missed",
        "health.changed",
        "session.stopping",
        "session.ended",
    ]
    assert [e["cause"] for e in end[1:]] == [e["position"] for e in end[:-1]]
    assert (end[-1]["payload"]["state"], end[-1]["payload"]["reason"]) == ("failed", "unhealthy")
    assert "unhealthy" in home.marvel("describe", "session", "w/t-r-g1-0").stdout
    assert "health.changed" in home.marvel("events", "--warnings").stdout
    home.whole()


def test_never_means_one_process_ever_and_on_failure_restarts_who_ended_well_when_told(home: Home) -> None:
    polite = ("sh", "-c", 'touch "$MARVEL_BEAT"; trap "exit 0" TERM; while :; do sleep 0.05; done')
    roles = [
        role(*polite, name=name, more=f'restart_policy = "{policy}"', sections=BEAT)
        for name, policy in (("n", "never"), ("f", "on-failure"))
    ]
    home.start()
    home.marvel("work", home.write(manifest(*roles)))

    def ended() -> bool:
        gone = {e["role"] for e in home.events("session.ended")}
        return gone == {"n", "f"} and len(home.events("session.scheduled")) >= 3

    until(ended, "both hang, one comes back", home.describe)
    assert [e["role"] for e in home.events("session.scheduled")].count("n") == 1
    never = next(row for row in home.sessions() if row["role"] == "n")
    assert (never["state"], never["reason"], never["exit_status"]) == ("failed", "unhealthy", 0)


def test_beats_by_file_socket_and_command_are_counted_also_those_made_while_no_daemon_ran(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, sections=LONG))), "--wait")
    [row] = home.running(1)
    uid, environ = row["uid"], in_session(home, row["uid"])
    beat = Path(environ["MARVEL_BEAT"])

    def beaten(count: int) -> None:
        until(lambda: home.sessions()[0]["heartbeats"] == count, f"{count} beats", home.describe)

    beat.touch()
    beaten(1)
    beat.touch()
    beaten(2)
    old = b'{"method":"heartbeat","params":{"session_key":"w/t-r-g1-0","context_percent":42.5}}'
    assert ask(home, old) == {"result": {"status": "ok"}}
    beaten(3)
    done = subprocess.run(
        [*MARVEL, "heartbeat", "--context", "55", "--state=idle"],
        env={**home.environ, **environ},
        check=True,
        timeout=30,
        capture_output=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    beaten(4)
    [row] = home.sessions()
    assert (row["context_percent"], row["activity"], row["health"]) == (55.0, "idle", "healthy")
    home.kill_daemon()
    beat.touch()
    home.start()
    beaten(5)
    assert home.running(1)[0]["uid"] == uid
    assert "Heartbeats:      5" in home.marvel("describe", "session", "w/t-r-g1-0").stdout
    assert len(home.events("session.signaled")) == 2  # the first, and one that said something new with proof


def test_garbage_on_the_socket_changes_nothing(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2, sections=LONG))), "--wait")
    one, other = home.running(2)
    key, head = one["key"], home.head()
    token = in_session(home, other["uid"])["MARVEL_TOKEN"]
    assert home.daemon is not None
    before = memory(home.daemon.pid)
    half_open = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(500)]
    try:
        for peer in half_open:
            peer.connect(str(home.path / "marvel.sock"))
        values = ("1e308", "-5", "1e999", "101", '"50"', "true", "[]", "1" * 4000)
        refused = [f'{{"session_key":"{key}","context_percent":{value}}}' for value in values]
        refused += [
            f'{{"session_key":"{key}","token":"{token}"}}',
            f'{{"session_key":"{key}","state":"stuck"}}',
        ]
        refused += ['{"session_key":"w/nobody"}', '{"uid":7}', "[]"]
        for params in refused:
            request = f'{{"method":"heartbeat","params":{params}}}\n'
            assert "error" in ask(home, request.encode()), params
        for garbage in (b"\xff" * 1000 + b"\n", b"[" * 60_000 + b"\n", b"null\n", b'{"method":"x"}\n'):
            assert "error" in ask(home, garbage)
        ask(home, b"x" * (64 << 20) + b"\n")
    finally:
        for peer in half_open:
            peer.close()
    assert (home.head(), memory(home.daemon.pid) < before + (32 << 20)) == (head, True)
    odd = {"session_key": key, "agent_session_id": "\ud800 \0 " + "x" * 1000}
    assert "result" in ask(home, json.dumps({"method": "heartbeat", "params": odd}).encode())
    until(lambda: home.events("session.signaled"), "an odd text is recorded", home.describe)


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_daemon_that_was_stopped_for_longer_than_all_timeouts_kills_nobody(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(simulated(check=BEAT.replace("= 2", "= 3"))))
    until(lambda: home.sessions() and healthy(home), "it is healthy", home.describe)
    [old] = home.sessions()
    assert home.daemon is not None
    home.daemon.send_signal(signal.SIGSTOP)
    time.sleep(3.5)  # the time itself is what is tested: more than what makes it unhealthy
    home.daemon.send_signal(signal.SIGCONT)
    until(lambda: home.events("daemon.stalled"), "it noticed", home.describe)
    count = old["heartbeats"]
    until(lambda: home.sessions()[0]["heartbeats"] > count + 10, "it beats on", home.describe)
    assert home.running(1)[0]["uid"] == old["uid"]
    assert {e["payload"]["health"] for e in home.events("health.changed")} == {"healthy"}


def test_an_agent_that_never_beat_is_left_alone_with_one_call_for_a_person(home: Home) -> None:
    calls = home.path / "calls"
    config = home.path / "config" / "marvel"
    config.mkdir(parents=True)
    argv = json.dumps(["sh", "-c", f"cat >> {calls}"])
    (config / "config.toml").write_text(f"on_attention = {argv}\n")
    check = BEAT.replace('"1s"', '"200ms"')
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, sections=check))), "--wait")
    until(lambda: calls.exists() and calls.read_text().endswith("\n"), "somebody is called", home.describe)
    home.kill_daemon()
    home.start()
    until(lambda: len(home.events("session.started")) == 1 and home.running(1), "it runs", home.describe)
    [call] = calls.read_text().splitlines()
    assert json.loads(call)["payload"]["reason"] == "no-beat"
    [event] = home.events("session.attention")
    assert json.loads(call)["position"] == event["position"]
    assert "never beat" in home.marvel("get", "sessions", "-o", "wide").stdout
    assert "no-beat" in home.marvel("describe", "session", "w/t-r-g1-0").stdout


PROBE = """#!/bin/sh
exec 9>>{log}
echo "start $MARVEL_SESSION $PWD" >&9
exec 8>>{lock}
flock -n 8 || echo twice >&9  # held by all that a probe started
test -e {broken} || exit 0
setsid sh -c 'trap "" TERM HUP; echo $$ >> {pids}; exec sleep 1000' &
echo $$ >> {pids}
sleep 1000
"""


def test_a_probe_that_hangs_and_forks_is_ended_as_a_tree_and_the_agent_replaced(home: Home) -> None:
    names = {name: home.path / name for name in ("log", "broken", "pids", "lock")}
    probe = home.path / "probe"
    probe.write_text(PROBE.format(**names))
    probe.chmod(0o755)
    check = '[team.role.healthcheck]\ntype = "exec"\ncommand = ["./probe"]\ninterval = "100ms"\n'
    check += 'timeout = "300ms"\nfailure_threshold = 2\n'
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, sections=check))))
    until(lambda: home.sessions() and healthy(home), "the probe passes", home.describe)
    [old] = home.sessions()
    assert names["log"].read_text().splitlines()[0] == f"start {old['name']} {home.path}"
    names["broken"].touch()
    until(lambda: home.events("session.ended"), "it is stopped", home.describe)
    names["broken"].unlink()
    until(lambda: healthy(home, old["uid"]), "the next one passes", home.describe)
    missed = home.events("health.missed")
    assert [e["payload"]["misses"] for e in missed[:2]] == [1, 2]
    assert "timed out" in missed[0]["payload"]["reason"]
    pids = [int(line) for line in names["pids"].read_text().split()]
    assert len(pids) >= 4
    until(lambda: not any(runs(pid) for pid in pids), "no process of a probe is left")
    assert "twice" not in names["log"].read_text()


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_probe_that_can_not_be_run_is_unknown_and_harms_nobody(home: Home) -> None:
    check = '[team.role.healthcheck]\ntype = "exec"\ncommand = ["no-such-probe"]\ninterval = "50ms"\n'
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, sections=check + "failure_threshold = 1\n"))))
    until(lambda: home.events("health.changed"), "it is told", home.describe)
    [row] = home.running(1)
    assert not row["ready"]  # no pass, not ready
    assert (row["health"], row["restarts"], home.events("health.missed")) == ("unknown", 0, [])
    assert "no-such-probe" in home.marvel("get", "sessions", "-o", "wide").stdout
