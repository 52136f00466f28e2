"""The context plot: bars that hold until told otherwise, restarts and shifts on the axis."""

from __future__ import annotations

from marvel.top.plot import Mark, plot


def test_a_plot_has_the_size_it_was_given() -> None:
    drawn = plot([(0.0, 10.0), (50.0, 100.0)], [], 100.0, 25, 6)
    assert len(drawn) == 6
    assert {len(line) for line in drawn} == {25}
    assert drawn[0].startswith("100% ")


def test_a_reading_holds_until_the_next_one() -> None:
    top, bottom = plot([(0.0, 50.0), (50.0, 100.0)], [], 100.0, 25, 4)[:2]
    assert top[5:] == " " * 10 + "█" * 10
    assert bottom[5:] == "█" * 20


def test_a_new_process_begins_with_nothing_and_is_marked() -> None:
    bottom, axis = plot([(0.0, 100.0), (75.0, 100.0)], [Mark(50.0, "r")], 100.0, 25, 4)[1:3]
    assert bottom[5:] == "█" * 10 + " " * 5 + "█" * 5
    assert axis[5:] == "─" * 10 + "r" + "─" * 9


def test_nothing_told_is_said() -> None:
    assert plot([], [Mark(1.0, "s")], 2.0, 40, 5) == ["no context percent was told"]
