"""The event log at the terminal: events, verify, rebuild."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_terminal import Terminal
from recorded import START

from marvel.cli.moments import moment
from marvel.cli.summaries import KIND_COLUMNS, SUMMARIES, summary
from marvel.errors import UsageError
from marvel.events import KINDS

FIELDS = [
    "position",
    "time",
    "kind",
    "workspace",
    "team",
    "role",
    "session",
    "uid",
    "generation",
    "actor",
    "cause",
    "payload",
]


def kinds(text: str) -> list[str]:
    return [line[2:].split()[3] for line in text.splitlines()]


def test_events_are_one_line_each_newest_last_warnings_marked(marvel: Terminal) -> None:
    lines = marvel("events").splitlines()
    assert len(lines) == 44
    ended = next(line for line in lines if "session.ended" in line)
    assert ended.split() == [
        "!",
        "2023-11-14",
        "22:13:27",
        "16",
        "session.ended",
        "demo/squad-reviewer-g1-0",
        "failed,",
        "SIGKILL",
    ]
    assert lines[0].startswith("  2023-11-14 22:13:20      1  log.created")


def test_only_the_newest_are_shown_when_a_number_is_given(marvel: Terminal) -> None:
    assert kinds(marvel("events -n 2")) == ["session.ended", "clock.stepped"]
    assert marvel("events -n 0 -o json") == "[]\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--kind workspace.*", ["workspace.created"] * 3),
        ("--kind health.changed", ["health.changed"]),
        ("--session reviewer-2", ["session.scheduled", "session.started", "session.signaled"]),
        ("--session demo/squad-supervisor-g9-0", ["session.scheduled", "session.start-failed"]),
        ("--team other/crew --kind *.applied", ["team.applied", "role.applied"]),
        ("--team crew --kind cohort.*", ["cohort.created"]),
        ("--actor controller:shifts", ["cohort.created"] * 3),
        ("--actor controller --kind health.*", []),
        ("--actor user:*  --kind endpoint.*", ["endpoint.applied"]),
        ("--since 67s", ["clock.stepped"]),
        ("--since 22:13:53", ["clock.stepped"]),
        ("--since 2023-11-14T22:13:53Z", ["clock.stepped"]),
    ],
)
def test_filters_narrow_the_events(marvel: Terminal, options: str, expected: list[str]) -> None:
    assert kinds(marvel(f"events {options}")) == expected


def test_warnings_are_what_is_worth_attention(marvel: Terminal) -> None:
    assert kinds(marvel("events --warnings")) == [
        *("session.ended", "session.ended", "session.start-failed", "health.changed", "clock.stepped"),
    ]
    assert kinds(marvel("events --warnings -n 1")) == ["clock.stepped"]


def test_what_an_event_led_to_can_be_asked(marvel: Terminal) -> None:
    assert marvel("events --caused-by 4") == ""


def test_who_recorded_an_event_and_what_led_to_it_are_shown_on_demand(marvel: Terminal) -> None:
    assert marvel("events -n 1 -o wide").endswith("  by +3.500 s  (by daemon)\n")
    assert "(by user:ann)" in marvel("events --kind workspace.created -o wide")


def test_events_of_a_session_that_is_no_longer_remembered_are_found(marvel: Terminal) -> None:
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("DELETE FROM sessions")
    log.close()
    assert "session.scheduled" in marvel("events --session demo/squad-reviewer-g1-2")
    uid = marvel.sessions["crashed"].uid
    assert "session.ended" in marvel(f"events --session {uid}")


def test_an_event_object_has_exactly_the_promised_fields(marvel: Terminal) -> None:
    shown = json.loads(marvel("events -o json"))
    assert all(list(event) == FIELDS for event in shown)
    assert [event["position"] for event in shown] == list(range(1, 45))
    assert shown[0]["time"] == "2023-11-14T22:13:20.000000Z"
    lines = marvel("events -o jsonl").splitlines()
    assert [json.loads(line) for line in lines] == shown


def test_times_in_payloads_are_rfc_3339_and_env_is_masked(marvel: Terminal) -> None:
    shown = {event["kind"]: event["payload"] for event in json.loads(marvel("events -o json"))}
    assert shown["session.backed-off"]["restart_at"] == "2023-11-14T22:15:07.000000Z"
    assert shown["session.stopping"]["deadline"] == "2023-11-14T22:13:51.000000Z"
    spec = json.loads(marvel("events --kind role.applied -o json"))[0]["payload"]["spec"]
    assert spec["template"]["runtime"]["env"] == {"TOKEN": "***"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", START - 600),
        ("1h30m", START - 5400),
        ("1h 30m ago", START - 5400),
        ("500ms", START - 0.5),
        ("1w", START - 7 * 86400),
        ("now", START),
        ("@1699999000", START - 1000),
        ("@1699999000.25", START - 999.75),
        ("22:13", START - 20),
        ("23:00", START - 86400 + 47 * 60 - 20),
        ("today", START - 22 * 3600 - 13 * 60 - 20),
        ("Yesterday", START - 46 * 3600 - 13 * 60 - 20),
        ("yesterday 22:13", START - 86400 - 20),
        ("2023-11-14T22:13:20Z", START),
        ("2023-11-14T23:13:20+01:00", START),
        ("2023-11-14", START - 22 * 3600 - 13 * 60 - 20),
    ],
)
@pytest.mark.usefixtures("empty")
def test_since_understands_durations_clock_times_and_dates(text: str, expected: float) -> None:
    assert moment(text, START) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["9999999999d", "@99999999999", "0001-01-01", "9" * 400 + "d", "9999-12-31"])
def test_a_time_that_is_no_date_any_more_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        moment(text, START, option="--before")
    assert refused.value.message.startswith("--before: ")


def local_to_utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-03-29T10:00", "22:00", "2026-03-28T21:00"),  # 11 hours ago: this night had no hour from 2 to 3
        ("2026-03-29T10:00", "02:30", "2026-03-28T01:30"),  # it did not exist in this night
        ("2026-03-29T10:00", "yesterday", "2026-03-27T23:00"),
        ("2026-03-30T00:30", "03:00", "2026-03-29T01:00"),
        ("2026-10-25T09:00", "22:00", "2026-10-24T20:00"),  # 13 hours ago
        ("2026-10-25T09:00", "02:30", "2026-10-25T01:30"),  # the second one
        ("2026-10-25T00:45", "02:30", "2026-10-25T00:30"),  # the first: the second is to come
        ("2026-10-25T12:00", "today", "2026-10-24T22:00"),
    ],
)
def test_a_clock_time_is_right_in_the_nights_when_clocks_change(
    monkeypatch: pytest.MonkeyPatch, now: str, text: str, expected: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert moment(text, local_to_utc(now)) == local_to_utc(expected)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "tomorrow", "10", "25:00", "10 m"])
def test_since_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, START)


def test_every_kind_has_a_summary_and_fits_its_column() -> None:
    assert set(SUMMARIES) == set(KINDS)
    assert max(map(len, KINDS)) < KIND_COLUMNS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_payload_of_an_unknown_shape_still_has_a_summary(kind: str) -> None:
    event = {"kind": kind, "time": START, "payload": {"novel": 1, "nested": {"a": 1}}}
    assert isinstance(summary(event), str)


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("events --session demo/nobody", 4, "no such session: demo/nobody"),
        ("events --since never", 2, "--since: cannot parse 'never' as a time"),
        ("events -n -3", 2, "-n must be at least 0"),
        ("events -n many", 2, "invalid value for '-n'"),
        ("events -o yaml", 2, "there is no output 'yaml'"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(
    marvel: Terminal, line: str, status: int, message: str
) -> None:
    said = marvel.error(line, status).splitlines()
    assert said[0].startswith(f"error: {message}")
    assert said[1].startswith("hint: ")


def test_a_whole_log_verifies(marvel: Terminal) -> None:
    assert marvel("verify") == "44 events, each as it was recorded\n"


def test_verify_names_the_first_position_that_was_changed(marvel: Terminal) -> None:
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("DROP TRIGGER events_no_update")
        log.execute("UPDATE events SET payload = '{}' WHERE position IN (20, 30)")
    log.close()
    said = marvel.error("verify", 1)
    assert said.startswith("error: position 20 was changed after it was recorded; the 19 events before it")


def test_rebuild_check_lists_what_differs_and_rebuild_mends_it(marvel: Terminal) -> None:
    assert marvel("rebuild --check") == "every row is what the event log says\n"
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("DELETE FROM teams WHERE key = 'demo/squad'")
    log.close()
    out, err, status = marvel.full("rebuild --check")
    assert (out, status) == ("teams demo/squad: row is missing\n", 1)
    assert err.startswith("error: 1 row is not what the event log says")
    assert marvel("rebuild") == "rebuilt from 44 events\n"
    assert marvel("rebuild --check") == "every row is what the event log says\n"


@pytest.mark.parametrize("line", ["events", "verify", "rebuild", "rebuild --check", "events -o json"])
def test_looking_at_a_log_never_makes_one(empty: Terminal, line: str) -> None:
    empty(line)
    assert not empty.home.exists()


def test_a_database_of_something_else_is_left_as_it_is(empty: Terminal) -> None:
    empty.home.mkdir(mode=0o700)
    database = Path(empty.home / "marvel.db")
    database.write_text("not a database, and long enough to be taken for one: " + "x" * 200)
    before = database.read_bytes()
    assert "is not a database" in empty.error("get sessions", 1)
    assert database.read_bytes() == before


# --- looking back ----------------------------------------------------------------------------------


def test_a_listing_of_an_earlier_moment_shows_what_events_knew_then(marvel: Terminal) -> None:
    out, err, status = marvel.full("get sessions --at 15 --no-headers")
    assert (status, out.split()[4:6]) == (0, ["squad-reviewer-g1-0", "running"])
    assert err == "as it was at position 15, 2023-11-14 22:13:26\n"
    [row] = json.loads(marvel("get sessions --at 2023-11-14T22:13:27Z -o json"))
    assert (row["state"], row["signal"], row["last_heartbeat_at"]) == ("failed", "KILL", None)
    assert marvel("get teams --at 15 -o name") == marvel("get teams -o name")
    assert marvel("get sessions --at 2 -o jsonl") == ""


def test_the_last_heartbeat_is_of_the_present_alone(marvel: Terminal) -> None:
    head = json.loads(marvel("events -n 1 -o json"))[0]["position"]
    then, now = (json.loads(marvel(f"get sessions reviewer-0 -o json {at}")) for at in (f"--at {head}", ""))
    assert (now["context_percent"], then["context_percent"]) == (42.4, 40.0)
    assert (now["heartbeats"], then["heartbeats"], then["last_heartbeat_at"]) == (1, 0, None)
    told = ("context_percent", "heartbeats", "last_heartbeat_at")
    assert {k: v for k, v in now.items() if k not in told} == {k: v for k, v in then.items() if k not in told}


def test_a_description_of_an_earlier_moment_ends_with_the_events_up_to_it(marvel: Terminal) -> None:
    text = marvel("describe demo/squad-reviewer-g1-0 --at 16")
    assert "State:       failed" in text
    assert "Ended:       2023-11-14 22:13:27 (0s ago)" in text
    assert text.splitlines()[-1].endswith("failed, SIGKILL")
    shown = json.loads(marvel("describe team demo/squad --at 15 -o json"))
    assert max(event["position"] for event in shown["events"]) == 15


@pytest.mark.parametrize(
    ("at", "status", "message"),
    [
        ("45", 4, "error: there is no position 45\nhint: the log has positions 1 to 44\n"),
        ("0", 4, "error: there is no position 0\nhint: the log has positions 1 to 44\n"),
        (
            "3h",
            4,
            "error: the log knows nothing of 2023-11-14 19:15:00\nhint: it begins at 2023-11-14 22:13:20\n",
        ),
        ("soon", 2, "error: --at: cannot parse 'soon' as a time\nhint: a duration"),
    ],
)
def test_a_moment_that_the_log_has_not_is_refused(
    marvel: Terminal, at: str, status: int, message: str
) -> None:
    assert marvel.error(f"get sessions --at {at}", status).startswith(message)


def test_a_log_that_was_not_upgraded_yet_can_be_looked_back_in(marvel: Terminal) -> None:
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("DROP TABLE snapshots")
        log.execute("UPDATE alembic_version SET version_num = '0001'")
    log.close()
    assert "squad-reviewer-g1-0" in marvel("get sessions --at 15")


# --- the morning after -----------------------------------------------------------------------------


def test_a_report_has_a_row_per_agent(marvel: Terminal) -> None:
    out, err, status = marvel.full("report")
    heading, notice = err.splitlines()
    assert (heading, status) == ("since the log began", 0)
    assert notice.startswith("no daemon is running")
    lines = [line.split() for line in out.splitlines()]
    assert [line[3] for line in lines[1:]] == [
        *(
            "adhoc-0",
            "squad-reviewer-g1-0",
            "squad-reviewer-g1-2",
            "squad-reviewer-g1-10",
            "squad-reviewer-g1-11",
        ),
        *("squad-supervisor-g9-0", "crew-loner-g1-0"),
    ]
    reviewer = next(line for line in out.splitlines() if "squad-reviewer-g1-0" in line)
    assert "1 (failed)" in reviewer
    assert "40→40/40" in reviewer


def test_a_report_for_programs_has_seconds_and_reasons(marvel: Terminal) -> None:
    rows = {row["name"]: row for row in json.loads(marvel("report -o json"))}
    reviewer = rows["squad-reviewer-g1-0"]
    assert (reviewer["sessions"], reviewer["restarts"], reviewer["restart_reasons"]) == (2, 1, {"failed": 1})
    assert reviewer["working_seconds"] == pytest.approx(22)  # without a daemon: until the last event
    assert rows["squad-reviewer-g1-2"]["waiting_seconds"] == pytest.approx(19)
    late = json.loads(marvel("report --since 22:13:50 -o json"))
    assert next(row for row in late if row["name"] == "squad-reviewer-g1-0")["working_seconds"] == 3


def test_one_moment_can_not_be_watched(marvel: Terminal) -> None:
    assert marvel.error("get sessions --at 15 -w", 2).startswith(
        "error: --at shows one moment, --watch goes on\n"
    )
