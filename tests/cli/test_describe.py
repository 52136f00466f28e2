"""Descriptions: for people in words, for programs as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_terminal import Terminal

from marvel.settings import Paths


def test_a_session_tells_state_conditions_template_and_events(marvel: Terminal) -> None:
    text = marvel("describe session demo/squad-reviewer-g1-0")
    for part in (
        "Session:         demo/squad-reviewer-g1-0",
        "State:           running",
        "Context:         42.4 %",
        "Last heartbeat:  2023-11-14 22:1",
        "Activity:        working for 89s",
        "env:  TOKEN=***",
        "this agent can't beat",
        "Restarts (1):",
        "failed   SIGKILL",
    ):
        assert part in text
    assert text.splitlines()[-1].endswith("working, context 40 %, agent session abc")


def test_restarts_tell_when_and_why_the_earlier_ones_ended(marvel: Terminal) -> None:
    shown = json.loads(marvel("describe session reviewer-0 -o json"))
    assert [(row["uid"], row["signal"], row["ended_at"]) for row in shown["earlier"]] == [
        (marvel.sessions["crashed"].uid, "KILL", "2023-11-14T22:13:27.000000Z")
    ]


def test_the_last_lines_of_what_failed_are_shown(marvel: Terminal) -> None:
    tail = Path(Paths(str(marvel.home)).tail(marvel.sessions["crashed"].uid or ""))
    tail.parent.mkdir(parents=True)
    tail.write_text("working\n\x1b[31mout of tokens\n\n\n")
    assert "Last lines of what ended:\n  working\n  ?[31mout of tokens\n" in marvel("describe reviewer-0")
    assert json.loads(marvel("describe reviewer-0 -o json"))["tail"] == ["working", "\x1b[31mout of tokens"]


def test_a_waiting_slot_tells_until_when(marvel: Terminal) -> None:
    text = marvel("describe squad-reviewer-10")
    assert "Reason:      exit 7" in text
    assert "Waits:       until 22:15:07 (in 7s)" in text


def test_an_order_to_stop_is_told(marvel: Terminal) -> None:
    text = marvel(f"describe session {marvel.sessions['removed'].uid}")
    assert "Stop order:\n  reason:   scaled-down\n" in text


def test_without_a_kind_a_key_is_a_session_else_a_team(marvel: Terminal) -> None:
    assert marvel("describe demo/squad-reviewer-g1-2").startswith("Session: ")
    assert marvel("describe reviewer-2").startswith("Session: ")
    assert marvel("describe demo/squad").startswith("Team: ")


def test_a_team_tells_roles_specs_sessions_and_endpoints(marvel: Terminal) -> None:
    text = marvel("describe team demo/squad")
    for part in (
        "Ready:    1 of 13 sessions",
        "Role reviewer:",
        "restart_policy:  always",
        "Endpoints:",
        "review",
    ):
        assert part in text
    shown = json.loads(marvel("describe team demo/squad -o json"))
    assert [role["role"] for role in shown["roles"]] == ["reviewer", "supervisor"]
    assert shown["roles"][0]["spec"]["template"]["runtime"]["env"] == {"TOKEN": "***"}
    assert shown["roles"][0]["spec"]["healthcheck"]["timeout"] == 30.0
    assert len(shown["events"]) == 10


def test_a_workspace_tells_what_lives_in_it(marvel: Terminal) -> None:
    text = marvel("describe workspace demo")
    assert "Sessions:   2 alive" in text
    assert "review" in text
    assert "adhoc-0" in marvel("describe w default")


def test_an_endpoint_tells_its_sessions(marvel: Terminal) -> None:
    text = marvel("describe endpoint demo/review")
    assert "Stands for:  demo/squad, reviewer" in text
    assert "Sessions:\n  squad-reviewer-g1-0\n" in text


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("describe demo/nobody", 4, "no such session or team: demo/nobody"),
        ("describe session demo/nobody", 4, "no such session: demo/nobody"),
        ("describe team demo/nobody", 4, "no such team: demo/nobody"),
        ("describe workspace nowhere", 4, "no such workspace: nowhere"),
        ("describe endpoint demo/none", 4, "no such endpoint: demo/none"),
        ("describe session", 2, "describe session needs a KEY"),
        ("describe pod demo/x", 2, "there is no kind 'pod'"),
        ("describe demo/squad -o wide", 2, "there is no output 'wide'"),
    ],
)
def test_what_can_not_be_described_is_one_clear_error(
    marvel: Terminal, line: str, status: int, message: str
) -> None:
    said = marvel.error(line, status).splitlines()
    assert said[0] == f"error: {message}"
    assert said[1].startswith("hint: ")
