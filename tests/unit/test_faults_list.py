"""The faults that `just faults` does: named once each, and counted as they end. None is done here."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.__main__ import run, title
from tests.faults.scene import FAULTS, Fault, Scene, Skipped


def lines(fault: Fault, tries: int, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """What was lost, and the line of the table without its seconds."""
    lost = run(fault, tries, 10)
    words = capsys.readouterr().out.split()
    return lost, " ".join(words[:5] + words[6:])


def test_each_fault_has_a_name_of_its_own_and_each_group_has_some() -> None:
    names = Counter(title(each) for each in FAULTS)
    assert [name for name, count in names.items() if count > 1] == []
    assert {each.group for each in FAULTS} == {
        "daemon",
        "tmux",
        "process",
        "log",
        "input",
        "socket",
        "race",
        "mixed",
    }
    assert all(each.tries > 0 for each in FAULTS)


def test_what_holds_is_counted_as_survived(capsys: pytest.CaptureFixture[str]) -> None:
    def act(scene: Scene) -> str:
        scene.is_whole = False
        return "as told"

    assert lines(Fault("log", "x", act, 1), 3, capsys) == ([], "log: x 3 3 0 as told")


def test_a_failed_try_and_a_traceback_are_counted_as_lost(capsys: pytest.CaptureFixture[str]) -> None:
    def loses(scene: Scene) -> str:
        raise AssertionError("lost: w/t-r-g1-0")

    def shows(scene: Scene) -> str:
        scene.said.append("error: internal error: KeyError")
        return ""

    lost, line = lines(Fault("log", "x", loses, 1), 2, capsys)
    assert lost == [f"log: x, try {n}: AssertionError: lost: w/t-r-g1-0" for n in (0, 1)]
    assert line.startswith("log: x 2 0 2")
    lost, _ = lines(Fault("log", "x", shows, 1), 1, capsys)
    assert "a traceback was seen: error: internal error: KeyError" in lost[0]


def test_what_a_machine_cannot_do_is_said_and_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    def act(scene: Scene) -> str:
        raise Skipped("needs root")

    assert lines(Fault("log", "x", act, 1), 2, capsys) == ([], "log: x 0 0 0 not possible here: needs root")
