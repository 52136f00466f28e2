"""The live table: keys in, frames out."""

from __future__ import annotations

from typing import Any

import pytest

from marvel.cli import objects
from marvel.cli.view import Size, View, clip, keys

NOW = 1_700_000_100.0
WIDE = Size(120, 10)


def session(index: int, **fields: Any) -> dict[str, Any]:
    row = {
        "workspace": "w",
        "team": "t",
        "role": "r",
        "generation": 1,
        "index": index,
        "name": f"t-r-g1-{index}",
        "uid": f"u{index}",
        "state": "running",
        "image": "claude",
        "command": "claude",
        "created_at": NOW - 60,
        "pane": f"%{index}",
    }
    return objects.session(row | fields)


def view(**options: Any) -> View:
    return View("sessions", **{"wide": False, **options})


def names(lines: list[str]) -> list[str]:
    return [line.split()[4] for line in lines[1:-1] if line]


def shown(table: View, rows: list[dict[str, Any]], size: Size = WIDE) -> list[str]:
    return table.frame(rows, NOW, size, coloured=False)


def test_a_frame_has_as_many_lines_as_the_screen_its_last_tells_how_to_get_help() -> None:
    lines = shown(view(), [session(0), session(1)])
    assert len(lines) == WIDE.lines
    assert lines[0].split()[:3] == ["WORKSPACE", "TEAM", "ROLE"]
    assert names(lines) == ["t-r-g1-0", "t-r-g1-1"]
    assert lines[-1] == "2 sessions   h help, q quit"


@pytest.mark.parametrize(
    ("key", "field", "values"),
    [
        ("c", "context_percent", (1.0, 2.0, 10.0)),
        ("n", "name", ("t-r-g1-1", "t-r-g1-2", "t-r-g1-10")),
        ("r", "role", ("a", "b", "c")),
        ("g", "generation", (1, 2, 10)),
        ("t", "team", ("a", "b", "c")),
        ("w", "workspace", ("a", "b", "c")),
        ("s", "state", ("failed", "pending", "running")),
        ("d", "pane", ("%1", "%2", "%10")),
        ("a", "image", ("aider", "claude", "codex")),
    ],
)
def test_each_sort_key_sorts_by_its_column_and_again_the_other_way(
    key: str, field: str, values: tuple[Any, ...]
) -> None:
    low, middle, high = [{**session(0), field: value, "uid": str(value)} for value in values]
    table = view()
    expected = [line.split() for line in shown(view(), [low, middle, high])[1:4]]
    for order in (expected, expected[::-1], expected):
        table.press(key)
        assert [line.split() for line in shown(table, [middle, high, low])[1:4]] == order


def test_rows_without_a_value_stand_last_either_way_round() -> None:
    rows = [session(0), session(1, context_percent=5), session(2, context_percent=50)]
    table = view()
    table.press("c")
    assert names(shown(table, rows)) == ["t-r-g1-1", "t-r-g1-2", "t-r-g1-0"]
    table.press("c")
    assert names(shown(table, rows)) == ["t-r-g1-2", "t-r-g1-1", "t-r-g1-0"]
    assert "by CTX%, reversed" in shown(table, rows)[-1]


def test_another_sort_key_begins_the_right_way_round_and_any_other_key_does_nothing() -> None:
    table, rows = view(sort_by="name"), [session(1), session(0)]
    assert names(shown(table, rows)) == ["t-r-g1-0", "t-r-g1-1"]
    for key in "nwn":
        table.press(key)
    for key in ("x", "\x1b", "é", "7"):
        table.press(key)
    assert names(shown(table, rows)) == ["t-r-g1-0", "t-r-g1-1"]
    assert not table.quit


def test_help_is_laid_over_the_table_until_a_key_and_that_key_does_nothing_else() -> None:
    table = view()
    table.press("h")
    helped = shown(table, [session(0)], Size(80, 30))
    assert "by CTX%" in "\n".join(helped)
    assert "t-r-g1-0" not in "\n".join(helped)
    table.press("n")
    assert shown(table, [session(0)])[-1] == "1 sessions   h help, q quit"
    table.press("h")
    table.press("q")
    assert table.quit


