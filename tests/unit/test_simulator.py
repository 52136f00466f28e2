"""The simulator's pure half: options, growth, screen, typing."""

from __future__ import annotations

from itertools import pairwise

import pytest

from marvel.simulator.draft import LINE_LIMIT_BYTES, Draft
from marvel.simulator.model import grow, next_due, random_source
from marvel.simulator.options import read_options
from marvel.simulator.screen import (
    Status,
    bar,
    columns,
    draft_line,
    plain_line,
    received_line,
    replaced,
    status_line,
)

PANE = {
    "MARVEL_SOCKET": "/run/m.sock",
    "MARVEL_WORKSPACE": "demo",
    "MARVEL_TEAM": "squad",
    "MARVEL_ROLE": "agent",
    "MARVEL_SESSION": "squad-agent-1-g2",
    "MARVEL_GENERATION": "2",
    "MARVEL_SESSION_UID": "u1",
    "MARVEL_TOKEN": "secret",
}


def contexts(seed: int | None, identity: str, ticks: int) -> list[float]:
    chance = random_source(seed, identity)
    seen = [0.0]
    for _ in range(ticks):
        seen.append(grow(seen[-1], 1, 5, chance))
    return seen


def status(**changed: object) -> Status:
    made = Status("squad-agent-1-g2", "2", 42.5)
    made.tick = 12
    for name, value in changed.items():
        setattr(made, name, value)
    return made


# growth and time


def test_context_grows_by_one_to_five_percent_and_a_full_one_starts_again() -> None:
    seen = contexts(7, "", 500)

    assert all(0 <= percent < 100 for percent in seen)
    steps = [after - before for before, after in pairwise(seen)]
    assert all(0.95 <= step <= 5.05 for step in steps if step > 0)
    compactions = [(before, after) for before, after in pairwise(seen) if after < before]
    assert len(compactions) > 10
    assert all(before >= 95 and after == 0 for before, after in compactions)


def test_the_same_seed_grows_the_same_and_sessions_without_one_differ() -> None:
    assert contexts(7, "u1", 50) == contexts(7, "u2", 50)
    assert contexts(None, "u1", 50) == contexts(None, "u1", 50)
    assert contexts(None, "u1", 50) != contexts(None, "u2", 50)


def test_ticks_stay_on_their_grid_and_missed_ones_are_left_out() -> None:
    assert next_due(10.0, 1.0, now=10.0) == 11.0
    assert next_due(10.0, 1.0, now=10.4) == 11.0
    assert next_due(10.0, 1.0, now=613.5) == 614.0
    assert next_due(10.0, 1.0, now=9.9) == 11.0


# options


def test_a_pane_is_described_by_its_environment() -> None:
    options = read_options([], PANE)

    assert (options.name, options.workspace, options.team, options.role) == (
        "squad-agent-1-g2",
        "demo",
        "squad",
        "agent",
    )
    assert (options.generation, options.tick, options.seed, options.identity) == ("2", 1000, None, "u1")
    assert options.beat_to == {
        "socket_path": "/run/m.sock",
        "session_key": "demo/squad-agent-1-g2",
        "uid": "u1",
        "token": "secret",
    }


def test_an_agent_told_to_be_another_does_not_use_its_panes_uid_and_token() -> None:
    options = read_options(["--name", "other", "--socket", "/run/n.sock"], PANE)

    assert options.beat_to == {"socket_path": "/run/n.sock", "session_key": "demo/other"}


def test_without_a_socket_nobody_is_beaten_to() -> None:
    assert read_options(["--name", "a", "--workspace", "w"], {}).beat_to == {}


