"""Daemon, tmux and their deaths: nothing is lost, nothing is doubled."""

import os
import random
import signal
import time
from collections import Counter

from marvel.store.bell import ring
from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role

DEATHS = 6  # of the daemon, in the suite; MARVEL_DEATHS asks for more


def doubled(home: Home) -> list[bytes]:
    """Session uids that more than one process carries (the agents of the test have no children)."""
    uids: Counter[bytes] = Counter()
    for pid in home.processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                uids.update(v for v in file.read().split(b"\0") if v.startswith(b"MARVEL_SESSION_UID="))
        except OSError:
            continue
    return [uid for uid, count in uids.items() if count > 1]


def test_a_daemon_killed_at_any_moment_loses_and_doubles_no_agent(home: Home) -> None:
    draw = random.Random(7)
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))), "--wait")
    throughout = {row["uid"] for row in home.running(3)}
    home.kill_daemon()
    for _ in range(int(os.environ.get("MARVEL_DEATHS", DEATHS))):
        home.start_really()
        time.sleep(draw.random() * 0.5)  # the moment is the test
        home.marvel("scale", "w/t", "--role", "r", "--replicas", str(draw.choice((3, 5, 8, 12))))
        time.sleep(draw.random() * 0.3)
        home.kill_daemon()
        assert doubled(home) == []
    home.start()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "6")
    rows = home.running(6)
    until(lambda: sorted(home.processes()) == sorted(row["pid"] for row in home.sessions()), "no orphan")
    assert throughout <= {row["uid"] for row in rows}
    assert {row["restarts"] for row in rows} == {0}
    home.whole()


def test_term_ends_the_daemon_and_leaves_the_agents(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    before = home.running(2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        home.kill_daemon(number)
        assert sorted(home.processes()) == sorted(row["pid"] for row in before)
        home.start()
    assert home.running(2) == before
    assert len(home.events("daemon.stopped")) == 3


def test_a_deleted_tmux_socket_loses_no_agent_with_the_daemon_killed(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    before = {row["pid"] for row in home.running(2)}
    (home.path / "tmux" / "w.sock").unlink()
    home.kill_daemon()
    home.start()
    until(lambda: len(home.events("daemon.started")) == 2, "a new daemon", home.describe)
    assert {row["pid"] for row in home.running(2)} == before
    assert home.events("tmux.server-lost") == home.events("session.ended") == []
    home.whole()


def test_an_agent_that_ended_while_no_daemon_ran_is_seen_by_the_next(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    old = home.running(2)[0]
    home.kill_daemon()
    os.kill(old["pid"], signal.SIGKILL)
    home.start()
    until(lambda: home.events("session.ended"), "its end is seen", home.describe)
    assert home.events("session.ended")[0]["payload"]["signal"] == "KILL"
    home.running(2)


def test_the_death_of_a_tmux_server_is_one_incident_of_its_workspace(home: Home) -> None:
    home.start()
    stays = role(*SLEEP, name="q", more='restart_policy = "never"')
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3), stays, workspace="a")), "--wait")
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2), workspace="b")), "--wait")
    untouched = [row["uid"] for row in home.running(6) if row["workspace"] == "b"]
    killed = home.tmux_pid("a") or 0
    os.kill(killed, signal.SIGKILL)

    def back() -> bool:
        rows = home.sessions("--workspace", "a", "--role", "r")
        return all(row["state"] == "running" and row["restarts"] == 1 for row in rows)

    until(back, "all are back", home.describe)
    [lost] = home.events("tmux.server-lost")
    assert lost["payload"]["sessions"] == 4
    assert lost["payload"]["server"].startswith(f"{killed}/")
    assert {row["streak"] for row in home.sessions("--workspace", "a")} == {0}
    [kept] = home.sessions("--role", "q")
    assert (kept["state"], kept["reason"]) == ("failed", "tmux-server-lost")
    assert [row["uid"] for row in home.sessions("--workspace", "b")] == untouched
    home.whole()


def test_a_wedged_tmux_server_changes_nothing_and_harms_no_other_workspace(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2), workspace="a")), "--wait")
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2), workspace="b")), "--wait")
    before = home.running(4)
    wedged = home.tmux_pid("a") or 0
    os.kill(wedged, signal.SIGSTOP)
    try:
        home.marvel("scale", "a/t", "--role", "r", "--replicas", "3")
        home.marvel("scale", "b/t", "--role", "r", "--replicas", "3")
        until(lambda: len(home.sessions("--workspace", "b", "--state", "running")) == 3, "b goes on")
        assert home.events("session.ended") == []
    finally:
        os.kill(wedged, signal.SIGCONT)
    rows = home.running(6)
    assert {row["uid"] for row in before} <= {row["uid"] for row in rows}
    until(lambda: len(home.processes()) == 6, "none is doubled", home.describe)


