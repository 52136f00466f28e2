"""What is suggested for a command that does not exist: nothing that changes anything by mistake."""

import re

import pytest

from marvel.cli.catalog import CHANGE, COMMANDS, DAEMON, LOG, SEE, SESSIONS
from marvel.cli.suggestions import HABITS, READS, distance, suggestion

CHANGING = {
    *("work", "apply", "up", "scale", "shift", "restart", "delete", "run", "kill", "attach", "inject", "mcp"),
    *("heartbeat", "daemon", "stop", "rebuild", "backup", "archive", "restore", "simulator"),
}


def test_every_command_is_known_to_read_or_to_change() -> None:
    assert set(COMMANDS) == READS | CHANGING
    assert not READS & CHANGING
    sections = {name: entry.section for name, entry in COMMANDS.items()}
    assert {CHANGE} >= {sections[name] for name in CHANGING} - {SESSIONS, DAEMON, LOG, ""}
    assert {sections[name] for name in READS} == {SEE, SESSIONS, DAEMON, LOG}


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("aply", "apply"),
        ("shfit", "shift"),
        ("delte", "delete"),
        ("evnets", "events"),
        ("desribe", "describe"),
        ("reprot", "report"),
        ("log", "logs"),
        ("tops", "top"),
    ],
)
def test_a_typing_error_is_known(typed: str, suggested: str) -> None:
    assert suggestion(typed) == f"did you mean marvel {suggested}?"


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "status",
            "resume",
            "start",
            "stats",
            "list",
            "unde",
            "restar-all",
            "skill",
            "ski",
            "stor",
            "to",
            "x",
        ),
        *(
            "work-on",
            "un",
            "rn",
            "ru",
            "kil",
            "re",
            "arch",
            "destroy",
            "remove",
            "restorer",
            "init",
            "unworked",
        ),
    ],
)
def test_what_is_no_typing_error_of_a_changing_command_never_leads_to_one(typed: str) -> None:
    found = re.match("did you mean marvel (.*)[?]", suggestion(typed))
    assert found is None or found[1] in READS or distance(typed, found[1]) == 1


def test_a_habit_is_answered_with_a_command_that_reads_or_with_help() -> None:
    for typed, hint in HABITS.items():
        assert typed not in COMMANDS
        for part in hint.split(", "):
            words = part.split(" ")
            if words[0] == "marvel":
                assert words[1] in READS or words[2] in ("--help", "status"), part


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("shift", "shfit", 1),
        ("get", "gte", 1),
        ("top", "stop", 1),
        ("ab", "ba", 1),
    ],
)
def test_the_distance_of_words_counts_typing_errors(one: str, other: str, steps: int) -> None:
    assert distance(one, other) == distance(other, one) == steps
