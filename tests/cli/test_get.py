"""Listings: which rows, which columns, in which order, and what a key means."""

from __future__ import annotations

import json

import pytest
from cli_terminal import Terminal
from recorded import HIDDEN

from marvel.cli import objects
from marvel.resources import ALIVE, State
from marvel.settings import Paths
from marvel.store.query import Reader

PROMISED = [
    "key",
    "uid",
    "workspace",
    "team",
    "role",
    "generation",
    "index",
    "name",
    "state",
    "reason",
    "health",
    "activity",
    "context_percent",
    "pane",
    "pid",
    "exit_status",
    "signal",
    "restarts",
    "restart_at",
    "ready",
    "predecessor",
    "agent_session_id",
    "created_at",
    "started_at",
    "ended_at",
    "last_heartbeat_at",
    "image",
    "command",
]


def rows(text: str) -> list[str]:
    """A table's rows, with one blank between cells."""
    return [" ".join(line.split()) for line in text.splitlines()]


def names(text: str) -> list[str]:
    return [line.split()[4] for line in text.splitlines()[1:]]


def test_sessions_have_the_promised_columns_in_order(marvel: Terminal) -> None:
    assert rows(marvel("get sessions"))[0] == "WORKSPACE TEAM ROLE GEN NAME STATE HEALTH CTX% DESK AGENT"
    assert rows(marvel("get sessions -o wide"))[0].endswith(" DESK AGENT ACTIVITY RESTARTS AGE NOTE")


def test_a_row_shows_pane_number_whole_percent_and_agent(marvel: Terminal) -> None:
    row = rows(marvel("get sessions squad-reviewer-0 --no-headers"))[0]
    assert row == "demo squad reviewer 1 squad-reviewer-g1-0 running unknown 42 2 claude"


def test_what_is_absent_is_a_dash_and_a_one_off_has_no_generation(marvel: Terminal) -> None:
    row = rows(marvel("get s default/adhoc-0 --no-headers"))[0]
    assert row == "default adhoc adhoc - adhoc-0 succeeded unknown - 5 sleep"


def test_a_plain_listing_has_one_row_per_wanted_slot_numbers_sorted_as_numbers(marvel: Terminal) -> None:
    assert names(marvel("get sessions")) == [
        "adhoc-0",
        "squad-reviewer-g1-0",
        "squad-reviewer-g1-2",
        "squad-reviewer-g1-10",
        "squad-supervisor-g9-0",
        "crew-loner-g1-0",
    ]


def test_all_adds_earlier_and_removed_sessions(marvel: Terminal) -> None:
    listed = names(marvel("get sessions --all --role reviewer"))
    assert listed == [f"squad-reviewer-g1-{index}" for index in (0, 0, 2, 10, 11)]


def test_a_note_says_why_and_until_when(marvel: Terminal) -> None:
    wide = marvel("get sessions -o wide").splitlines()
    notes = {line.split()[4]: line for line in wide}
    assert notes["squad-reviewer-g1-10"].endswith("exit 7, until 22:15:07 (in 7s)")
    assert notes["crew-loner-g1-0"].endswith("3 beats missed")


def test_an_agents_text_never_reaches_the_terminal_as_it_is(marvel: Terminal) -> None:
    for line in ("get s -o wide", "describe supervisor-0", "events", "get s -o json", "get s -o name"):
        assert "\x1b" not in marvel(line)
    assert "invalid-runtime: no ?[31msuch command" in marvel("get s -o wide")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--workspace other", ["crew-loner-g1-0"]),
        ("--team squad --role supervisor", ["squad-supervisor-g9-0"]),
        ("--team other/crew", ["crew-loner-g1-0"]),
        ("--state failed,crashloop-backoff", ["squad-reviewer-g1-10", "squad-supervisor-g9-0"]),
        ("--waiting", ["squad-reviewer-g1-2"]),
        ("--state stopped --all", ["squad-reviewer-g1-11"]),
    ],
)
def test_selectors_narrow_a_listing(marvel: Terminal, options: str, expected: list[str]) -> None:
    assert names(marvel(f"get sessions {options}")) == expected


