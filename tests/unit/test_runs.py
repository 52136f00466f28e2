"""Runs of alike events, folded for people."""

from __future__ import annotations

from typing import Any

from marvel.cli.runs import folded


def event(position: int, kind: str, session: str = "a", **payload: Any) -> dict[str, Any]:
    return {
        "position": position,
        "time": 1000.0 + 60 * position,
        "kind": kind,
        "workspace": "w",
        "team": "t",
        "role": "r",
        "session": session,
        "uid": f"uid-{session}",
        "generation": 1,
        "actor": "daemon",
        "cause": None,
        "payload": payload,
    }


def told(events: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(run.event["position"], run.times, run.suffix) for run in folded(events)]


def test_alike_events_are_one_run_which_stands_where_its_last_does() -> None:
    events = [event(n, "session.signaled", activity="working", context_percent=n * 5) for n in range(1, 6)]
    assert told(events) == [(5, 5, "  ×5 over 4m")]  # noqa: RUF001


def test_what_happens_to_others_does_not_end_a_run() -> None:
    events = [
        event(1, "session.signaled", "a", context_percent=5),
        event(2, "session.signaled", "b", context_percent=5),
        event(3, "session.signaled", "a", context_percent=10),
        event(4, "session.ended", "b", state="failed"),
        event(5, "session.signaled", "b", context_percent=10),
    ]
    assert [(position, times) for position, times, _ in told(events)] == [(2, 1), (3, 2), (4, 1), (5, 1)]


def test_something_else_about_it_another_author_or_other_words_end_a_run() -> None:
    signal = event(1, "session.signaled", activity="working")
    for other in (
        event(2, "health.changed", health="healthy"),
        {**event(2, "session.signaled", activity="working"), "actor": "user:ann"},
        {**event(2, "session.signaled", activity="working"), "uid": "its successor"},
        event(2, "session.signaled", activity="waiting"),
    ):
        assert [times for _, times, _ in told([signal, other])] == [1, 1]


def test_numbers_that_were_wished_are_never_folded() -> None:
    events = [event(1, "role.scaled", replicas=5), event(2, "role.scaled", replicas=3)]
    assert [times for _, times, _ in told(events)] == [1, 1]
