"""Both lanes print the same, and the printer keeps its promises."""

from __future__ import annotations

import pytest
from cli_terminal import Terminal

from marvel.cli import times
from marvel.cli.request import parse
from marvel.cli.table import table, width
from marvel.text import printable

LINES = [
    "sessions",
    "session squad-reviewer-0",
    "s -o wide",
    "s -o=json",
    "s -ojson",
    "s --output=name",
    "s --output jsonl --all",
    "s --no-headers --sort-by age",
    "s --sort-by=restarts -o wide",
    "s --workspace demo --role reviewer --state running,failed",
    "s --waiting",
    "s --workspace nowhere",
    "--all sessions",
    "sessions demo/squad",
    "t",
    "teams -o wide --sort-by replicas",
    "teams -o json --sort-by ready",
    "team demo/squad -o json",
    "w",
    "workspaces -o json",
    "e -o wide",
    "endpoint demo/review -o name",
    "sessions nobody",
    "pods",
    "sessions -o yaml",
    "teams --waiting",
]


@pytest.mark.parametrize("line", LINES)
def test_the_fast_lane_prints_what_typer_prints(marvel: Terminal, line: str) -> None:
    assert parse(line.split()) is not None
    assert marvel.full(f"get {line}") == marvel.full(f"get {line}", typer=True)


@pytest.mark.parametrize(
    "line",
    ["", "sessions --help", "sessions -h", "s -w", "s -o", "s --at 3", "s --no-headers=x", "-- s", "a b c"],
)
def test_what_the_fast_lane_does_not_know_it_leaves_alone(line: str) -> None:
    assert parse(line.split()) is None


def test_help_is_the_same_by_either_lane(marvel: Terminal) -> None:
    assert marvel.full("get --help") == marvel.full("get --help", typer=True)
    assert "--sort-by" in marvel("get -h")


def test_columns_line_up_by_what_a_terminal_shows() -> None:
    text = table(["NAME", "X"], [["日本", "1"], ["e\u0301", "2"], ["plain", "3"]])
    assert text == "NAME    X\n日本    1\ne\u0301       2\nplain   3\n"
    assert width("日本") == 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "?[2Jgone"),
        ("\x9b31m", "?31m"),
        ("a\nb\tc", "a b c"),
        ("left\u202eright", "left?right"),
        ("zero\u200bwidth", "zero?width"),
        ("Grüße 日本", "Grüße 日本"),
    ],
)
def test_what_could_move_a_terminal_becomes_a_question_mark(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_colours_do_not_move_columns() -> None:
    rows = [["running", "a"], ["crashloop-backoff", "b"], ["other", "running"]]
    plain = table(["STATE", "N"], rows)
    coloured = table(["STATE", "N"], rows, coloured=True)
    assert "\x1b[32mrunning\x1b[0m" in coloured
    bare = coloured
    for code in ("\x1b[0m", "\x1b[31m", "\x1b[32m"):
        bare = bare.replace(code, "")
    assert bare == plain


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0s"), (5.9, "5s"), (119, "119s"), (180, "3m"), (7200, "2h"), (4 * 86400 + 5, "4d")],
)
def test_ages_are_in_the_largest_whole_unit(seconds: float, shown: str) -> None:
    assert times.age(seconds) == shown


def test_a_published_time_loses_nothing_that_the_log_holds() -> None:
    assert times.rfc3339(1_700_000_000.000001) == "2023-11-14T22:13:20.000001Z"
    assert times.rfc3339(1_699_999_999.9999997) == "2023-11-14T22:13:20.000000Z"
