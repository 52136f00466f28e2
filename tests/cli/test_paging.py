"""Long logs are printed page by page, from the oldest that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_terminal import Terminal
from recorded import START

from marvel.cli import paging
from marvel.events import ClockStepped, Draft, Ref, SessionSignaled
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.rows import first_since

PAGE = 7


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", PAGE)


def positions(text: str) -> list[int]:
    return [json.loads(line)["position"] for line in text.splitlines()]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("options", ["", "--session reviewer-0", "--team demo/squad", "--warnings"])
def test_pages_together_are_what_one_query_gives(marvel: Terminal, options: str) -> None:
    every = positions(marvel(f"events -n 5 -o jsonl {options}"))  # one page
    since = positions(marvel(f"events --since 22:13:20 -o jsonl {options}"))
    assert since == sorted(set(since))
    assert since[-5:] == every
    for count in (PAGE, PAGE + 1, 2 * PAGE + 3, 500):
        assert positions(marvel(f"events -n {count} -o jsonl {options}")) == since[-count:]
    assert [
        event["position"] for event in json.loads(marvel(f"events --since 1h -o json {options}"))
    ] == since


@pytest.mark.usefixtures("small_pages")
def test_an_array_of_many_pages_is_written_as_of_one(marvel: Terminal) -> None:
    text = marvel("events --since 1h -o json")
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    assert marvel("events --since 1h --kind no.such -o json") == "[]\n"


@pytest.mark.usefixtures("small_pages")
def test_no_page_is_read_before_the_one_before_it_is_taken(
    marvel: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[object] = []
    real = paging.events_past
    monkeypatch.setattr(paging, "events_past", lambda *given: reads.append(given) or real(*given))
    pages = iter(paging.Pages(Paths(str(marvel.home)), paging.Wanted(since="1h")))
    assert (len(next(pages)), len(reads)) == (PAGE, 1)


def test_the_first_event_since_a_moment_is_found_whichever_way_the_clock_stepped(tmp_path: Path) -> None:
    clock = [START]
    store = Store(Paths(str(tmp_path / "home")), clock=lambda: clock[0])
    ref = Ref(workspace="w", team="t", role="r", session="t-r-g1-0", uid="u", generation=1)
    for step in (10, 10, 5_000, 10, -8_000, 10, 10, 3_000, 10):
        clock[0] += step
        draft = Draft(ref=ref, fact=SessionSignaled(activity="idle"))
        if abs(step) > 100:
            draft = Draft(ref=Ref(), fact=ClockStepped(seconds=float(step)))
        store.record(lambda *_, draft=draft: [draft], actor="t")  # type: ignore[misc]
    times = {event.position: event.time for event in store.read()}
    store.close()
    with Reader(Paths(str(tmp_path / "home"))) as reader:
        for moment in [START - 1e5, START + 1e6, *(t + d for t in times.values() for d in (-1, 0, 1))]:
            wanted = [position for position, time in times.items() if time >= moment]
            assert first_since(reader, moment) == min(wanted, default=max(times) + 1)
