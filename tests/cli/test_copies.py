"""Backups, restores, and what differs between two moments."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from cli_terminal import Terminal
from recorded import HIDDEN, START, History, small_world

from marvel import events
from marvel.cli.cursor import Cursor
from marvel.cli.follower import Follower
from marvel.daemon import head as heads
from marvel.events import Ref
from marvel.settings import Paths
from marvel.store.archive import exclusively, write_file
from marvel.store.chain import check_file
from marvel.store.log import Store
from marvel.store.query import Reader

SECONDS_44 = "44 events up to 2023-11-14 22:13:53"


def test_a_backup_is_a_whole_log_in_one_private_file(marvel: Terminal, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert marvel(f"backup {copy}") == f"{SECONDS_44} in {copy}, each as it was recorded\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == ["copy.db"]


def test_a_backup_of_a_live_log_has_what_was_committed(marvel: Terminal, tmp_path: Path) -> None:
    store = Store(Paths(str(marvel.home)))
    fact = events.WorkspaceCreated(uid="1")
    store.record(lambda *_: [events.Draft(ref=Ref(workspace="late"), fact=fact)], actor="t")
    assert (marvel.home / "marvel.db-wal").stat().st_size > 0
    assert marvel(f"backup {tmp_path / 'copy.db'}").startswith("45 events ")
    store.close()


def test_a_backup_never_overwrites(marvel: Terminal, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    assert marvel.error(f"backup {copy}", 1).startswith(f"error: {copy} is already there\nhint: ")
    assert copy.read_text() == "mine"
    assert "can't be written" in marvel.error(f"backup {tmp_path}/no/where.db", 1)


def test_a_damaged_log_makes_no_backup(marvel: Terminal, tmp_path: Path) -> None:
    damage(marvel.home / "marvel.db", 20)
    message = marvel.error(f"backup {tmp_path / 'copy.db'}", 1)
    assert "position 20 was changed after it was recorded; the 19 events before it are whole" in message
    assert not (tmp_path / "copy.db").exists()


def test_there_is_nothing_to_back_up_without_a_log(empty: Terminal, tmp_path: Path) -> None:
    assert empty.error(f"backup {tmp_path / 'copy.db'}", 4).startswith("error: there is no event log yet\n")
    assert not empty.home.exists()


def damage(database: Path, position: int) -> None:
    """One byte of a payload is another."""
    with sqlite3.connect(database) as log:
        log.execute("DROP TRIGGER events_no_update")
        log.execute(
            "UPDATE events SET payload = replace(payload, '\"', '''') WHERE position = ?", (position,)
        )
    log.close()


def test_verify_names_the_position_of_a_flipped_byte(marvel: Terminal) -> None:
    damage(marvel.home / "marvel.db", 20)
    assert marvel.error("verify", 1).startswith(
        "error: position 20 was changed after it was recorded; the 19 "
    )


# --- restore ---------------------------------------------------------------------------------------


def test_a_restore_puts_the_backup_in_place_and_keeps_the_log_before_it(
    marvel: Terminal, tmp_path: Path
) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    later = History(marvel.home)
    later.add(Ref(workspace="later"), events.WorkspaceCreated(uid="9"))
    heads.note(later.paths.head, later.store.head())
    later.close()
    out = marvel(f"restore {tmp_path / 'copy.db'}")
    aside = out.splitlines()[1].removeprefix("the log before it is kept as ")
    assert out.splitlines()[0] == f"restored {SECONDS_44}"
    assert marvel("get workspaces -o name").split() == [
        "workspace/default",
        "workspace/demo",
        "workspace/other",
    ]
    restored = json.loads(marvel("events -n 1 -o json"))[0]
    assert (restored["position"], restored["kind"]) == (45, "log.restored")
    assert restored["payload"] == {"file": str(tmp_path / "copy.db"), "replaced_position": 45}
    assert restored["actor"].startswith("user:")
    assert marvel("verify") == "45 events, each as it was recorded\n"
    with sqlite3.connect(aside) as old:
        assert old.execute(
            "SELECT max(position) FROM events WHERE kind = 'workspace.created'"
        ).fetchone() == (45,)
    old.close()


def test_a_daemon_starts_on_a_restored_log_though_it_is_behind_the_noted_head(
    marvel: Terminal, tmp_path: Path
) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    paths = Paths(str(marvel.home))
    store = Store(paths)
    heads.note(paths.head, store.head()._replace(position=1000))
    store.close()
    marvel(f"restore {tmp_path / 'copy.db'}")
    store = Store(paths)
    assert heads.lost_after(paths.head, store.head()) is None
    assert heads.noted_position(paths.head) == 45
    store.close()


def test_a_log_that_is_no_log_any_more_is_replaced_and_kept(marvel: Terminal, tmp_path: Path) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    for ending in ("-wal", "-shm"):
        (marvel.home / f"marvel.db{ending}").unlink(missing_ok=True)
    (marvel.home / "marvel.db").write_bytes(b"garbage" * 1000)
    marvel(f"restore {tmp_path / 'copy.db'}")
    assert marvel("verify") == "45 events, each as it was recorded\n"
    [aside] = marvel.home.glob("marvel.db.before-restore-*")
    assert aside.read_bytes().startswith(b"garbage")


def test_a_restore_where_there_was_no_log_makes_one(empty: Terminal, tmp_path: Path) -> None:
    small_world(tmp_path / "elsewhere")
    empty(f"restore {tmp_path / 'elsewhere' / 'marvel.db'}")
    assert len(empty("get sessions --no-headers").splitlines()) == 6
    assert stat.S_IMODE((empty.home / "marvel.db").stat().st_mode) == 0o600


def test_sessions_that_the_backup_does_not_know_are_named(marvel: Terminal, tmp_path: Path) -> None:
    small = History(tmp_path / "small")
    small.close()
    err = marvel.full(f"restore {tmp_path / 'small' / 'marvel.db'}")[1]
    assert "demo/squad-reviewer-g1-0, demo/squad-reviewer-g1-2" in err
    assert "unknown to this log; what still runs is stopped by the next daemon" in err


@pytest.mark.parametrize("what", ["damaged", "no log", "missing", "text"])
def test_what_is_no_whole_log_is_not_restored(marvel: Terminal, tmp_path: Path, what: str) -> None:
    copy = tmp_path / "copy.db"
    if what == "damaged":
        marvel(f"backup {copy}")
        damage(copy, 7)
    elif what == "no log":
        sqlite3.connect(copy).executescript("CREATE TABLE mine (x)")
    elif what == "text":
        copy.write_text("not a database " * 100)
    before = marvel("events -o json")
    said = {
        "damaged": "position 7 was changed",
        "no log": "is not an event log of marvel",
        "missing": "there is no file",
        "text": "is not a database",
    }
    assert said[what] in marvel.error(f"restore {copy}", 1)
    assert marvel("events -o json") == before
    assert not list(marvel.home.glob("marvel.db.before-restore-*"))


def test_a_restore_under_a_running_daemon_is_refused(marvel: Terminal, tmp_path: Path) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    lock = Path(Paths(str(marvel.home)).lock)
    lock.write_text(json.dumps({"pid": 12, "since": START, "run_id": "r"}))
    with open(lock, "r+", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert marvel.error(f"restore {tmp_path / 'copy.db'}", 1).startswith(
            "error: another daemon runs here: pid 12"
        )


# --- two moments -----------------------------------------------------------------------------------


def test_two_moments_differ_resource_by_resource_and_field_by_field(marvel: Terminal) -> None:
    text = marvel("diff --from 15 --to 16", status=1)
    lines = text.splitlines()
    assert lines[0] == "~ session demo/squad-reviewer-g1-0"
    assert {"    state: running → failed", "    signal: - → KILL"} < set(lines)
    assert "    ended_at: - → 2023-11-14 22:13:27" in lines
    assert marvel("diff --from 16 --to 16") == ""
    assert "+ workspace other\n" in marvel("diff --from 2", status=1)
    assert "- workspace other\n" in marvel("diff --from 44 --to 2", status=1)


def test_values_of_env_are_masked_in_differences(empty: Terminal) -> None:
    small_world(empty.home)
    told = empty("diff --from 1 -o json", status=1)
    assert HIDDEN not in told
    created = next(one for one in json.loads(told) if one["key"] == "demo/squad/reviewer")
    assert created["fields"]["spec.template.runtime.env.TOKEN"] == {"from": None, "to": "***"}


@pytest.mark.parametrize(
    "line", ["diff", "diff --to 3", "diff x.toml --from 3", "diff -o json x.toml", "diff --from 3 -o yaml"]
)
def test_a_diff_is_of_manifests_or_of_moments(marvel: Terminal, line: str) -> None:
    assert marvel.error(line, 2).startswith("error: ")


# --- archive ---------------------------------------------------------------------------------------


def test_an_archive_leaves_a_log_that_says_where_the_rest_is(marvel: Terminal) -> None:
    out = marvel("archive --before 21")
    assert out == f"20 events up to 2023-11-14 22:13:31 moved to {marvel.home}/archive-1-20.db\n"
    assert (
        marvel("verify") == "25 events, each as it was recorded\npositions 1 to 20 are in archive-1-20.db\n"
    )
    whole = f"{marvel.home}/archive-1-20.db: whole, each event as it was recorded up to position 20\n"
    assert marvel(f"verify {marvel.home}/archive-1-20.db") == whole
    assert marvel("rebuild --check") == "every row is what the event log says\n"
    newest = json.loads(marvel("events -n 1 -o json"))[0]
    assert (newest["kind"], newest["payload"]["last"], newest["payload"]["file"]) == (
        *("log.archived", 20),
        "archive-1-20.db",
    )
    assert "squad-reviewer-g1-0" in marvel("get sessions --at 21")
    hint = "hint: positions 1 to 20 are archived in archive-1-20.db"
    assert hint in marvel.error("get sessions --at 20", 4)
    assert "(positions 1 to 20) are archived in archive-1-20.db" in marvel.error(
        "get sessions --at 22:13:25", 4
    )


def test_an_archive_keeps_the_newest_event_whatever_is_asked_for(marvel: Terminal) -> None:
    marvel("archive --before 1s")
    assert [event["position"] for event in json.loads(marvel("events -o json"))] == [44, 45]
    assert len(marvel("get sessions --no-headers").splitlines()) == 6
    assert marvel("why reviewer-0").startswith("demo/squad-reviewer-g1-0 is running")
    assert "nothing before 44" in marvel.error("archive --before 44", 4)


def test_a_replay_begins_with_what_the_archived_events_led_to(marvel: Terminal) -> None:
    whole = marvel("replay -o jsonl").splitlines()
    marvel("archive --before 21")
    left = [json.loads(line) for line in marvel("replay -o jsonl").splitlines()]
    assert left == [one for one in map(json.loads, whole) if one["position"] > 20]


def archive_twenty(marvel: Terminal) -> Path:
    marvel("archive --before 21")
    return marvel.home / "archive-1-20.db"


def test_a_backup_says_which_archives_are_not_in_it(marvel: Terminal, tmp_path: Path) -> None:
    file = archive_twenty(marvel)
    counted, left_out = marvel(f"backup {tmp_path / 'copy.db'}").splitlines()
    assert counted.startswith("25 events up to ")
    assert left_out == f"not in it: positions 1 to 20, archived in {file}; copy that file too"
    assert marvel("rebuild") == "rebuilt from 25 events\n"


def test_a_restore_takes_the_archives_from_beside_the_backup_and_names_those_that_are_missing(
    marvel: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = archive_twenty(marvel)
    marvel(f"backup {tmp_path / 'copy.db'}")
    home = tmp_path / "elsewhere"
    monkeypatch.setenv("MARVEL_HOME", str(home))
    out, err, status = marvel.full(f"restore {tmp_path / 'copy.db'} --yes")
    assert (out[:24], status) == ("restored 25 events up to", 0)
    missing = f"warning: positions 1 to 20 were archived in {home}/archive-1-20.db, which is missing"
    assert err.startswith(missing)
    assert marvel.full("verify")[1].startswith(missing)
    assert f"warning  {missing.removeprefix('warning: ')}\n" in marvel.full("doctor")[0]

    shutil.copy(file, tmp_path)
    assert marvel.full(f"restore {tmp_path / 'copy.db'} --yes")[1] == ""
    assert "missing" not in "".join(marvel.full("verify")[:2])
    assert check_file(str(home / "archive-1-20.db")) == check_file(str(file))


def test_an_archive_that_is_another_file_is_named(marvel: Terminal, tmp_path: Path) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    file = archive_twenty(marvel)
    shutil.copy(tmp_path / "copy.db", file)
    assert f"{file}, which does not end with these events" in marvel.full("verify")[1]
    file.write_text("rubbish")
    assert f"failed   positions 1 to 20 were archived in {file}, which does not" in marvel.full("doctor")[0]


def test_doctor_removes_what_a_killed_archive_left_and_nothing_that_is_the_only_copy(
    marvel: Terminal, tmp_path: Path
) -> None:
    endings = ("", "-wal", "-shm", "-journal")
    left = [marvel.home / f"archive-5-99.db.new{ending}" for ending in endings]
    left += [marvel.home / f"marvel.db.restoring{ending}" for ending in endings]
    for path in left:
        path.write_text("half")
    other = marvel.home / "archive-1-7.db"
    other.write_text("of a log that was replaced")
    write_file(Paths(str(marvel.home)), 1, 20)  # and killed before its events were cut off
    out = marvel.full("doctor --fix")[0]
    assert all(f"fixed    {path} is left over\n" in out and not path.exists() for path in left)
    assert f"fixed    {marvel.home}/archive-1-20.db is left over\n" in out
    assert f"warning  {other} is not an archive of this log\n" in out
    assert [path.name for path in marvel.home.glob("archive-*")] == [other.name]


def test_an_archive_removes_what_a_killed_one_left(marvel: Terminal) -> None:
    (marvel.home / "archive-5-99.db.new-wal").write_text("half")
    file = archive_twenty(marvel)
    assert list(marvel.home.glob("archive-*")) == [file]


def test_one_archive_or_restore_runs_at_a_time(marvel: Terminal, tmp_path: Path) -> None:
    marvel(f"backup {tmp_path / 'copy.db'}")
    with exclusively(Paths(str(marvel.home))):
        for line in ("archive --before 21", f"restore {tmp_path / 'copy.db'} --yes"):
            assert marvel.error(line, 1).startswith(
                "error: another archive or restore of this log is running\n"
            )
    archive_twenty(marvel)
    assert "nothing before 21" in marvel.error("archive --before 21", 4)


def test_a_killed_backup_leaves_nothing_that_has_the_name_of_one(marvel: Terminal, tmp_path: Path) -> None:
    (tmp_path / "copy.db.new").write_text("half of one")
    marvel(f"backup {tmp_path / 'copy.db'}")
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


# --- what is archived, for readers -----------------------------------------------------------------


HERE = "(positions 1 to 44) are archived in archive-1-44.db\n"


@pytest.fixture
def mostly_archived(marvel: Terminal) -> Terminal:
    """The small world, of whose events only the last is in the log."""
    history = History(marvel.home)
    history.now = START + 90
    history.add(Ref(), events.ClockStepped(seconds=-3.5))
    history.close()
    marvel("archive --before 45")
    return marvel


@pytest.mark.parametrize(
    "line",
    [
        "events",
        "events --since 1h",
        "events --session reviewer-0 --since 22:13:20",
        "events --kind role.*",
        "events -n 40 -o jsonl",
        "report --since 1h -o json",
        "report",
        "shift history demo/squad",
        "describe session reviewer-0",
        "describe team demo/squad",
        "replay -o jsonl",
    ],
)
def test_an_answer_that_reaches_into_an_archive_names_it(mostly_archived: Terminal, line: str) -> None:
    _, err, status = mostly_archived.full(line)
    assert (status, HERE in err) == (0, True)


@pytest.mark.parametrize("line", ["events --since 5s", "events -n 1", "report --since 5s", "get sessions"])
def test_an_answer_that_does_not_reach_into_an_archive_does_not_name_it(
    mostly_archived: Terminal, line: str
) -> None:
    assert "archive-1-44.db" not in mostly_archived.full(line)[1]


def test_what_is_only_in_an_archive_is_not_said_never_to_have_been(mostly_archived: Terminal) -> None:
    marvel = mostly_archived
    assert marvel("shift history demo/squad") == "no shift of demo/squad is in the log any more\n"
    assert "where the log begins" in marvel.full("report")[1]
    why = marvel("why reviewer-0")
    assert why.startswith("demo/squad-reviewer-g1-0 is running for 91s: ")
    assert why.endswith("What led to it is in archive-1-44.db.\n")
    for line in ("events --session nobody", "why nobody"):
        assert HERE in marvel.error(line, 4)


# --- cursors ---------------------------------------------------------------------------------------


def test_a_cursor_of_a_history_that_a_restore_replaced_is_not_gone_on_from(
    marvel: Terminal, tmp_path: Path
) -> None:
    paths = Paths(str(marvel.home))
    marvel(f"backup {tmp_path / 'copy.db'}")
    history = History(marvel.home)
    history.add(Ref(workspace="gone"), events.WorkspaceCreated(uid="1"))  # 45
    history.close()
    before = Follower(paths)
    with Reader(paths) as reader:
        place, later = Cursor(reader, 44), Cursor(reader, 45)
    marvel(f"restore {tmp_path / 'copy.db'} --yes")  # 45 again
    history = History(marvel.home)
    for number in range(2):
        history.add(Ref(workspace=f"new-{number}"), events.WorkspaceCreated(uid=str(number)))
    history.close()

    assert before.read() is None
    assert before.lost == "the event log was replaced by another one"
    assert {row["name"] for row in before.fold.rows("workspaces")} >= {"new-0", "new-1"}
    with Reader(paths) as reader:
        assert (place.lost(reader), later.lost(reader)) == ("", before.lost)
        later.restart(reader)
        assert (later.position, later.lost(reader)) == (44, "")
    assert (Follower(paths, after=44).lost, Follower(paths, after=46).lost) == ("", "")
    again = Follower(paths, after=45)
    assert again.lost == "the event log was restored from a copy that did not have position 45 yet"
    assert again.fold.position == 47

    marvel("archive --before 46")  # the restore itself is archived: that is remembered
    assert "positions 1 to 45" in marvel.full("verify")[0]
    assert Follower(paths, after=45).lost == again.lost
    assert Follower(paths, after=46).lost == ""


def test_a_cursor_whose_next_events_are_archived_begins_again_and_names_the_file(marvel: Terminal) -> None:
    paths = Paths(str(marvel.home))
    late = Follower(paths)
    history = History(marvel.home)
    for number in range(4):
        history.add(Ref(workspace=f"new-{number}"), events.WorkspaceCreated(uid=str(number)))
    history.close()
    marvel("archive --before 47")
    text = "events 45 to 46 are not in the log any more: they are archived in archive-1-46.db"
    assert late.read() is None
    assert late.lost == text
    assert late.read() == []
    assert Follower(paths, after=44).lost == text
    assert Follower(paths, after=46).lost == ""
