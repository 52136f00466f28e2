"""Shifts on real tmux, by the command line."""

import json
from pathlib import Path

from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role

EXAMPLE = str(Path(__file__).resolve().parent.parent.parent / "examples" / "shift-demo.toml")
BEATS = '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "30s"\n'


def simulated(*args: str, shift: str, replicas: int = 2) -> str:
    return (
        f'[[team.role]]\nname = "a"\nreplicas = {replicas}\n'
        f'[team.role.runtime]\nimage = "simulator"\nargs = {json.dumps(list(args))}\n'
        f"{BEATS}[team.role.shift]\n{shift}\n"
    )


def silent(shift: str, *, replicas: int = 1, name: str = "r") -> str:
    """An agent that should beat and never does."""
    return (
        f'[[team.role]]\nname = "{name}"\nreplicas = {replicas}\n[team.role.runtime]\n'
        'image = "simulator"\ncommand = "/bin/sh"\nargs = ["-c", "exec sleep 1000"]\n'
        f"{BEATS}[team.role.shift]\n{shift}\n"
    )


def test_the_example_goes_from_generation_1_to_2_workers_before_the_supervisor(home: Home) -> None:
    home.start()
    home.marvel("work", EXAMPLE, "--wait")
    home.marvel("shift", "shift-demo/squad", "--wait", "--timeout", "20s")
    assert {row["generation"] for row in home.running(6)} == {2}
    assert [e["role"] for e in home.events("shift.completed")] == ["worker", "supervisor"]
    alive = ready = 0
    begun = home.events("shift.started")[0]["position"]
    for event in [event for event in home.events("session.%") if event["role"] == "worker"]:
        alive += (event["kind"] == "session.scheduled") - (event["kind"] == "session.ended")
        ready += (event["kind"] == "session.readied") - (event["kind"] == "session.stopping")
        assert alive <= 7
        assert ready >= 5 or event["position"] < begun
    told = home.marvel("shift", "history", "shift-demo/squad").stdout
    assert told.count("completed") == 2
    assert "no shift" in home.marvel("shift", "status", "shift-demo/squad").stdout
    heirs = home.sessions("--role", "worker")
    gone = {row["uid"] for row in home.sessions("--all")} - {row["uid"] for row in heirs}
    assert {row["predecessor"] for row in heirs} <= gone
    assert "Predecessor:" in home.marvel("describe", heirs[0]["key"]).stdout
    home.whole()


def test_a_template_that_never_gets_ready_aborts_by_itself_with_the_daemon_killed_between(
    home: Home,
) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    broken = home.write(manifest(silent('ready_timeout = "3s"', replicas=2)))
    home.marvel("work", broken)
    until(lambda: home.events("shift.started"), "it begins", home.describe)
    assert " launching " in home.marvel("get", "shifts").stdout
    home.kill_daemon()
    home.start()
    until(lambda: home.events("shift.rolled-back"), "it is run back", home.describe)
    assert {(row["generation"], row["ready"]) for row in home.running(2)} == {(1, True)}
    assert not [e for e in home.events("session.stopping") if e["generation"] == 1]
    assert "tries again" in home.marvel("get", "teams", "-o", "wide").stdout
    refused = home.marvel("work", broken, "--wait", ok=False)
    assert (refused.returncode, "was aborted" in refused.stderr) == (1, True)
    home.marvel("shift", "undo", "w/t")
    assert "undone" in home.marvel("get", "teams", "-o", "wide").stdout
    assert len(home.events("shift.started")) == 1
    home.whole()


def test_a_full_agent_is_replaced_inside_its_generation(home: Home) -> None:
    home.start()
    args = ("--tick", "200", "--context-start", "60", "--growth", "1", "1")
    home.marvel("work", home.write(manifest(simulated(*args, shift="context_percent = 80"))), "--wait")
    until(lambda: len(home.events("session.triggered")) >= 2, "both are full", home.describe)
    fired = home.events("session.triggered")
    until(
        lambda: {e["uid"] for e in fired[:2]} <= {e["uid"] for e in home.events("session.ended")},
        "they are replaced",
        home.describe,
    )
    assert {row["generation"] for row in home.sessions()} == {1}
    paired = {e["payload"]["predecessor"] for e in home.events("session.paired")}
    assert paired >= {e["uid"] for e in fired[:2]}


def test_a_handoff_is_typed_written_and_passed_on(home: Home) -> None:
    home.start()
    agent = 'read line; echo "$line" > "$MARVEL_HANDOFF"; read more; exec sleep 1000'
    heir = "[team.role.shift]\nhandoff = 'Write to $MARVEL_HANDOFF'\n"
    home.marvel("work", home.write(manifest(role("sh", "-c", agent, sections=heir))), "--wait")
    [old] = home.running(1)
    home.marvel("shift", "w/t", "--wait", "--timeout", "20s")
    [new] = home.running(1)
    assert (new["predecessor"], new["generation"]) == (old["uid"], 2)
    file = home.path / "sessions" / old["uid"] / "handoff.md"
    assert file.read_text() == f"Write to {file}\n"
    until(lambda: len(home.events("session.typed")) == 2, "both were typed into", home.describe)
    until(lambda: str(file) in home.tmux("w", "capture-pane", "-pJ", "-t", new["pane"]), "the heir is told")


def test_a_pause_holds_a_shift_and_an_abort_makes_its_wait_fail(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    home.marvel("work", home.write(manifest(silent('on_change = "manual"', name="r"))), "--wait")
    assert "waits for marvel shift" in home.marvel("get", "teams", "-o", "wide").stdout
    timed_out = home.marvel("shift", "w/t", "--wait", "--timeout", "300ms", ok=False)
    assert timed_out.returncode == 3
    assert "in progress" in home.marvel("shift", "w/t", ok=False).stderr
    home.marvel("shift", "pause", "w/t")
    assert " paused " in home.marvel("shift", "status", "w/t").stdout
    home.marvel("shift", "resume", "w/t")
    home.marvel("shift", "abort", "w/t", "--wait", "--timeout", "20s")
    assert home.events("shift.rolled-back")
    home.marvel("wait", "w/t", "--timeout", "20s")
    assert home.running(1)[0]["generation"] == 1


def test_undo_waits_for_the_generation_that_it_makes_and_so_does_wait(home: Home) -> None:
    home.start()
    for seconds in ("1001", "1002"):
        home.marvel("work", home.write(manifest(role("sleep", seconds, replicas=2))), "--yes")
        home.marvel("wait", "w/t", "--timeout", "20s")
    assert {row["generation"] for row in home.running(2)} == {2}
    home.marvel("shift", "undo", "w/t", "--wait", "--timeout", "20s")
    assert {row["generation"] for row in home.sessions()} == {3}
    home.whole()