def test_arguments_meant_for_other_agents_are_kept_and_not_fatal() -> None:
    argv = ["--model", "sonnet", "--tick", "50", "-hx", "-p", "--tic=3", "Review open changes."]

    options = read_options(argv, {})

    assert options.tick == 50
    assert options.unknown == ["--model", "sonnet", "-hx", "-p", "--tic=3", "Review open changes."]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--tick", "9"], "argument --tick: 9 is not between 10 and"),
        (["--tick", "soon"], "argument --tick"),
        (["--exit-after", "nan"], "argument --exit-after: nan is not between 0 and"),
        (["--exit-after", "inf"], "argument --exit-after: inf is not between 0 and"),
        (["--exit-code", "256"], "argument --exit-code: 256 is not between 0 and 255"),
        (["--context-start", "-5"], "argument --context-start: -5 is not between 0 and 100"),
        (["--growth", "5", "1"], "argument --growth: MIN is more than MAX"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_usage_error(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_options(argv, {})
    assert message in capsys.readouterr().err


# screen


def test_a_wide_pane_shows_everything() -> None:
    assert (
        status_line(status(), 80)
        == "squad-agent-1-g2 g2 [#########-----------] ctx 42.5% tick 12 working"
        == status_line(status(), 400)
    )


def test_a_narrow_pane_loses_the_bar_before_it_loses_facts() -> None:
    assert status_line(status(), 60) == "squad-agent-1-g2 g2 [####------] ctx 42.5% tick 12 working"
    assert status_line(status(), 50) == "squad-agent-1-g2 g2 ctx 42.5% tick 12 working"
    assert status_line(status(), 40) == "squad-agent-1-g2 42.5% working"


def test_a_failed_beat_is_seen_even_in_a_narrow_pane() -> None:
    failed = status(beat_error="refused: unknown session")

    assert status_line(failed, 100).endswith("tick 12 working no beat: refused: unknown session")
    assert status_line(failed, 40) == "squad-agent-1-g2 42.5% working no beat:"


@pytest.mark.parametrize("width", range(12))
def test_no_width_is_too_small(width: int) -> None:
    assert len(status_line(status(), width)) <= max(0, width - 1)
    assert len(draft_line("typed", width)) <= max(2, width - 1)


def test_the_bar_is_empty_at_0_and_full_at_100() -> None:
    assert (bar(0, 4), bar(50, 4), bar(100, 4)) == ("[----]", "[##--]", "[####]")


def test_a_pipe_gets_the_facts_without_the_bar() -> None:
    assert plain_line(status(state="hung")) == "squad-agent-1-g2 g2 ctx 42.5% tick 12 hung"


def test_received_control_characters_are_shown_and_not_obeyed() -> None:
    assert received_line("\x1b[2Jgone\x07 näive ☃") == "received: \\x1b[2Jgone\\x07 näive ☃"
    assert "\x1b" not in status_line(status(beat_error="\x1b[2J"), 200)
    assert "\x1b" not in draft_line("\x1b[2J", 80)


def test_a_long_received_text_is_shortened_and_says_its_length() -> None:
    shown = received_line("x" * 100_000)

    assert len(shown) < 2100
    assert shown.endswith("... (100000 characters)")


def test_a_long_draft_shows_its_end() -> None:
    assert draft_line("0123456789", 8) == "> 56789"
    assert columns(draft_line("漢字" * 20, 11)) <= 10


def test_redrawing_starts_at_the_first_old_row_also_after_the_pane_got_narrower() -> None:
    assert replaced([], ["new"], 80) == "\r\x1b[Jnew"
    assert replaced(["old"], ["new"], 80) == "\r\x1b[Jnew"
    assert replaced(["old", "> x"], ["new"], 80) == "\r\x1b[1A\x1b[Jnew"
    assert replaced(["o" * 79], ["new"], 40) == "\r\x1b[1A\x1b[Jnew"


# typing


def test_lines_come_out_whole_however_they_come_in() -> None:
    draft = Draft()

    assert draft.feed("grü".encode()[:-1]) == []
    assert draft.feed("grü".encode()[-1:] + b"n\rtwo\r\nthr") == ["grün", "two"]
    assert draft.text == "thr"


def test_backspace_erases_a_whole_character_and_control_u_the_line() -> None:
    draft = Draft()

    assert draft.feed("aü\x7f\x7f\x7fb\n".encode()) == ["b"]
    assert draft.feed(b"nonsense\x15sense\n") == ["sense"]


def test_a_line_without_end_is_cut_at_the_limit() -> None:
    draft = Draft()
    lines: list[str] = []
    for _ in range(10):
        lines += draft.feed(b"x" * 65536)

    assert [len(line) for line in lines] == [LINE_LIMIT_BYTES, LINE_LIMIT_BYTES]
    assert len(draft.text) == 10 * 65536 - 2 * LINE_LIMIT_BYTES
