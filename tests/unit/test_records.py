"""An agent's own record of a conversation: what is added counts, what stood there before does not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marvel.daemon import records
from marvel.daemon.records import Records
from marvel.runtimes import Signal, parse
from marvel.tmux.timers import Timers

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "agents"
SOURCE = "codex-rollout"
LIMIT = {"primary": {"used_percent": 100.0, "resets_at": 1795650003}}


def record(kind: str, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"codex-rollout-{kind}.json").read_text())
    found["payload"].update(fields)
    return found


STARTED, DONE, REFUSED = record("task_started"), record("task_complete"), record("task_complete-error")
COUNTED, ABORTED = record("token_count", rate_limits=LIMIT), record("turn_aborted")


class Rig:
    """The records of one session on a clock of its own, and what was told of them."""

    def __init__(self, file: Path) -> None:
        self.file, self.now, self.lives = file, 0.0, True
        self.timers = Timers(lambda: self.now)
        self.told: list[Signal | None] = []
        self.when: list[float | None] = []
        self.records = Records(self.timers, self._take)

    def _take(self, uid: str, source: str, payload: dict[str, Any], at: float | None) -> bool:
        assert (uid, source) == ("u", SOURCE)
        self.told.append(parse(source, payload))
        self.when.append(at)
        return self.lives

    def write(self, *added: dict[str, Any]) -> None:
        with self.file.open("a") as file:
            file.writelines(json.dumps(one) + "\n" for one in added)

    def look(self, path: object = None) -> None:
        self.records.look("u", SOURCE, str(self.file) if path is None else path)

    def turn(self) -> None:
        self.now += records.LOOK_SECONDS
        self.timers.run(self.now)

    def activities(self) -> list[str]:
        return [signal.activity for signal in self.told if signal is not None]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "rollout.jsonl")


def test_a_turn_that_a_limit_ended_is_told_with_its_reset_though_they_came_at_two_looks(rig: Rig) -> None:
    rig.look()  # before there is a file
    rig.turn()
    rig.write(STARTED, COUNTED)
    rig.turn()
    rig.write(REFUSED)
    rig.turn()
    assert rig.activities() == ["working", "limited"]
    assert rig.told[-1] is not None
    assert rig.told[-1].detail == "usage_limit_exceeded"
    assert rig.told[-1].resets_at == 1795650003
    assert rig.when[-1] == pytest.approx(1795352189.415)  # as the record says, for a newer hook counts more


def test_a_limit_that_is_not_used_up_ends_at_no_time() -> None:
    left = record("token_count", rate_limits={"primary": {"used_percent": 99.0, "resets_at": 1795650003}})
    signal = parse(SOURCE, left)
    assert signal is not None
    assert signal.resets_at is None


@pytest.mark.parametrize(("end", "activity"), [(DONE, "idle"), (REFUSED, "limited"), (ABORTED, "idle")])
def test_nothing_is_read_on_once_the_turn_is_over(rig: Rig, end: dict[str, Any], activity: str) -> None:
    rig.look()
    rig.write(STARTED, end)
    rig.turn()
    rig.write(STARTED)
    rig.turn()
    assert rig.activities() == [activity]
    assert rig.timers.next() is None


def test_what_stood_there_is_of_earlier_turns(rig: Rig) -> None:
    rig.write(STARTED, REFUSED)
    rig.look()
    rig.turn()
    assert rig.told == []
    rig.write(STARTED)
    rig.turn()
    assert rig.activities() == ["working"]


def test_a_hook_of_the_next_turn_does_not_miss_its_end_for_that_of_the_last(rig: Rig) -> None:
    rig.look()
    rig.write(STARTED, DONE)
    rig.look()  # the next turn's hook comes before the next look
    rig.write(STARTED, REFUSED)
    rig.turn()
    assert rig.activities() == ["idle", "limited"]


def test_another_conversation_has_another_record(rig: Rig, tmp_path: Path) -> None:
    rig.look()
    other = tmp_path / "other.jsonl"
    rig.look(str(other))
    rig.write(REFUSED)
    rig.turn()
    assert rig.told == []
    other.write_text(json.dumps(REFUSED) + "\n")
    rig.turn()
    assert rig.activities() == ["limited"]


@pytest.mark.parametrize("path", ["", "relative/x", "/a\0b", "/" + "x" * 5000, 7, None, ["/x"], {"a": 1}])
def test_a_path_that_is_none_is_not_read(rig: Rig, path: object) -> None:
    rig.records.look("u", SOURCE, path)
    assert rig.timers.next() is None


def test_a_runtime_without_a_record_is_asked_for_none(rig: Rig) -> None:
    rig.records.look("u", "", str(rig.file))
    assert rig.timers.next() is None


def truncate(file: Path) -> None:
    file.write_text("")


def replace_by_a_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replace_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("harm", [truncate, Path.unlink, replace_by_a_fifo, replace_by_a_directory])
def test_a_record_that_is_cut_gone_or_something_else_hurts_nobody(
    rig: Rig, harm: Callable[[Path], None]
) -> None:
    rig.write(STARTED, DONE)
    rig.look()
    harm(rig.file)
    rig.turn()
    assert rig.told == []
    if rig.file.is_dir():
        rig.file.rmdir()
    elif rig.file.exists():
        rig.file.unlink()
    rig.turn()
    rig.file.write_text("")
    rig.turn()
    rig.write(REFUSED)
    rig.turn()
    assert rig.activities() == ["limited"]


def test_rubbish_and_endless_lines_are_passed_over(rig: Rig) -> None:
    rig.look()
    with rig.file.open("ab") as file:
        file.write(b"\xff\xfe\n[1]\nnull\n" + b"[" * 5000 + b"\n" + b"x" * (3 * records.READ_BYTES) + b"\n")
    for _ in range(5):
        rig.turn()
    rig.write(STARTED, REFUSED)
    rig.turn()
    assert rig.activities() == ["limited"]


def test_a_session_that_is_gone_is_forgotten(rig: Rig) -> None:
    rig.look()
    rig.lives = False
    rig.write(STARTED)
    rig.turn()
    rig.write(STARTED)
    rig.turn()
    assert len(rig.told) == 1
    rig.lives = True
    rig.look()
    rig.records.forget("u")
    rig.write(REFUSED)
    rig.turn()
    assert len(rig.told) == 1
    assert rig.timers.next() is None
