"""Agents seen and talked to by people, programs and other agents; on real tmux."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.integration.home import MARVEL, Home, fork_marvel, until
from tests.integration.manifests import manifest, role

CAT = ("cat",)
AS_IT_IS = ("sh", "-c", "echo began; read line; echo got $line; read again; exit 7")


def environment(home: Home, name: str) -> dict[str, str]:
    """What a session's own commands run with."""
    row = next(row for row in home.sessions() if row["name"] == name)
    words = Path(f"/proc/{row['pid']}/environ").read_bytes().decode().split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def as_session(home: Home, name: str, *argv: str) -> "subprocess.CompletedProcess[str]":
    """A command of marvel, run inside a session."""
    return fork_marvel(argv, environment(home, name), home.path)


def test_a_text_is_typed_to_whom_the_key_means_and_never_recorded(home: Home) -> None:
    home.start()
    text = manifest(role(*CAT, replicas=2), role(*CAT, name="q")) + (
        '[[endpoint]]\nname = "desk"\nteam = "t"\nrole = "r"\n'
    )
    home.marvel("work", home.write(text), "--wait")
    typed = home.marvel("inject", "w/t-r-g1-0", "--", "-x; #{pane_id} $HOME")
    assert typed.stdout == "w/t-r-g1-0 typed\n"
    until(lambda: "-x; #{pane_id} $HOME" in home.marvel("capture", "r-0").stdout, "it is on the screen")
    assert (
        home.marvel("inject", "w/t", "--role", "r", "-e", "-", stdin="all\n").stdout.count("submitted") == 2
    )
    assert home.marvel("inject", "w/desk", "hi").stdout == "w/t-r-g1-0 typed\n"
    assert home.marvel("inject", "q-0", "--keys", "C-c").stdout == "w/t-q-g1-0 typed\n"
    until(lambda: "failed" in {row["state"] for row in home.sessions("--all")}, "C-c ended it")
    events = home.events("session.injected")
    assert [event["payload"]["bytes"] for event in events] == [20, 3, 3, 2, 3]
    assert all(event["actor"].startswith("user:") for event in events)
    assert "all" not in json.dumps([event["payload"] for event in events])
    refused = home.marvel("inject", "w/nobody", "x", ok=False)
    assert (refused.returncode, "no such session or team" in refused.stderr) == (4, True)


