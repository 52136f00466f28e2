"""The cockpit's lines: what is grouped, told first, filtered and sorted, at every width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recorded import START, small_world

from marvel.cli.fold import Fold
from marvel.cli.table import width
from marvel.settings import Paths
from marvel.store.query import Reader
from marvel.store.rows import load_world
from marvel.top.cells import bar, header, shift_words, spans, sparkline
from marvel.top.picture import TRAIL, Picture, Trails, needs_you, picture_of
from marvel.top.tree import ORDERS, WAITS, Line, Look, lines, totals

NOW = START + 100


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    home = tmp_path_factory.mktemp("top") / "home"
    small_world(home)
    with Reader(Paths(str(home))) as reader:
        return picture_of(Fold(load_world(reader), reader.leases()), Trails())


def text(line: Line, columns: int = 200) -> str:
    return "".join(part for part, _ in spans(line, columns, NOW)).rstrip()


def keys(picture: Picture, look: Look) -> list[str]:
    return [line.key for line in lines(picture, look)]


def test_who_needs_a_person_comes_before_everything(picture: Picture) -> None:
    first, second, *_ = lines(picture, Look())
    assert (first.kind, second.key) == ("waits", "demo/squad-reviewer-g1-2")
    assert text(second).startswith("! demo/squad-reviewer-g1-2")


def test_groups_stand_over_what_is_in_them(picture: Picture) -> None:
    found = lines(picture, Look())
    demo = found.index(next(line for line in found if line.id == "w/demo"))
    assert [line.key for line in found[demo : demo + 4]] == [
        "demo",
        "demo/squad",
        "demo/squad/reviewer",
        "demo/squad-reviewer-g1-2",
    ]
    assert text(found[demo + 2]).startswith("    ▾ reviewer  1/12 ready")


def test_a_folded_group_hides_what_is_in_it_and_still_counts_it(picture: Picture) -> None:
    look = Look().fold("t/demo/squad")
    found = lines(picture, look)
    team = next(line for line in found if line.id == "t/demo/squad")
    assert "▸ squad" in text(team)
    assert len(team.inside) == 4
    assert not [line for line in found if line.id.startswith("r/demo/squad")]
    assert lines(picture, look.fold("t/demo/squad")) == lines(picture, Look())


@pytest.mark.parametrize(
    ("words", "count"), [("waiting", 1), ("REVIEWER running", 2), ("loner unhealthy", 1), ("nobody", 0)]
)
def test_each_word_of_a_filter_must_be_there(picture: Picture, words: str, count: int) -> None:
    found = {line.key for line in lines(picture, Look(words=words)) if line.session}
    assert len(found) == count


@pytest.mark.parametrize("order", ORDERS[1:])
def test_a_sorted_fleet_is_flat_and_turns_round(picture: Picture, order: str) -> None:
    look = Look(order=order, folded=frozenset({WAITS}))
    sorted_so = keys(picture, look)[1:]
    assert len(sorted_so) == len(picture.sessions)
    assert set(keys(picture, replace(look, reverse=True))[1:]) == set(sorted_so)


def test_the_fullest_come_first_by_context(picture: Picture) -> None:
    look = Look(order="context", folded=frozenset({WAITS}))
    assert keys(picture, look)[1] == "demo/squad-reviewer-g1-0"


@pytest.mark.parametrize("columns", [40, 80, 99, 120, 160, 200])
def test_no_line_is_wider_than_its_screen(picture: Picture, columns: int) -> None:
    for line in lines(picture, Look()):
        assert width("".join(part for part, _ in spans(line, columns, NOW))) <= columns
    assert width(header(columns)) <= columns


def test_at_eighty_columns_state_health_activity_and_context_are_told(picture: Picture) -> None:
    line = next(line for line in lines(picture, Look()) if line.key.endswith("reviewer-g1-0"))
    told = text(line, 80)
    assert "reviewer-g1-0" in told
    for word in ("running", "?", "working", "42% ██░░░", "g1"):
        assert word in told


def test_a_key_that_is_too_long_keeps_its_end(picture: Picture) -> None:
    assert text(lines(picture, Look())[1], 80).startswith("! …squad-reviewer-g1-2 ")


def test_nothing_of_an_agent_reaches_the_terminal_as_it_is(picture: Picture) -> None:
    assert "\x1b" not in "".join(text(line) for line in lines(picture, Look()))


def test_the_totals_tell_who_waits_and_what_runs(picture: Picture) -> None:
    assert totals(picture).startswith("2 need you · 6 sessions: ")
    assert "1 waiting 1 working" in totals(picture)


def test_an_ended_one_off_needs_nobody(picture: Picture) -> None:
    one_off = next(session for session in picture.sessions if session["one_off"])
    assert needs_you(one_off) == ""


def test_a_trail_keeps_the_newest_readings_once_each() -> None:
    trails = Trails()
    for percent in (None, *range(100), 99.0):
        trails.note("a", percent)
    kept = trails.of(["a", "b"])
    assert kept == {"a": tuple(range(100 - TRAIL, 100))}
    assert trails.of([]) == {}


def test_bars_and_sparklines_are_as_long_as_asked() -> None:
    assert bar(0.5, 4) == "██░░"
    assert bar(7.0, 4) == "████"
    assert sparkline((0.0, 50.0, 100.0), 5) == "  ▁▅█"
    assert sparkline((0.0, 50.0, 100.0), 2) == "▅█"


def test_a_shift_tells_how_far_it_is_and_what_it_waits_for() -> None:
    shift = {"from_generation": 1, "to_generation": 2, "ready": 1, "replicas": 4, "old": 3, "waits_for": None}
    shift |= {"phase": "launching", "blocked": "w/x, which is pending", "abort_reason": None, "stuck": False}
    told = shift_words({**shift, "deadline": NOW + 60}, 8, NOW)
    assert told == "shift g1→g2 ██░░░░░░ 1/4, 3 old, launching, waits for w/x, which is pending"
    told = shift_words({**shift, "blocked": "", "deadline": NOW + 60}, 8, NOW)
    assert "launching, to be ready until" in told
    turn = {**shift, "waits_for": "worker", "blocked": "its turn, after worker", "deadline": None}
    assert shift_words(turn, 8, NOW) == "shift waits for its turn, after worker"


def test_a_fleet_of_nothing_is_told_too(tmp_path: Path) -> None:
    assert lines(Picture(), Look()) == []
    assert totals(Picture()) == "0 sessions"
