"""The cockpit, driven by keys as a person would, on a recorded world: nothing of it is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cli_terminal import Terminal
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from marvel import events
from marvel.events import Draft
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.top.app import Cockpit
from marvel.top.dialogs import Confirm, Help
from marvel.top.fleet import Fleet
from marvel.top.session import PANELS, SessionScreen
from marvel.top.timeline import Scrubber, Timeline

Check = Callable[[Cockpit, "Pilot[int]"], Awaitable[None]]
SLOW_SECONDS = 30.0  # for anything, on a loaded machine
RUNNING = "demo/squad-reviewer-g1-0"


def drive(home: Path, check: Check, size: tuple[int, int] = (120, 40)) -> Cockpit:
    """Open the cockpit without a terminal, and do something with it."""
    app = Cockpit(Paths(str(home)))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, pilot)

    asyncio.run(run())
    return app


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    for _ in range(int(SLOW_SECONDS / 0.05)):
        if true():
            return
        await pilot.pause(0.05)
    raise AssertionError(pilot.app.export_screenshot())


def kinds(home: Path) -> list[str]:
    """Of all events, newest first."""
    with Reader(Paths(str(home))) as reader:
        return [event["kind"] for event in reader.events()]


def told(app: Cockpit) -> str:
    """What was said in the corner."""
    return "\n".join(notice.message for notice in app._notifications)


def words(app: Cockpit, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def choose(app: Cockpit, key: str) -> None:
    """Put the cursor on a line by its key."""
    app.fleet.find(next(line.id for line in app.fleet.lines if line.key == key))


def record(home: Path, ref: events.Ref, fact: events.AnyFact) -> None:
    store = Store(Paths(str(home)))
    store.record(lambda world, now: [Draft(ref=ref, fact=fact)], actor="daemon")
    store.close()


def test_the_fleet_is_there_and_the_cursor_moves(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        assert "6 sessions" in words(app, "#totals")
        assert app.fleet.line is not None
        assert app.fleet.line.kind == "waits"
        await pilot.press("down")
        assert app.fleet.line.session is not None
        await pilot.press("end")
        assert app.fleet.line == app.fleet.lines[-1]
        await pilot.press("home", "pagedown", "up")
        assert app.fleet.line.key

    drive(marvel.home, check)


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (120, 40), (200, 60)])
def test_every_line_fits_the_screen(marvel: Terminal, size: tuple[int, int]) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        for y in range(app.fleet.size.height):
            assert app.fleet.render_line(y).cell_length == app.fleet.scrollable_content_region.width
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert app.fleet.size.width == 60

    drive(marvel.home, check, size)


def test_space_left_and_right_fold_groups(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, "demo/squad")
        count = len(app.fleet.lines)
        await pilot.press("space")
        assert len(app.fleet.lines) < count
        await pilot.press("right")
        assert len(app.fleet.lines) == count
        await pilot.press("down", "left", "left")
        assert app.fleet.line is not None
        assert app.fleet.line.key == "demo/squad"

    drive(marvel.home, check)


def test_a_filter_is_typed_kept_and_cleared(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        count = len(app.fleet.lines)
        await pilot.press("slash", *"loner", "enter")
        assert {line.key for line in app.fleet.lines if line.session} == {"other/crew-loner-g1-0"}
        assert "filter: loner" in words(app, "#status")
        await pilot.press("escape")
        await pilot.pause()
        assert len(app.fleet.lines) == count

    drive(marvel.home, check)


def test_a_filter_may_hold_a_slash(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"other", "slash", "enter")
        assert {line.key for line in app.fleet.lines if line.session} == {"other/crew-loner-g1-0"}

    drive(marvel.home, check)


def test_s_sorts_the_fleet_and_shift_s_turns_it(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        await pilot.press("s")
        assert "by context" in words(app, "#status")
        first = app.fleet.lines[-1]
        await pilot.press("S")
        assert app.fleet.lines[-1] != first
        assert "reversed" in words(app, "#status")

    drive(marvel.home, check)


def test_help_opens_and_any_key_closes_it(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert not isinstance(app.screen, Help)
        assert app.is_running

    drive(marvel.home, check, (80, 24))


def test_a_click_goes_to_a_line_and_two_open_it(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        row = next(i for i, line in enumerate(app.fleet.lines) if line.key == RUNNING)
        await pilot.click(Fleet, offset=(10, row + 1))
        assert app.fleet.line is not None
        assert app.fleet.line.key == RUNNING
        await pilot.click(Fleet, offset=(10, row + 1), times=2)
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))

    drive(marvel.home, check)


# --- acts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "line", "typed", "kind"),
    [
        ("k", RUNNING, "y", "session.stopping"),
        ("r", RUNNING, "y", "session.stopping"),
        ("r", "demo/squad", "y", "role.restart-requested"),
        ("c", "demo/squad/reviewer", "backspace backspace 3 enter", "role.scaled"),
        ("f", "demo/squad/reviewer", "y", "shift.requested"),
    ],
)
def test_an_act_is_done_once_it_is_confirmed(
    marvel: Terminal, key: str, line: str, typed: str, kind: str
) -> None:
    before = len(kinds(marvel.home))

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, line)
        await pilot.press(key)
        assert isinstance(app.screen, Confirm)
        await until(pilot, lambda: bool(app.screen.query("#command")))  # drawn a moment after it is there
        assert words(app, "#command").startswith("marvel ")
        await pilot.press(*typed.split())
        await until(pilot, lambda: bool(told(app)))

    app = drive(marvel.home, check)
    assert kind in kinds(marvel.home)[: len(kinds(marvel.home)) - before], told(app)


@pytest.mark.parametrize("verb", ["p", "u", "x"])
def test_a_shift_is_paused_resumed_and_aborted(marvel: Terminal, verb: str) -> None:
    marvel("shift demo/squad --role reviewer")

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, "demo/squad/reviewer")
        await pilot.press(verb, "y")
        await until(pilot, lambda: bool(told(app)))

    assert "demo/squad" in told(drive(marvel.home, check))


@pytest.mark.parametrize("key", ["a", "i", "k", "r", "c", "f"])
def test_what_is_not_confirmed_is_not_done(marvel: Terminal, key: str) -> None:
    before = kinds(marvel.home)

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press(key)
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape")
        assert not isinstance(app.screen, Confirm)

    drive(marvel.home, check)
    assert kinds(marvel.home) == before


def test_enter_without_a_look_does_nothing(marvel: Terminal) -> None:
    before = kinds(marvel.home)

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        app.simulate_key("k")  # all at once, as keys that were typed ahead
        app.simulate_key("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("k", "enter")
        assert not isinstance(app.screen, Confirm)

    drive(marvel.home, check)
    assert kinds(marvel.home) == before


def test_the_mouse_confirms_and_cancels(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press("k")
        await pilot.click("#no")
        assert not isinstance(app.screen, Confirm)
        await pilot.press("k")
        assert isinstance(app.screen.query_one("#yes"), Button)
        await pilot.click("#yes")
        await until(pilot, lambda: "stopping" in told(app))

    drive(marvel.home, check)


def test_a_refusal_is_told_and_not_raised(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, "demo/squad/reviewer")
        await pilot.press("c")
        app.screen.query_one("#value", Input).value = "100000"
        await pilot.press("enter")
        await until(pilot, lambda: "hint:" in told(app))
        assert app.is_running

    drive(marvel.home, check)


def test_typing_to_a_session_without_its_pane_is_told(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press("i")
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: bool(told(app)))
        assert "done" not in told(app)

    drive(marvel.home, check)


def test_attaching_needs_a_terminal_and_says_so(marvel: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press("a", "y")
        await until(pilot, lambda: bool(told(app)))
        assert app.is_running

    assert "terminal" in told(drive(marvel.home, check))


@pytest.mark.parametrize(
    ("key", "line", "why"),
    [
        ("k", "demo", "choose a team"),
        ("k", "demo/squad", "is for a session"),
        ("c", "demo/squad", "choose one of"),
        ("r", "demo/squad/reviewer", "shift replaces"),
        ("f", "default/adhoc-0", "one-off"),
    ],
)
def test_an_act_that_does_not_fit_the_line_says_why(marvel: Terminal, key: str, line: str, why: str) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, line)
        await pilot.press(key)
        assert not isinstance(app.screen, Confirm)
        assert why in told(app)

    drive(marvel.home, check)


# --- what is new -----------------------------------------------------------------------------------


def test_an_agent_that_begins_to_wait_rings_once_and_comes_first(marvel: Terminal) -> None:
    ref = marvel.sessions["running"]

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, "other/crew-loner-g1-0")
        record(marvel.home, ref, events.SessionSignaled(activity="waiting", context_percent=90.0))
        await until(pilot, lambda: app.picture.position > position)
        assert app.rung == 1
        assert RUNNING in {line.key for line in app.fleet.lines[0:4]}
        assert app.fleet.line is not None
        assert app.fleet.line.key == "other/crew-loner-g1-0"  # the cursor stays where it was
        record(marvel.home, ref, events.SessionSignaled(activity="waiting", context_percent=91.0))
        await until(pilot, lambda: app.picture.position > position + 1)
        assert app.rung == 1

    with Reader(Paths(str(marvel.home))) as reader:
        position = reader.head()
    drive(marvel.home, check)


def test_without_a_daemon_the_status_line_says_so(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: "daemon is gone" in words(app, "#status"))

    drive(marvel.home, check)


def test_a_log_that_comes_later_is_shown_when_it_comes(empty: Terminal, tmp_path: Path) -> None:
    from recorded import small_world

    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        assert app.fleet.lines == []
        small_world(empty.home)
        await until(pilot, lambda: bool(app.fleet.lines))

    drive(empty.home, check)


# --- one session -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_a_session_shows_its_panels(marvel: Terminal, size: tuple[int, int]) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press("enter")
        await until(pilot, lambda: "is running" in words(app, "#text-why"))
        assert "restart" in words(app, "#text-lineage")
        assert "SIGKILL" in words(app, "#text-events")
        for number, name in enumerate(PANELS, 1):
            await pilot.press(str(number))
            assert app.screen.query_one(f"#panel-{name}").display
        await pilot.press("tab", "k")
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape", "escape")
        assert len(app.screen_stack) == 1

    drive(marvel.home, check, size)


def test_the_pane_is_looked_at_only_while_it_is_seen(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        choose(app, RUNNING)
        await pilot.press("enter")
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await until(pilot, lambda: screen.looks > 1)
        await pilot.press("3")
        await until(pilot, lambda: not screen._looking)
        before = screen.looks
        await pilot.pause(1.0)
        assert screen.looks == before

    drive(marvel.home, check, (80, 24))


# --- the timeline ----------------------------------------------------------------------------------


async def at(pilot: Pilot[int], position: int) -> Timeline:
    screen = pilot.app.screen
    assert isinstance(screen, Timeline)
    await until(pilot, lambda: screen.shown.position == position and not screen._busy)
    return screen


def test_the_timeline_goes_back_and_forth(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        head = app.picture.position
        await pilot.press("t")
        screen = await at(pilot, head)
        assert "live" in screen.query_one(Scrubber).label
        await pilot.press("left")
        await at(pilot, head - 1)
        assert "still" in screen.query_one(Scrubber).label
        await pilot.press("home")
        await at(pilot, 0)
        assert screen.query_one("#past", Fleet).lines == []
        await pilot.press("right", "right", "right")
        await at(pilot, 3)
        await pilot.press("end", "left_square_bracket")
        await at(pilot, head - head // 20)
        await pilot.click(Scrubber, offset=(0, 0))
        await at(pilot, 0)
        await pilot.press("k")
        assert "can't be changed" in told(app)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1

    drive(marvel.home, check)


def test_history_is_played_up_to_the_present(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        head = app.picture.position
        await pilot.press("t")
        await at(pilot, head)
        await pilot.press("home")
        screen = await at(pilot, 0)
        await pilot.press("plus", "plus", "space")
        assert "▶ 60x" in screen.query_one(Scrubber).label
        await at(pilot, head)
        await until(pilot, lambda: "live" in screen.query_one(Scrubber).label)

    drive(marvel.home, check)


def test_events_are_filtered_by_words_and_by_warning(marvel: Terminal) -> None:
    async def check(app: Cockpit, pilot: Pilot[int]) -> None:
        await pilot.press("t")
        screen = await at(pilot, app.picture.position)
        assert "session.started" in words(app, "#events")
        await pilot.press("w")
        await until(pilot, lambda: "session.started" not in words(app, "#events"))
        assert "health.changed" in words(app, "#events")
        await pilot.press("w", "slash", *"readied", "enter")
        await until(pilot, lambda: "health.changed" not in words(app, "#events"))
        assert "session.readied" in words(app, "#events")
        await pilot.press("escape")
        await until(pilot, lambda: "session.started" in words(app, "#events"))
        assert app.screen is screen

    drive(marvel.home, check)


# --- the command -----------------------------------------------------------------------------------


def test_a_snapshot_is_a_picture_of_the_fleet(marvel: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "out.svg"
    marvel(f"top --snapshot {file} --size 80x24")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "reviewer-g1-0" in text


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ("--snapshot out.png", 2),
        ("--snapshot x.svg --size 9x9", 2),
        ("--snapshot x.svg --size wide", 2),
        ("--snapshot /nowhere/x.svg", 1),
        ("", 1),
    ],
)
def test_what_makes_no_picture_is_refused(marvel: Terminal, options: str, status: int) -> None:
    said = marvel.error(f"top {options}", status)
    assert said.startswith("error: ")