def test_more_rows_than_the_screen_are_scrolled_and_never_beyond_their_end() -> None:
    table, rows, size = view(), [session(index) for index in range(30)], Size(100, 12)
    assert names(shown(table, rows, size)) == [f"t-r-g1-{index}" for index in range(10)]
    assert "1-10 shown" in shown(table, rows, size)[-1]
    for key, first in [
        ("down", 1),
        ("page-down", 11),
        ("up", 10),
        ("end", 20),
        (" ", 20),
        ("home", 0),
        ("k", 0),
    ]:
        table.press(key)
        assert names(shown(table, rows, size))[0] == f"t-r-g1-{first}", key
    table.press("end")
    assert names(shown(table, rows[:15], size))[0] == "t-r-g1-5"
    assert len(names(shown(table, rows[:3], size))) == 3


@pytest.mark.parametrize("size", [Size(1, 1), Size(3, 2), Size(20, 3), Size(500, 100)])
@pytest.mark.parametrize("coloured", [True, False])
def test_any_size_of_screen_will_do(size: Size, coloured: bool) -> None:
    for table in (view(), view(wide=True, headers=False)):
        for key in ("n", "h"):
            table.press(key)
            lines = table.frame(
                [session(i) for i in range(9)], NOW, size, alarm="daemon is gone", coloured=coloured
            )
            assert len(lines) == size.lines
            assert all(len(line) <= size.columns for line in lines) or coloured


def test_a_narrow_screen_gets_its_columns_close_together() -> None:
    assert "t-r-g1-0   running" in shown(view(), [session(0)])[1]
    assert "t-r-g1-0 running" in shown(view(), [session(0)], Size(79, 5))[1]


def test_nothing_to_show_is_said() -> None:
    assert shown(view(), [])[0] == "No sessions found."


def test_an_alarm_comes_first_and_states_have_their_colours() -> None:
    lines = view().frame([session(0)], NOW, WIDE, alarm="daemon is gone")
    assert "\x1b[32mrunning\x1b[0m" in lines[1]
    assert lines[-1].startswith("\x1b[31m\x1b[7mdaemon is gone   1 sessions")


def test_what_an_agent_says_can_not_move_the_terminal() -> None:
    lines = view(wide=True).frame([session(0, activity="\x1b[2J\x07")], NOW, WIDE, coloured=False)
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("text", "columns", "kept"),
    [
        ("plain", 9, "plain"),
        ("plain", 3, "pla"),
        ("\x1b[32mrunning\x1b[0m", 4, "\x1b[32mrunn\x1b[0m"),
        ("\x1b[32mrun\x1b[0m", 3, "\x1b[32mrun\x1b[0m\x1b[0m"),
        ("日本語", 5, "日本"),
        ("e\u0301e\u0301", 1, "e\u0301"),
        ("anything", 0, ""),
    ],
)
def test_a_line_is_cut_by_what_it_takes_on_a_terminal(text: str, columns: int, kept: str) -> None:
    assert clip(text, columns) == kept


def test_keys_are_told_from_what_terminals_send() -> None:
    assert keys("q") == ["q"]
    assert keys("\x1b[A\x1bOBn\x1b[5~") == ["up", "down", "n", "page-up"]
    assert keys("\x1b[1;5C\x1b[200~") == []
    assert keys("\x1b") == ["\x1b"]
    assert keys("é") == ["é"]


@pytest.mark.parametrize(
    ("kind", "keys_known"),
    [("teams", "rgtwa"), ("workspaces", "ntsa"), ("endpoints", "nrtws"), ("shifts", "rgtwsa")],
)
def test_other_kinds_sort_by_the_columns_they_have(kind: str, keys_known: str) -> None:
    table = View(kind, wide=False)
    for key in "cnrgtwsda":
        table.press(key)
        sorted_by = shown(table, [])[-1]
        table = View(kind, wide=False)
        assert ("by " in sorted_by) == (key in keys_known), key