def test_sorting_by_a_column_puts_numbers_in_order_and_absent_last(marvel: Terminal) -> None:
    by_desk = names(marvel("get sessions --sort-by desk"))
    assert by_desk == [
        *("squad-reviewer-g1-0", "crew-loner-g1-0", "adhoc-0", "squad-reviewer-g1-2"),
        *("squad-reviewer-g1-10", "squad-supervisor-g9-0"),
    ]
    assert names(marvel("get sessions --sort-by CTX%"))[0] == "squad-reviewer-g1-0"


@pytest.mark.parametrize(
    "key", ["demo/squad-reviewer-g1-0", "session/demo/squad-reviewer-g1-0", "reviewer-0"]
)
def test_a_key_names_the_newest_session_of_its_slot(marvel: Terminal, key: str) -> None:
    shown = json.loads(marvel(f"get session {key} -o json"))
    assert shown["uid"] == marvel.sessions["running"].uid


def test_a_uid_names_an_earlier_session_too(marvel: Terminal) -> None:
    uid = marvel.sessions["crashed"].uid
    shown = json.loads(marvel(f"get session {uid} -o json"))
    assert (shown["uid"], shown["signal"], shown["current"]) == (uid, "KILL", False)


def test_a_team_key_lists_the_teams_sessions(marvel: Terminal) -> None:
    assert names(marvel("get sessions other/crew")) == ["crew-loner-g1-0"]


def test_a_session_object_has_the_promised_fields_first(marvel: Terminal) -> None:
    for shown in json.loads(marvel("get sessions --all -o json")):
        assert list(shown)[: len(PROMISED)] == PROMISED


def test_json_has_rfc_3339_times_numbers_and_nulls(marvel: Terminal) -> None:
    shown = json.loads(marvel("get session reviewer-0 -o json"))
    assert shown["created_at"] == "2023-11-14T22:13:28.000000Z"
    assert shown["last_heartbeat_at"] == "2023-11-14T22:13:31.000000Z"
    assert shown["context_percent"] == 42.4  # the lease knows more than the log
    assert (shown["ready"], shown["reason"], shown["exit_status"], shown["stop"]) == (True, None, None, None)


def test_an_order_to_stop_is_in_the_object(marvel: Terminal) -> None:
    shown = json.loads(marvel(f"get session {marvel.sessions['removed'].uid} -o json"))
    assert shown["stop"]["reason"] == "scaled-down"
    assert shown["stop"]["deadline"] == "2023-11-14T22:13:51.000000Z"


def test_lists_are_arrays_and_jsonl_is_one_object_per_line(marvel: Terminal) -> None:
    listed = json.loads(marvel("get sessions -o json"))
    lines = [json.loads(line) for line in marvel("get sessions -o jsonl").splitlines()]
    assert lines == listed
    assert len(listed) == 6


@pytest.mark.parametrize("kind", ["sessions", "teams", "workspaces", "endpoints"])
def test_every_object_has_a_key_and_a_uid_and_a_name_that_get_understands(
    marvel: Terminal, kind: str
) -> None:
    listed = json.loads(marvel(f"get {kind} -o json"))
    assert listed
    for name, shown in zip(marvel(f"get {kind} -o name").splitlines(), listed, strict=True):
        again = json.loads(marvel(f"get {kind} {name} -o json"))
        assert (again["key"], again["uid"]) == (shown["key"], shown["uid"])
        assert again["uid"]


def test_teams_have_a_row_per_role(marvel: Terminal) -> None:
    table = rows(marvel("get teams"))
    assert table[0] == "WORKSPACE TEAM ROLE REPLICAS READY GEN RUNTIME"
    assert table[1] == "demo squad reviewer 12 1 1 claude"
    assert table[2] == "demo squad supervisor 1 0 9 lead"
    assert "1 crashloop-backoff" in marvel("get teams -o wide")