def test_nobody_types_over_a_person_or_into_a_dialog(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*CAT))), "--wait")
    leader, follower = pty.openpty()
    terminal = subprocess.Popen(
        [*MARVEL, "attach", "r-0"],
        env={**home.environ, "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    try:
        os.close(follower)
        until(lambda: "xterm" in home.tmux("w", "list-clients"), "the person is attached")
        os.write(leader, b"half a li")
        until(lambda: "half a li" in home.marvel("capture", "r-0").stdout, "the person's text is there")
        refused = home.marvel("inject", "r-0", "x", ok=False)
        assert refused.returncode == 1
        assert "a person is typing there" in refused.stderr
        assert home.marvel("inject", "r-0", "x", "--force").stdout == "w/t-r-g1-0 typed\n"
        os.write(leader, b"\x02d")  # the prefix and d: detach
        assert terminal.wait(20) == 0
    finally:
        terminal.kill()
        terminal.wait(20)
        os.close(leader)
    assert home.states() == {"t-r-g1-0": "running"}
    assert as_session(home, "t-r-g1-0", "heartbeat", "--state", "waiting").returncode == 0
    until(lambda: home.sessions()[0]["activity"] == "waiting", "it waits for an answer")
    assert "waits for a person" in home.marvel("inject", "r-0", "y", ok=False).stderr
    late = home.marvel("inject", "r-0", "y", "--wait", "--timeout", "300ms", ok=False)
    assert late.returncode == 3
    assert home.events("session.injected")[-1]["payload"]["outcome"] == "failed"


def test_what_a_session_may_do_is_up_to_its_role_and_its_token(home: Home) -> None:
    home.start()
    roles = (role(*CAT), role(*CAT, name="helper", more='capabilities = ["scale"]'))
    file = home.write(manifest(*roles, role(*CAT, name="supervisor")))
    home.marvel("work", file, "--wait")
    home.marvel("run", "cat", "--workspace", "w", "--team", "other")
    scale = ("scale", "w/t", "--role", "r", "--replicas")
    refused = as_session(home, "t-r-g1-0", *scale, "5")
    assert refused.returncode == 1
    assert 'role r does not have the capability "scale"' in refused.stderr
    event = home.events("session.refused")[0]
    assert (event["session"], event["actor"]) == ("t-r-g1-0", "session:w/t-r-g1-0")
    assert event["payload"]["command"] == "scale w/t/r to 5"
    assert as_session(home, "t-helper-g1-0", *scale, "2").returncode == 0
    assert home.events("role.scaled")[0]["actor"] == "session:w/t-helper-g1-0"
    assert as_session(home, "t-helper-g1-0", "kill", "w/t-r-g1-0").returncode == 1
    assert as_session(home, "t-supervisor-g1-0", "kill", "w/t-r-g1-0").returncode == 0
    assert as_session(home, "t-helper-g1-0", "shift", "w/t", "--role", "r").returncode == 1
    assert as_session(home, "t-supervisor-g1-0", "shift", "w/t", "--role", "r").returncode == 0
    for words in (("kill", "w/adhoc-0"), ("work", file), ("stop", "--yes"), ("delete", "workspace", "w")):
        assert as_session(home, "t-supervisor-g1-0", *words).returncode == 1, words
    forged = environment(home, "t-supervisor-g1-0") | {
        "MARVEL_SESSION_UID": environment(home, "t-helper-g1-0")["MARVEL_SESSION_UID"]
    }
    lied = subprocess.run([*MARVEL, *scale, "7"], env=forged, capture_output=True, text=True, check=False)
    assert "MARVEL_TOKEN is not this session's" in lied.stderr
    assert as_session(home, "t-helper-g1-0", "get", "sessions").returncode == 0
    assert len(home.events("session.refused")) == 8
    home.whole()


def test_a_prompt_is_typed_once_whatever_happens_to_the_daemon(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*AS_IT_IS, more='prompt = "do {name}"\nlog_output = true'))))
    until(lambda: home.events("session.injected"), "it got its prompt", home.describe)
    home.kill_daemon()
    home.start()
    until(lambda: len(home.events("daemon.started")) == 2, "a new daemon")
    until(lambda: "got do t-r-g1-0" in home.marvel("logs", "r-0").stdout, "the agent has read it")
    assert home.marvel("logs", "r-0").stdout.startswith("began\n")
    assert len(home.events("session.prompted")) == 1
    home.marvel("inject", "r-0", "--keys", "Enter")
    until(lambda: home.events("session.ended"), "it ended")
    first = home.events("session.ended")[0]["uid"]
    assert "got do t-r-g1-0\n" in home.marvel("capture", first).stdout
    until(lambda: home.marvel("logs", "r-0", "--previous", ok=False).returncode == 0, "its successor runs")
    assert "got do t-r-g1-0\n" in home.marvel("logs", "r-0", "--previous").stdout
    assert home.marvel("attach", first, ok=False).returncode == 1


SCRIPT = """
import time
import marvel

def on_tick(pct, tick):
    agents = marvel.list_agents(role="agent")
    marvel.log("tick", tick, [agent.name for agent in agents])
    if tick == 2:
        marvel.kill_agent(agents[0].name)
        marvel.log("made", marvel.create_agent("cat"))
        marvel.scale_team("agent", 2)
    if tick == 3:
        while "t-agent-g1-1" not in [agent.name for agent in agents if agent.state == "running"]:
            time.sleep(0.05)
            agents = marvel.list_agents(role="agent")
        marvel.log("told", marvel.inject("t-agent-g1-1", "hello"))
        1 / 0
    if tick == 4:
        marvel.kill_agent("other/x-0")
"""