def test_a_pane_that_a_person_closes_is_an_ended_session(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    old = home.running(2)[0]
    home.tmux("w", "kill-pane", "-t", old["pane"])
    until(lambda: home.events("session.ended"), "its end is seen", home.describe)
    home.running(2)
    assert home.processes(old["uid"]) == []


def test_panes_of_others_on_our_server_are_never_touched(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    home.tmux("w", "new-window", "-d", "-n", "mine", "sleep 1000")
    pid = int(home.tmux("w", "list-panes", "-a", "-f", "#{==:#{window_name},mine}", "-F", "#{pane_pid}"))
    home.kill_daemon()
    home.start()
    home.running(1)
    home.marvel("delete", "workspace", "w", "--wait")
    assert home.sessions() == []
    assert os.path.exists(f"/proc/{pid}")
    home.tmux("w", "kill-server")


def test_a_pane_of_this_log_that_no_session_owns_is_stopped(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    log_id = home.events("log.created")[0]["payload"]["log_id"]
    home.kill_daemon()
    home.tmux("w", "new-window", "-d", "-n", "stray", "sleep 1000")
    pane = home.tmux("w", "list-panes", "-a", "-f", "#{==:#{window_name},stray}", "-F", "#{pane_id}")
    for name, value in (("@marvel_uid", "stray"), ("@marvel_log", log_id)):
        home.tmux("w", "set-option", "-p", "-t", pane, name, value)
    home.start()
    until(lambda: home.events("pane.orphaned"), "the orphan is told", home.describe)
    until(lambda: pane not in home.tmux("w", "list-panes", "-a", "-F", "#{pane_id}").split(), "it is gone")
    home.running(1)


def test_a_stamp_that_is_an_option_of_the_server_makes_nobodys_pane_an_orphan(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    log_id = home.events("log.created")[0]["payload"]["log_id"]
    home.kill_daemon()
    home.tmux("w", "new-window", "-d", "-n", "mine", "sleep 1000")
    mine = home.tmux("w", "list-panes", "-a", "-f", "#{==:#{window_name},mine}", "-F", "#{pane_pid}")
    home.tmux("w", "new-window", "-d", "-n", "stray", "sleep 1000")
    stray = home.tmux("w", "list-panes", "-a", "-f", "#{==:#{window_name},stray}", "-F", "#{pane_id}")
    for name, value in (("@marvel_uid", "stray"), ("@marvel_log", log_id)):
        home.tmux("w", "set-option", "-g", name, value)
        home.tmux("w", "set-option", "-p", "-t", stray, name, value)
    home.start()
    until(lambda: home.events("pane.orphaned"), "the orphan is told", home.describe)
    until(lambda: stray not in home.tmux("w", "list-panes", "-a", "-F", "#{pane_id}").split(), "it is gone")
    assert [event["payload"]["pane"] for event in home.events("pane.orphaned")] == [stray]
    assert os.path.exists(f"/proc/{mine}")


def test_an_agent_that_writes_over_its_stamp_is_not_lost(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    before = home.running(2)
    log_id = home.events("log.created")[0]["payload"]["log_id"]
    forged = f"x\n%99|{os.getpid()}|0||9|1||f01|{log_id}\n%98|zz|1|0|9|1||f02|{log_id}"
    home.tmux("w", "set-option", "-p", "-t", before[0]["pane"], "@marvel_log", forged)
    home.kill_daemon()
    home.start()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
    rows = home.running(3)
    assert {row["uid"] for row in before} <= {row["uid"] for row in rows}
    assert home.events("session.ended") == home.events("pane.orphaned") == []
    home.marvel("kill", f"w/{before[0]['name']}")
    until(lambda: home.processes(before[0]["uid"]) == [], "it is ended like any", home.describe)


def test_servers_that_are_lost_one_after_the_other_come_back_after_pauses(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    for lost in range(1, 5):
        home.running(2)
        os.kill(home.tmux_pid("w") or 0, signal.SIGKILL)
        until(lambda n=lost: len(home.events("tmux.server-started")) > n, "there is another", home.describe)
    home.running(2)
    lost_at, began_at = (
        [event["time"] / 1e6 for event in home.events(f"tmux.server-{what}")] for what in ("lost", "started")
    )
    assert began_at[4] >= lost_at[3] + 1.0
    [told] = {event["payload"]["detail"] for event in home.events("session.start-delayed")}
    assert told == "4 tmux servers in a row were lost within 60 s; the next starts in 1 s"


def test_a_second_daemon_says_who_runs(home: Home) -> None:
    home.start()
    second = home.marvel("daemon", ok=False)
    assert second.returncode == 1
    assert f"pid {home.daemon.pid}" in second.stderr  # type: ignore[union-attr]
    assert home.marvel("daemon", "-d", ok=False).returncode == 1
    home.marvel("daemon", "status")


def test_a_log_that_was_replaced_by_an_older_copy_is_refused(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    home.kill_daemon(signal.SIGTERM)
    copy = (home.path / "marvel.db").read_bytes()
    home.start()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "2")
    home.running(2)
    home.kill_daemon(signal.SIGTERM)
    for leftover in ("marvel.db-wal", "marvel.db-shm"):
        (home.path / leftover).unlink(missing_ok=True)
    (home.path / "marvel.db").write_bytes(copy)
    refused = home.marvel("daemon", ok=False)
    assert refused.returncode == 1
    assert "older copy" in refused.stderr
    assert len(home.processes()) == 2


def test_a_removed_log_ends_the_daemon_and_leaves_the_agents(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))), "--wait")
    (home.path / "marvel.db").rename(home.path / "moved.db")
    ring(str(home.path / "marvel.db.bell"))
    assert home.daemon is not None
    home.daemon.wait(timeout=40)
    assert len(home.processes()) == 1
