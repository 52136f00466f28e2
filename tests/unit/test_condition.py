"""What a daemon notes of itself, for commands that only read."""

from __future__ import annotations

import os
import time
from typing import Any

from marvel.daemon.condition import Condition
from marvel.daemon.lock import Lock
from marvel.settings import Paths
from marvel.store.condition import NOTE_BYTES, SILENT_SECONDS, remarks, shortages, troubles
from marvel.store.query import daemon_note


def noted(paths: Paths) -> dict[str, Any]:
    note = daemon_note(paths)
    assert note is not None
    return note


def test_a_note_is_written_over_in_place_and_never_grows(paths: Paths) -> None:
    lock = Lock(paths, "run")
    condition = Condition(time.monotonic, lock.note)
    assert troubles(noted(paths)) == []
    condition.failed("the disk is full")
    size = os.stat(paths.lock).st_size
    condition.looked(["é" * 1000] * 9)
    condition.failed("\U0001f4be" * 10_000)
    assert os.stat(paths.lock).st_size == size == NOTE_BYTES
    assert noted(paths)["pid"] == os.getpid()
    lock.release()
    assert daemon_note(paths) is None


def test_a_daemon_that_can_not_record_says_since_when_and_why_until_it_can(paths: Paths) -> None:
    now = [time.monotonic() - 12.0]
    lock = Lock(paths, "run")
    condition = Condition(lambda: now[0], lock.note)
    condition.failed("the disk is full")
    now[0] += 5
    condition.failed("the disk is full")
    condition.looked([])
    assert troubles(noted(paths)) == ["the daemon has been unable to record for 12 s: the disk is full"]
    assert remarks(noted(paths))[0].endswith("; what is shown may be out of date")
    condition.recorded()
    assert troubles(noted(paths)) == []
    lock.release()


def test_a_daemon_that_is_there_but_does_nothing_is_not_taken_for_well(paths: Paths) -> None:
    lock = Lock(paths, "run")
    Condition(lambda: time.monotonic() - SILENT_SECONDS - 5, lock.note).looked([])
    assert troubles(noted(paths)) == [f"the daemon (pid {os.getpid()}) has not reported for 65 s"]
    lock.release()


def test_limits_that_are_nearly_used_up_are_no_trouble_yet(paths: Paths) -> None:
    lock = Lock(paths, "run")
    Condition(time.monotonic, lock.note).looked(["931 of 1024 open files of the daemon (pid 7)"])
    assert troubles(noted(paths)) == []
    assert shortages(noted(paths)) == ["nearly used up: 931 of 1024 open files of the daemon (pid 7)"]
    lock.release()
