"""A listing kept up event by event is the listing; and following the log loses and doubles nothing."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import pytest
from cli_terminal import Terminal

from marvel import events
from marvel.cli.changes import Change, Changes, Selection
from marvel.cli.follower import Follower
from marvel.cli.get import found
from marvel.cli.request import KINDS, Request
from marvel.errors import NotFound, Rejected
from marvel.events import Draft, Ref
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.rows import load_world, world_at

HEAD = 44  # of the small world
LEASED = ("last_heartbeat_at", "heartbeats", "context_percent")


def changes_after(paths: Paths, request: Request, after: int | None) -> tuple[Follower, Changes]:
    follower = Follower(paths, after=after)
    return follower, Changes(follower.fold, Selection(follower.fold, request.kind, request))


def drained(follower: Follower, changes: Changes) -> list[Change]:
    made: list[Change] = []
    while True:
        news = follower.read()
        assert news is not None
        for event in news:
            made += changes.apply(event)
        if not follower.more and not news:
            return made


def record(paths: Paths, *drafts: Draft) -> None:
    store = Store(paths)
    store.record(lambda world, now: drafts, actor="daemon")
    store.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 3, 12, 17, 30, HEAD])
@pytest.mark.parametrize("everything", [False, True])
def test_what_was_there_and_what_changed_since_is_what_is_there(
    marvel: Terminal, kind: str, after: int, everything: bool
) -> None:
    paths, request = Paths(str(marvel.home)), Request(kind)
    request.all = everything and kind == "sessions"
    follower, changes = changes_after(paths, request, after)
    kept = {name_of(change.object): change.object for change in changes.present(time.time())}
    for change in drained(follower, changes):
        name = name_of(change.object)
        assert (name in kept) == (change.type != "added")
        if change.type == "deleted":
            del kept[name]
        else:
            kept[name] = change.object
    now = {name_of(row): row for row in found(follower.fold, kind, request)[0]}
    assert {name: recorded(row) for name, row in kept.items()} == {n: recorded(row) for n, row in now.items()}
    with Reader(paths) as reader:
        assert {name_of(row) for row in found(reader, kind, request)[0]} == set(kept)


def recorded(row: dict[str, Any]) -> dict[str, Any]:
    """What events know: a lease is not theirs."""
    return {name: value for name, value in row.items() if name not in LEASED}


def name_of(row: dict[str, Any]) -> str:
    return str(row.get("uid") or row["key"])


def test_the_world_at_the_head_is_what_the_tables_hold(marvel: Terminal) -> None:
    with Reader(Paths(str(marvel.home))) as reader:
        replayed, loaded = world_at(reader, HEAD), load_world(reader)
    assert (loaded.position, dict_of(replayed)) == (HEAD, dict_of(loaded))


def dict_of(world: Any) -> dict[Any, Any]:
    return {(table, key): row for table, key, row in world.rows()}


def test_each_event_of_a_session_is_one_change_at_its_position(marvel: Terminal) -> None:
    request = Request("sessions")
    request.all = True
    follower, changes = changes_after(Paths(str(marvel.home)), request, 0)
    seen = [(change.position, change.object["uid"]) for change in drained(follower, changes)]
    assert len(seen) == len(set(seen))
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        wanted = log.execute("SELECT position, uid FROM events WHERE uid IS NOT NULL").fetchall()
    log.close()
    assert set(wanted) <= set(seen)


def test_what_leaves_the_selection_is_deleted_and_told_as_it_is_now(marvel: Terminal) -> None:
    paths, request = Paths(str(marvel.home)), Request("sessions")
    request.state = "running"
    follower, changes = changes_after(paths, request, None)
    ref = marvel.sessions["waiting"]
    record(paths, Draft(ref=ref, fact=events.SessionEnded(state="failed", exit_status=3)))
    [change] = drained(follower, changes)
    assert (change.type, change.position, change.object["state"]) == ("deleted", HEAD + 1, "failed")
    assert drained(follower, changes) == []


def test_a_key_of_a_session_means_its_slot(marvel: Terminal) -> None:
    paths = Paths(str(marvel.home))
    follower, changes = changes_after(paths, Request("sessions", "demo/squad-reviewer-g1-2"), None)
    old = marvel.sessions["waiting"]
    heir = Ref(**{name: getattr(old, name) for name in Ref.__struct_fields__} | {"uid": "feed"})
    record(
        paths,
        Draft(ref=old, fact=events.SessionEnded(state="failed", exit_status=3)),
        Draft(
            ref=heir,
            fact=events.SessionScheduled(index=2, image="claude", command="", replaces=old.uid or ""),
        ),
        Draft(ref=marvel.sessions["running"], fact=events.SessionSignaled(activity="idle")),
    )
    told = [(change.type, change.object["uid"]) for change in drained(follower, changes)]
    assert sorted(told) == sorted([("modified", old.uid), ("added", "feed"), ("deleted", old.uid)])


def test_an_unknown_key_is_refused_before_anything_is_shown(marvel: Terminal) -> None:
    for request in (
        Request("sessions", "nobody"),
        Request("teams", "demo/none"),
        Request("endpoints", "demo/none"),
    ):
        with pytest.raises(NotFound):
            changes_after(Paths(str(marvel.home)), request, None)


def test_a_position_that_is_not_there_yet_is_refused(marvel: Terminal) -> None:
    with pytest.raises(Rejected, match="position 45 is not in the event log"):
        Follower(Paths(str(marvel.home)), after=45)


def test_a_log_that_begins_later_is_followed_from_its_beginning(empty: Terminal) -> None:
    paths = Paths(str(empty.home))
    follower, changes = changes_after(paths, Request("workspaces"), None)
    assert follower.read() == []
    assert follower.problem == "there is no event log"
    record(paths, Draft(ref=Ref(workspace="w"), fact=events.WorkspaceCreated(uid="abc")))
    assert [(change.type, change.position) for change in drained(follower, changes)] == [("added", 2)]
    assert follower.problem == ""


def test_another_log_in_its_place_is_told_as_what_is_different_in_it(marvel: Terminal) -> None:
    paths = Paths(str(marvel.home))
    follower, changes = changes_after(paths, Request("workspaces"), None)
    for file in marvel.home.glob("marvel.db*"):
        file.unlink()
    assert (follower.read(), follower.problem) == ([], "the event log is gone")
    record(paths, Draft(ref=Ref(workspace="demo"), fact=events.WorkspaceCreated(uid="abc")))
    assert follower.read() is None
    told = [(change.type, change.object["name"]) for change in changes.anew(follower.fold)]
    assert sorted(told) == [("added", "demo"), *(("deleted", name) for name in ("default", "demo", "other"))]
    assert follower.read() == []


def test_a_line_has_the_object_that_get_prints(marvel: Terminal) -> None:
    _, changes = changes_after(Paths(str(marvel.home)), Request("sessions"), None)
    lines = [change.published() for change in changes.present(time.time())]
    assert [list(line) for line in lines] == [["type", "position", "object"]] * len(lines)
    assert {line["position"] for line in lines} == {HEAD}
    assert json.loads(json.dumps([line["object"] for line in lines])) == json.loads(
        marvel("get sessions -o json")
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("get sessions --after 3", "--after goes with --watch"),
        ("get sessions -w --after -3", "--after must be at least 0"),
        ("get sessions -w -o yaml", "there is no output 'yaml'"),
        ("get pods -w", "there is no kind 'pods'"),
        ("get teams -w --waiting", "--waiting does not apply to teams"),
        ("events -f -o yaml", "there is no output 'yaml'"),
        ("replay -o name", "replay has no output 'name'"),
        ("replay --speed 0", "--speed must be greater than 0"),
        ("replay --to never", "--to: cannot parse 'never' as a time"),
    ],
)
def test_what_makes_no_sense_is_refused(marvel: Terminal, line: str, message: str) -> None:
    said = marvel.error(line, 2).splitlines()
    assert said[0].startswith(f"error: {message}")
    assert said[1].startswith("hint: ")


@pytest.mark.parametrize(
    ("option", "last"),
    [("", 43), ("--to 16", 16), ("--to 22:13:27", 16), ("--to 93s", 16), ("--to=93s --speed 1e9", 16)],
)
def test_a_replay_that_is_not_looked_at_is_its_changes(marvel: Terminal, option: str, last: int) -> None:
    lines = [json.loads(line) for line in marvel(f"replay {option}").splitlines()]
    assert lines[0]["type"] == "added"
    assert lines[-1]["position"] == last
    kept = {}
    for line in lines:
        kept[line["object"]["uid"]] = line["object"] if line["type"] != "deleted" else None
    if not option:
        shown = json.loads(marvel("get sessions -o json"))
        assert {row["uid"] for row in shown} == {uid for uid, row in kept.items() if row}


def test_nothing_recorded_is_nothing_to_replay(empty: Terminal) -> None:
    assert "nothing to replay" in empty.error("replay", 1)
    assert not empty.home.exists()
