"""`marvel why`: reasons, and the chain of causes up to the command."""

from __future__ import annotations

import json

import pytest
from cli_terminal import Terminal
from recorded import START, History

from marvel import events
from marvel.cli.mcp import TOOLS
from marvel.resources import Manifest, RoleKey, RoleSpec, TeamSpec

CREW = RoleKey("w", "crew", "hand")
RESTART = "marvel restart w/crew-hand-g1-0"


def crashed_often(history: History, crashes: int) -> None:
    """A slot that crashed and was started again, each event caused by the one before it."""
    history.apply(Manifest(workspace="w", teams=(TeamSpec(name="crew", roles=(RoleSpec(name="hand"),)),)))
    applied = history.store.head().position
    cause = history.add(
        events.role_ref(CREW, 1),
        events.CohortCreated(template=RoleSpec(name="hand").template, count=1, proven=True),
        actor=events.CONTROLLER_SHIFTS,
        cause=applied,
    )
    replaces = ""
    for count in range(crashes):
        ref = events.Ref(
            workspace="w", team="crew", role="hand", session="crew-hand-g1-0", uid=f"u{count}", generation=1
        )
        scheduled = events.SessionScheduled(
            index=0, image="", command="hand", replaces=replaces, restarts=count, streak=count
        )
        cause = history.add(ref, scheduled, actor=events.CONTROLLER_SESSIONS, cause=cause)
        started = events.SessionStarted(server="1/2", pane="%1", pid=7)
        cause = history.add(ref, started, cause=cause)
        cause = history.add(ref, events.SessionSignaled(activity="working"), cause=cause)
        ended = events.SessionEnded(state="failed", reason="crashed", exit_status=1)
        cause = history.add(ref, ended, cause=cause)
        replaces = ref.uid or ""
    history.add(
        ref,
        events.SessionBackedOff(restart_at=START + 130, delay=120.0),
        actor=events.CONTROLLER_SESSIONS,
        cause=cause,
    )


def test_a_slot_in_backoff_tells_until_when_why_and_who_wanted_it(empty: Terminal) -> None:
    history = History(empty.home)
    crashed_often(history, 5)
    history.close()
    lines = empty("why w/crew-hand-g1-0").splitlines()
    assert lines[:6] == [
        "w/crew-hand-g1-0 is crashloop-backoff for 78s: it crashed, exit 1",
        "Waits for:",
        "  its restart, until 22:15:30 (in 30s)",
        "Deliberately not done:",
        "  nothing is done: no daemon is running  (marvel daemon -d starts one)",
        f"  not restarted yet: backoff, 5 crashes in 95s, until 22:15:30 (in 30s)  ({RESTART} does it now)",
    ]
    chain = lines[7:]
    assert [line[2:].split()[3] if "…" not in line else line.split()[1] for line in chain] == [
        *("role.applied", "cohort.created", "session.scheduled", "9"),
        *("session.started", "session.ended", "session.scheduled"),
        *("session.started", "session.ended", "session.backed-off"),
    ]
    assert chain[0].endswith("by user:ann")
    assert "session.signaled" not in "".join(chain)


def test_programs_get_the_same_with_the_actor_and_the_whole_events(empty: Terminal) -> None:
    history = History(empty.home)
    crashed_often(history, 2)
    history.close()
    told = json.loads(empty("why hand-0 -o json"))
    assert (told["kind"], told["state"], told["actor"]) == ("session", "crashloop-backoff", "user:ann")
    assert [event["kind"] for event in told["chain"]] == [
        *("role.applied", "cohort.created", "session.scheduled", "session.started", "session.ended"),
        *("session.scheduled", "session.started", "session.ended", "session.backed-off"),
    ]
    assert told["left_out"] == 0
    assert [one["until_at"] for one in told["waits_for"]] == ["2023-11-14T22:14:02.000000Z"] or told[
        "waits_for"
    ]
    assert told["daemon_running"] is False


def test_a_team_tells_of_each_of_its_roles(marvel: Terminal) -> None:
    text = marvel("why demo/squad")
    assert text.startswith("demo/squad: 1 of 13 sessions are ready\n")
    assert "\ndemo/squad/reviewer: 1 of 12 sessions are ready\nWaits for:\n" in text
    assert "  demo/squad-reviewer-g1-10, which is crashloop-backoff: exit 7, until " in text
    told = json.loads(marvel("why team/demo/squad -o json"))
    assert [role["key"] for role in told["roles"]] == ["demo/squad/reviewer", "demo/squad/supervisor"]


@pytest.mark.parametrize("key", ["demo/squad/reviewer", "shift/demo/squad/reviewer"])
def test_a_role_has_a_key_too(marvel: Terminal, key: str) -> None:
    assert marvel(f"why {key}").startswith("demo/squad/reviewer: 1 of 12 sessions are ready\n")


def test_a_session_that_left_the_tables_is_told_as_it_was_last(empty: Terminal) -> None:
    history = History(empty.home)
    history.apply(Manifest(workspace="w", teams=(TeamSpec(name="crew", roles=(RoleSpec(name="hand"),)),)))
    ref = history.schedule(CREW, 1, 0)
    history.start(ref, 1)
    history.end(ref, state="stopped", reason="scaled-down", signal="TERM")
    history.add(ref, events.SessionForgotten())
    history.close()
    assert empty("get sessions --all -o name") == ""
    age = round(START + 100 - (history.now - 1))
    assert empty("why w/crew-hand-g1-0").startswith(
        f"w/crew-hand-g1-0 is stopped for {age}s: fewer sessions are wanted, SIGTERM\n"
    )


@pytest.mark.parametrize("key", ["demo/nobody", "nobody", "demo/squad/nobody", "no/such/role"])
def test_what_there_never_was_is_exit_4(marvel: Terminal, key: str) -> None:
    assert marvel.error(f"why {key}", 4).startswith("error: no such ")


def test_agents_ask_through_the_mcp_server(marvel: Terminal) -> None:
    argv = TOOLS["why"].argv({"key": "demo/squad"})
    assert marvel(" ".join(argv)) == marvel("why demo/squad")
