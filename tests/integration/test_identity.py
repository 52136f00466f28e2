"""Who acts: the session whose process tree a caller is in, whatever its environment says; else a person."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from marvel.cli.catalog import COMMANDS, READS
from marvel.cli.daemon import app as daemons
from tests.integration.home import MARVEL, Home, fork_marvel, until
from tests.integration.manifests import SLEEP, manifest, role

SCALE = ("scale", "w/t", "--role", "r", "--replicas", "2")
CLEAN = f"env -i PATH=$PATH HOME=$HOME MARVEL_HOME=$MARVEL_HOME {shlex.join(MARVEL)}"
NAMED = f"env -u MARVEL_TOKEN {shlex.join(MARVEL)}"
BWRAP = "bwrap --ro-bind / / --dev /dev --proc /proc --unshare-pid --unshare-net --die-with-parent"


def agent(home: Home, *lines: str) -> str:
    """Have an agent of another team run shell lines; what it printed, once it came to their end."""
    said, done = home.path / "said", home.path / "done"
    script = home.path / "agent.sh"
    script.write_text("".join(f"{line}\n" for line in (*lines, f"touch {done}", "exec sleep 1000")))
    text = manifest(role("sh", "-c", f"exec sh {script} > {said}", name="a"), team="agents")
    home.marvel("work", home.write(text, "agents.toml"))
    until(done.exists, "the agent came to its end", lambda: said.read_text() if said.exists() else "")
    return said.read_text()


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(CLEAN, id="with a cleaned environment, as codex starts MCP servers"),
        pytest.param(NAMED, id="without its token, as gemini starts them"),
        pytest.param(f"env MARVEL_SESSION_UID=nobody MARVEL_TOKEN=x {shlex.join(MARVEL)}", id="as nobody"),
        pytest.param(f"setsid -w {CLEAN}", id="in a kernel session of its own"),
        pytest.param(f"sh -c '({CLEAN} \"$@\" &) ; sleep 0.1' -", id="without its parent"),
        pytest.param(f"{BWRAP} {CLEAN}", id="in a sandbox with pids of its own"),
    ],
)
def test_what_an_agent_starts_acts_as_the_agent(home: Home, caller: str) -> None:
    if caller.startswith(BWRAP) and not _has_bwrap():
        pytest.skip("bubblewrap can't be used here")
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    said = agent(home, f"{caller} {shlex.join(SCALE)}")
    until(lambda: home.events("session.refused"), "it was refused", lambda: said + home.describe())
    [refused] = home.events("session.refused")
    assert (refused["session"], refused["actor"]) == ("agents-a-g1-0", "session:w/agents-a-g1-0")
    assert not home.events("role.scaled")


def _has_bwrap() -> bool:
    if shutil.which("bwrap") is None:
        return False
    return subprocess.run([*BWRAP.split(), "true"], capture_output=True, check=False).returncode == 0


def test_another_sessions_name_does_not_make_its_own_process_another_session(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, name="supervisor"), role(*SLEEP))), "--wait")
    boss = next(row for row in home.sessions() if row["role"] == "supervisor")
    environ = Path(f"/proc/{boss['pid']}/environ").read_text().split("\0")
    stolen = shlex.join(line for line in environ if line.startswith(("MARVEL_SESSION_UID=", "MARVEL_TOKEN=")))
    agent(home, f"env {stolen} {shlex.join(MARVEL)} {shlex.join(SCALE)}")
    [refused] = home.events("session.refused")
    assert refused["session"] == "agents-a-g1-0"
    assert not home.events("role.scaled")


def test_without_a_daemon_too_and_what_only_people_do(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    go = home.path / "go"
    script = f"until [ -e {go} ]; do sleep 0.1; done; {CLEAN} {shlex.join(SCALE)}; {CLEAN} stop --yes"
    home.marvel("run", "--workspace", "w", "--", "sh", "-c", f"{script}; sleep 1000")
    home.running(2)
    home.kill_daemon()
    go.touch()
    until(lambda: len(home.events("session.refused")) == 2, "both were refused", home.describe)
    assert {event["session"] for event in home.events("session.refused")} == {"adhoc-0"}


def test_a_person_at_a_pane_of_marvels_tmux_stays_a_person(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    target = home.tmux("w", "list-panes", "-a", "-F", "#{pane_id}").split()[0]
    home.tmux("w", "split-window", "-t", target, f"MARVEL_HOME={home.path} {shlex.join((*MARVEL, *SCALE))}")
    until(lambda: home.events("role.scaled"), "it was scaled", home.describe)
    assert home.events("role.scaled")[0]["actor"].startswith("user:")


def test_an_agent_of_one_marvel_is_a_person_to_another(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    foreign = {
        "MARVEL_SESSION_UID": "0123456789abcdef",
        "MARVEL_TOKEN": "f" * 64,
        "MARVEL_SOCKET": "/tmp/another/marvel.sock",
    }
    done = subprocess.run(
        [*MARVEL, *SCALE], env={**home.environ, **foreign}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert home.events("role.scaled")[0]["actor"].startswith("user:")
    here = {**foreign, "MARVEL_SOCKET": str(home.path / "marvel.sock")}
    nobody = fork_marvel(SCALE, {**home.environ, **here}, home.path)
    assert nobody.returncode == 1
    assert "this session is no longer known" in nobody.stderr


TALK = """
import json, subprocess, sys
with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
    def ask(number, method, **params):
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        server.stdin.write(json.dumps(request) + "\\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())["result"]
    client = {"name": "t", "version": "1"}
    ask(1, "initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo=client)
    for number, (name, arguments) in enumerate(json.loads(sys.stdin.read()), 2):
        print(json.dumps(ask(number, "tools/call", name=name, arguments=arguments)))
    server.stdin.close()
"""


def test_an_mcp_server_with_a_cleaned_environment_is_the_agent_and_finds_its_marvel(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    calls = [
        ["heartbeat", {"context_percent": 41, "state": "working"}],
        ["scale", {"team": "w/t", "role": "r", "replicas": 3}],
    ]
    (home.path / "talk.py").write_text(TALK)
    (home.path / "calls.json").write_text(json.dumps(calls))
    clean = f"env -i PATH=$PATH HOME=$HOME {sys.executable} {home.path}/talk.py {shlex.join(MARVEL)} mcp"
    said = agent(home, f"{clean} < {home.path}/calls.json")
    beat, scaled = (json.loads(line) for line in said.splitlines())
    assert not beat["isError"], beat
    assert scaled["isError"]
    assert "was refused to w/agents-a-g1-0" in scaled["content"][0]["text"]
    until(lambda: _of(home, "a")["context_percent"] == 41, "its heartbeat counts", home.describe)


def _of(home: Home, name: str) -> dict[str, object]:
    return next(row for row in home.sessions() if row["role"] == name)


def test_a_heartbeat_without_proof_says_only_alive(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    beat = (
        "import json, os, socket\n"
        "with socket.socket(socket.AF_UNIX) as peer:\n"
        "    peer.connect(os.environ['MARVEL_SOCKET'])\n"
        "    words = {'session_key': os.environ['KEY'], 'context_percent': 50, 'state': 'waiting'}\n"
        "    peer.sendall(json.dumps({'method': 'heartbeat', 'params': words}).encode())\n"
        "    print(peer.makefile().read(), end='')\n"
    )
    (home.path / "beat.py").write_text(beat)
    own = "$MARVEL_WORKSPACE/$MARVEL_SESSION"
    said = agent(
        home,
        f"KEY=w/t-r-g1-0 {sys.executable} {home.path}/beat.py",
        f"KEY={own} {sys.executable} {home.path}/beat.py",
    )
    assert [json.loads(line) for line in said.splitlines()] == [{"result": {"status": "ok"}}] * 2
    until(lambda: _of(home, "a")["activity"] == "waiting", "its own word counts", home.describe)
    until(lambda: _of(home, "r")["last_heartbeat_at"], "the other is alive", home.describe)
    row = _of(home, "r")
    assert (row["activity"], row["context_percent"]) == (None, None)


# --- every command asks, or is a read ------------------------------------------------------------

ASKING = {
    "work": ["work m.toml"],
    "apply": ["apply m.toml"],
    "up": ["up m.toml"],
    "scale": ["scale w/t --role r --replicas 2"],
    "shift": [
        "shift w/t",
        "shift abort w/t",
        "shift pause w/t",
        "shift resume w/t",
        "shift undo w/t",
    ],
    "restart": ["restart w/t"],
    "delete": ["delete team w/t", "delete session r-0", "delete workspace w"],
    "run": ["run true"],
    "kill": ["kill r-0"],
    "attach": ["attach r-0"],
    "inject": ["inject r-0 x", "inject r-0 --keys Enter", "inject w/t x --force"],
    "daemon": ["daemon", "daemon -d"],
    "daemon install": ["daemon install --force"],
    "stop": ["stop --yes", "stop --keep-sessions"],
    "doctor --fix": ["doctor --fix"],
    "rebuild": ["rebuild"],
    "backup": ["backup copy.db"],
    "archive": ["archive --before 2"],
    "restore": ["restore copy.db --yes"],
}


def test_every_command_is_a_read_or_asks_whether_a_session_may(home: Home) -> None:
    daemon = {f"daemon {command.callback.__name__}" for command in daemons.registered_commands}
    assert {*ASKING} | READS == {*COMMANDS, *daemon, "doctor --fix"}
    assert not {*ASKING} & READS
    home.start()
    text = manifest(role(*SLEEP, replicas=2))
    home.marvel("work", home.write(text), "--wait")
    home.marvel("backup", "copy.db")
    environ = environment_of(home, "t-r-g1-0")
    (home.path / "m.toml").write_text(text.replace("1000", "999"))
    before = home.head()
    lines = [line for group in ASKING.values() for line in group]
    for number, line in enumerate(lines, 1):
        done = fork_marvel(line.split(), environ, home.path)
        assert done.returncode == 1, f"{line}: {done}"
        assert "was refused to w/t-r-g1-0" in done.stderr, f"{line}: {done.stderr}"
        if number <= 20:  # of more in so short a time not all are recorded
            assert len(home.events("session.refused")) == number, line
    kinds = [event["kind"] for event in home.events() if event["position"] > before]
    assert set(kinds) <= {"session.refused", "session.throttled"}
    assert not [*home.path.rglob("marvel.service")]


def environment_of(home: Home, name: str) -> dict[str, str]:
    """The environment of a session's process, with which a command acts as the session."""
    pid = next(row["pid"] for row in home.sessions() if row["name"] == name)
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return {**home.environ, **dict(line.partition("=")[::2] for line in lines if line)}


def test_reads_change_nothing_when_a_session_runs_them(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    environ, before = environment_of(home, "t-r-g1-0"), home.events()
    for line in (*(name for name in READS if name not in LASTING), "get s", "capture r-0", "why r-0"):
        fork_marvel(line.split(), environ, home.path)
    assert {event["actor"].partition(":")[0] for event in home.events()[len(before) :]} <= {"controller"}


LASTING = {"top", "mcp", "simulator", "heartbeat", "wait"}  # heartbeat is not a read, and each may do it