def test_a_supervisors_script_acts_and_its_errors_end_nothing(home: Home) -> None:
    home.start()
    home.write(SCRIPT, "script.py")
    scripted = role("simulator", "--tick", "1000", name="supervisor", sections='script = "script.py"\n')
    home.marvel("work", home.write(manifest(role(*CAT, name="agent"), scripted)), "--wait")
    until(lambda: "no such session: other/x-0" in home.marvel("capture", "supervisor-0").stdout, "it acted")
    screen = home.marvel("capture", "supervisor-0", "-J").stdout
    assert "script error: script.py, line 17: ZeroDivisionError" in screen
    assert "made visitor-0" in screen
    until(
        lambda: len(home.sessions("--role", "agent", "--state", "running")) == 2, "two agents", home.describe
    )
    acts = {event["kind"] for event in home.events() if event["actor"] == "session:w/t-supervisor-g1-0"}
    assert {"session.stopping", "session.scheduled", "role.scaled"} <= acts
    assert home.states()["t-supervisor-g1-0"] == "running"


def test_an_mcp_client_supervises_a_team(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*CAT), role(*CAT, name="supervisor"))), "--wait")
    calls = [
        ("initialize", {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t"}}),
        ("tools/list", {}),
        ("tools/call", {"name": "list_sessions", "arguments": {"team": "t"}}),
        ("tools/call", {"name": "inject", "arguments": {"key": "r-0", "text": "-a;\n\n", "enter": True}}),
        ("tools/call", {"name": "capture", "arguments": {"key": "r-0"}}),
        ("tools/call", {"name": "scale", "arguments": {"team": "w/t", "role": "r", "replicas": 2}}),
        ("tools/call", {"name": "scale", "arguments": {"team": "w/t"}}),
        ("tools/call", {"name": "describe", "arguments": {"key": "--help"}}),
        ("no/such", {}),
    ]
    lines = [json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}), "", "{"]
    lines += [
        json.dumps({"jsonrpc": "2.0", "id": n, "method": m, "params": p}) for n, (m, p) in enumerate(calls)
    ]
    served = subprocess.run(
        [*MARVEL, "mcp"],
        env=environment(home, "t-supervisor-g1-0"),
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in served.stdout.splitlines()]
    assert answers.pop(0)["error"]["code"] == -32700
    assert [answer["id"] for answer in answers] == list(range(len(calls)))
    assert answers[0]["result"]["protocolVersion"] == "2025-03-26"
    assert len(answers[1]["result"]["tools"]) == 9
    told = [answer["result"]["content"][0]["text"] for answer in answers[2:8]]
    assert [answer["result"]["isError"] for answer in answers[2:8]] == [False] * 4 + [True] * 2
    assert [row["name"] for row in json.loads(told[0])] == ["t-r-g1-0", "t-supervisor-g1-0"]
    assert told[1] == "w/t-r-g1-0 submitted"
    assert "-a;" in told[2]
    assert told[3] == "w/t/r scaled to 2"
    assert told[4].startswith("role is missing")
    assert "no such session" in told[5]
    assert answers[8]["error"]["code"] == -32601
    assert home.events("session.injected")[0]["payload"]["bytes"] == 5
    assert home.events("role.scaled")[0]["actor"] == "session:w/t-supervisor-g1-0"


def test_a_full_log_is_rotated_without_losing_a_line(home: Home) -> None:
    home.start()
    many = 1_700_000  # lines: more than one file holds
    talk = f"seq {many}; until test -e go; do sleep 0.05; done; echo last; exec sleep 1000"
    home.marvel("work", home.write(manifest(role("sh", "-c", talk, more="log_output = true"))))
    [row] = home.running(1)
    log = home.path / "sessions" / row["uid"] / "output.log"
    full = log.with_name("output.log.1")
    until(full.exists, "it is rotated", home.describe)
    (home.path / "go").touch()
    until(log.exists, "the fresh file is made, with its first bytes", home.describe)
    until(lambda: b"last" in log.read_bytes(), "what is printed later goes to the fresh file")
    lines = (full.read_bytes() + log.read_bytes()).decode().split()
    assert lines == [*map(str, range(1, many + 1)), "last"]
    assert {file.stat().st_mode & 0o777 for file in (log, full)} == {0o600}
    assert home.marvel("logs", "r-0", "-n", "1").stdout == "last\n"


def test_a_client_is_light_until_it_is_used() -> None:
    code = "import sys, marvel.client; print(sorted(m for m in sys.modules if m.startswith('marvel')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['marvel', 'marvel.client']\n"