def test_workspaces_count_teams_and_living_sessions(marvel: Terminal) -> None:
    table = rows(marvel("get workspaces"))
    assert table[0] == "NAME TEAMS SESSIONS AGE"
    assert [row.rpartition(" ")[0] for row in table[1:]] == ["default 0 0", "demo 1 2", "other 1 1"]


def test_endpoints_name_the_ready_sessions_behind_them(marvel: Terminal) -> None:
    table = rows(marvel("get endpoints"))
    assert table[0] == "WORKSPACE NAME TEAM ROLE READY SESSIONS"
    assert table[1] == "demo review squad reviewer 1 squad-reviewer-g1-0"


def test_no_reader_shows_a_value_of_env(marvel: Terminal) -> None:
    for line in (
        "get t -o json",
        "describe demo/squad",
        "describe demo/squad -o json",
        "events -o json",
        "events",
    ):
        assert HIDDEN not in marvel(line)


def test_nothing_to_show_is_said_on_stderr_and_is_no_failure(empty: Terminal) -> None:
    out, err, status = empty.full("get sessions")
    assert (out, status) == ("", 0)
    assert err.splitlines()[-1] == "No sessions found."
    assert empty("get endpoints -o json") == "[]\n"
    assert not empty.home.exists()


def test_without_a_daemon_one_line_says_so(marvel: Terminal) -> None:
    out, err, _ = marvel.full("get sessions")
    assert err.count("\n") == 1
    assert err.startswith("no daemon is running: ")
    assert "no daemon" not in out


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("get sessions demo/nobody", 4, "no such session or team: demo/nobody"),
        ("get team demo/nobody", 4, "no such team: demo/nobody"),
        ("get workspace nowhere", 4, "no such workspace: nowhere"),
        ("get endpoint demo/none", 4, "no such endpoint: demo/none"),
        ("get sessions reviewer", 4, "no such session or team: reviewer"),
        ("get sessions 0", 1, "names 4 sessions"),
        ("get pods", 2, "there is no kind 'pods'"),
        ("get sessions -o yaml", 2, "there is no output 'yaml'"),
        ("get sessions --state dead", 2, "there is no state 'dead'"),
        ("get sessions --sort-by colour", 2, "can't sort sessions by 'colour'"),
        ("get teams --state failed", 2, "--state does not apply to teams"),
        ("get session reviewer-0 --role reviewer", 2, "a KEY names one"),
        ("get sessions --team", 2, "--team"),
        ("get", 2, "missing argument 'KIND'"),
        ("gte sessions", 2, "unknown command 'gte'"),
        ("get s a b", 2, "unexpected extra argument"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error_with_a_hint(
    marvel: Terminal, line: str, status: int, message: str
) -> None:
    said = [text for text in marvel.error(line, status).splitlines() if not text.startswith("no daemon")]
    assert said[0].startswith("error: ")
    assert message in said[0]
    assert said[1].startswith("hint: ")
    assert len(said) == 2


def test_alive_means_the_same_here_and_in_the_world() -> None:
    assert set(objects.ALIVE) == ALIVE


def test_the_states_that_can_be_selected_are_those_there_are() -> None:
    from marvel.cli.request import STATES

    assert set(STATES) == set(State.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", ["workspaces", "teams", "roles", "cohorts", "endpoints"])
def test_a_reader_can_be_limited_to_one_workspace(marvel: Terminal, table: str) -> None:
    with Reader(Paths(str(marvel.home))) as reader:
        rows = reader.rows(table, "demo")
        assert rows
        assert len(rows) < len(reader.rows(table)) or table == "endpoints"


@pytest.mark.parametrize(
    "line", ["get sessions", "describe t/squad", "report", "wait nothing/there --for deleted --timeout 1s"]
)
def test_readers_say_that_no_daemon_keeps_what_they_show_true(marvel: Terminal, line: str) -> None:
    if "t/squad" in line:
        line = "describe " + marvel("get teams -o name").split()[0].removeprefix("team/")
    assert "no daemon is running: this is what was recorded last" in marvel.full(line)[1]
