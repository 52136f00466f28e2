"""A manifest becomes running sessions, and follows its edits."""

import os
from concurrent.futures import ThreadPoolExecutor

from tests.integration.home import Home, until
from tests.integration.manifests import PATIENT, SLEEP, STUBBORN, manifest, role


def test_a_manifest_becomes_running_sessions_with_one_process_each(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=3))), "--wait", "--timeout", "20s")
    rows = home.running(3)
    assert [row["name"] for row in rows] == ["t-r-g1-0", "t-r-g1-1", "t-r-g1-2"]
    assert sorted(home.processes()) == sorted(row["pid"] for row in rows)
    home.whole()


def test_what_is_worked_without_a_daemon_runs_once_there_is_one(home: Home) -> None:
    told = home.marvel("work", home.write(manifest(role(*SLEEP))))
    assert "no daemon is running" in told.stderr
    home.start()
    home.running(1)


def test_two_that_begin_at_once_share_one_daemon(home: Home) -> None:
    files = [home.write(manifest(role(*SLEEP), workspace=name), f"{name}.toml") for name in ("wa", "wb")]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda file: home.marvel("up", file, ok=False), files))
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert len(home.events("daemon.started")) == 1
    assert {row["workspace"] for row in home.running(2)} == {"wa", "wb"}


def test_a_restart_is_not_waited_for_where_nothing_comes_back(home: Home) -> None:
    home.start()
    rest = role(*SLEEP, name="q")
    slow = role(*STUBBORN, sections='[team.role.stop]\ngrace = "2s"\n')
    home.marvel("work", home.write(manifest(rest, slow)), "--wait")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(home.marvel, "restart", "r-0", "--wait", "--timeout", "30s", ok=False)
        until(lambda: home.events("session.stopping"), "it is asked to end", home.describe)
        home.marvel("work", home.write(manifest(rest)))
        done = waiting.result()
    assert (done.returncode, done.stderr) == (
        1,
        "error: restart w/t-r-g1-0: nothing has a slot there any more\n",
    )


def test_working_the_same_manifest_again_appends_nothing(home: Home) -> None:
    home.start()
    file = home.write(manifest(role(*SLEEP, replicas=2)))
    home.marvel("work", file, "--wait", "--timeout", "20s")
    head = home.head()
    assert home.marvel("work", file).stdout == "unchanged\n"
    assert home.marvel("diff", file).stdout == ""
    assert home.head() == head


def test_diff_and_dry_run_say_what_then_happens(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=4), role(*SLEEP, name="q"))), "--wait")
    kept = {row["uid"] for row in home.running(5) if row["role"] == "r" and row["index"] < 2}
    edited = home.write(manifest(role(*SLEEP, replicas=2)))
    plan = "~ role w/t/r: stop 2, keep 2\n    replicas: 4 → 2\n- role w/t/q: stop 1\n"
    assert home.marvel("work", edited, "--dry-run").stdout == plan
    assert home.marvel("diff", edited, ok=False).returncode == 1
    home.running(5)
    assert home.marvel("work", edited).stdout == plan
    assert {row["uid"] for row in home.running(2)} == kept


def test_a_scaled_count_stands_until_the_manifests_own_number_changes(home: Home) -> None:
    home.start()
    file = home.write(manifest(role(*SLEEP, replicas=1)))
    home.marvel("work", file)
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
    home.running(3)
    assert home.marvel("work", file).stdout == "unchanged\n"
    told = home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2)))).stdout
    assert "replicas: 3 (set by scale) → 2" in told
    home.running(2)


def test_a_changed_template_makes_a_new_generation(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    home.marvel("work", home.write(manifest(role("sleep", "2000", replicas=2))), "--wait")
    assert [row["name"] for row in home.running(2)] == ["t-r-g2-0", "t-r-g2-1"]
    until(lambda: len(home.processes()) == 2, "only the new ones are left", home.describe)


def test_prune_removes_teams_that_are_not_in_the_file(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP), team="a")))
    home.marvel("work", home.write(manifest(role(*SLEEP), team="b"), "b.toml"))
    home.running(2)
    home.marvel("work", home.write(manifest(role(*SLEEP), team="b"), "b.toml"), "--prune")
    assert [row["team"] for row in home.running(1)] == ["b"]


def test_deleting_a_workspace_never_touches_another_whose_name_begins_alike(home: Home) -> None:
    home.start()
    for workspace in ("demo", "demo2"):
        home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2), workspace=workspace)))
    kept = {row["uid"] for row in home.running(4) if row["workspace"] == "demo2"}
    home.marvel("delete", "workspace", "demo", "--wait")
    assert {row["uid"] for row in home.running(2)} == kept
    until(lambda: home.tmux_pid("demo") is None, "the workspace's tmux server ends", home.describe)
    assert home.tmux_pid("demo2")


def test_a_one_off_gets_exactly_its_argv(home: Home) -> None:
    home.start()
    out = home.path / "out"
    script = f'printf "%s\\n" "$0" "$@" >{out}.new; mv {out}.new {out}; sleep 100'
    nasty = ["$(id -u) ; #{pane_id}", "", "-x", "a b", "é\n'\"\\", ";"]
    home.marvel("run", "--", "sh", "-c", script, *nasty)
    until(out.exists, "it ran", home.describe)
    assert out.read_text(encoding="utf-8") == "".join(f"{word}\n" for word in nasty)
    home.marvel("run", "sleep", "100", "--role", "other")
    names = {"adhoc-0": "running", "other-0": "running"}
    until(lambda: home.states() == names, "both run", home.describe)


def test_an_agent_learns_who_it_is_from_its_environment(home: Home) -> None:
    home.start()
    out = home.path / "env"
    script = f"env >{out}.new; mv {out}.new {out}; exec sleep 100"
    text = role("sh", "-c", script, sections='[team.role.runtime.env]\nMINE = "{index}/{role}"\n')
    home.marvel("work", home.write(manifest(text)))
    until(out.exists, "it ran", home.describe)
    row = home.running(1)[0]
    pairs = dict(line.partition("=")[::2] for line in out.read_text().splitlines())
    assert pairs["MARVEL_SESSION_UID"] == row["uid"]
    assert pairs["MARVEL_SESSION"] == "t-r-g1-0"
    assert pairs["MARVEL_GENERATION"] == "1"
    assert pairs["MARVEL_HOME"] == str(home.path)
    assert pairs["MINE"] == "0/r"
    assert len(pairs["MARVEL_TOKEN"]) == 64
    assert "CLAUDECODE" not in pairs
    assert os.path.samefile(pairs["PWD"], home.path)


def test_what_waits_ends_at_once_when_what_is_waited_for_can_no_longer_come(home: Home) -> None:
    home.start()
    once = home.write(manifest(role("false", more='restart_policy = "never"', sections=PATIENT)))
    for argv in (("work", once), ("up", once)):
        done = home.marvel(*argv, *(["--wait"] if argv[0] == "work" else []), ok=False)
        assert (done.returncode, "t-r-g1-0 is failed (exit 1)" in done.stderr) == (1, True), done.stderr
    for condition, said in (("ready", "is failed (exit 1)"), ("state=running", "is failed (exit 1)")):
        done = home.marvel("wait", "r-0", "--for", condition, ok=False)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    done = home.marvel("wait", "r-0", "--for", "state=runing", ok=False)
    assert (done.returncode, "there is no state 'runing'" in done.stderr) == (2, True)


def test_a_team_that_is_deleted_meanwhile_ends_a_wait_with_that_word(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role("sh", "-c", "sleep 0.3; exit 1", sections=PATIENT))))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(home.marvel, "wait", "w/t", "--timeout", "30s", ok=False)
        until(lambda: len(home.events("session.ended")) > 1, "it crashes", home.describe)
        home.marvel("delete", "team", "w/t", "--wait")
        done = waiting.result()
    assert (done.returncode, "deleted" in done.stderr) == (1, True), done.stderr


def test_up_does_not_succeed_beside_a_session_that_crashes_again_and_again(home: Home) -> None:
    home.start()
    text = manifest(role("sh", "-c", "sleep 0.2; exit 1", more='backoff_initial = "50ms"'))
    home.marvel("work", home.write(text))
    until(lambda: len(home.events("session.ended")) > 2, "it crashes", home.describe)
    done = home.marvel("up", home.write(text), "--timeout", "1s", ok=False)
    assert (done.returncode, "times without a good run" in done.stderr) == (3, True), done.stderr
