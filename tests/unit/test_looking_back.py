"""The world at an earlier position: a snapshot and what follows it are what a whole replay gives."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator

import pytest

from marvel import commands
from marvel.errors import LogUnavailable
from marvel.events import ClockStepped, Draft, Ref
from marvel.resources import HealthcheckSpec
from marvel.settings import Paths
from marvel.store import snapshots
from marvel.store.log import Store
from marvel.store.query import Reader
from marvel.store.rows import events_after, position_at, world_at
from marvel.world import World
from tests.given import SQUAD, START, Story, role

POSITIONS = 200


def busy_story() -> Story:
    """A team that crashes, is scaled, shifted and restarted for a while."""
    story = Story(role(replicas=6, healthcheck=HealthcheckSpec()))
    for turn in range(40):
        story.run()
        story.crash(story.slots()[turn % 3].index).run(turn)
        story.scale(4 + turn % 3)
        if turn % 7 == 0:
            course = commands.shift_abort if story.world.shifts else commands.shift
            story.record(course(story.world, SQUAD))
        story.run().gone().run()
    return story


def recorded(paths: Paths, story: Story, *, keep_world: bool) -> Store:
    """A store with the story in it, in batches as a daemon records them."""
    time = START
    store = Store(paths, keep_world=keep_world, clock=lambda: time)
    for event in story.events:
        time = event.time
        draft = Draft(ref=event.ref, fact=event.fact, cause=event.cause, actor=event.actor)
        store.record(lambda *_, draft=draft: [draft], actor="test")  # type: ignore[misc]
    return store


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots as close together as these histories want them."""
    monkeypatch.setattr(snapshots, "EVERY", 100)


def taken(paths: Paths) -> list[int]:
    with sqlite3.connect(paths.database) as log:
        found = [position for (position,) in log.execute("SELECT position FROM snapshots ORDER BY 1")]
    log.close()
    return found


def replayed(reader: Reader) -> Iterator[World]:
    """The world after each event, from the first."""
    world = World()
    for event in events_after(reader, 0, until=reader.head()):
        world.apply(event)
        yield world


def contents(world: World) -> dict[object, object]:
    return {(table, key): row for table, key, row in world.rows()}


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("keep_world", [False, True])
def test_the_world_at_any_position_equals_a_fresh_replay(paths: Paths, *, keep_world: bool) -> None:
    store = recorded(paths, busy_story(), keep_world=keep_world)
    head = store.head().position
    wanted = sorted(random.Random(7).sample(range(1, head + 1), POSITIONS))
    assert taken(paths) == list(range(100, head + 1, 100))
    with Reader(paths) as reader:
        for world in replayed(reader):
            if world.position in wanted:
                assert contents(world_at(reader, world.position)) == contents(world)
    store.close()


@pytest.mark.usefixtures("often")
def test_a_rebuild_makes_the_snapshots_anew(paths: Paths) -> None:
    store = recorded(paths, busy_story(), keep_world=False)
    before = taken(paths)
    with sqlite3.connect(paths.database) as log:
        log.execute("UPDATE snapshots SET data = x'00'")
    log.close()
    with Reader(paths) as reader, pytest.raises(LogUnavailable, match="snapshot of position"):
        world_at(reader, before[-1])
    store.rebuild()
    assert taken(paths) == before
    with Reader(paths) as reader:
        assert contents(world_at(reader, before[-1])) == contents(_replayed_to(reader, before[-1]))
    store.close()


@pytest.mark.usefixtures("often")
def test_a_snapshot_of_another_fold_is_not_used(paths: Paths) -> None:
    recorded(paths, busy_story(), keep_world=False).close()
    with sqlite3.connect(paths.database) as log:
        log.execute("UPDATE snapshots SET projection = projection - 1, data = x'00'")
    log.close()
    with Reader(paths) as reader:
        assert contents(world_at(reader, 150)) == contents(_replayed_to(reader, 150))


def _replayed_to(reader: Reader, position: int) -> World:
    return next(world for world in replayed(reader) if world.position == position)


def test_a_moment_is_the_last_event_up_to_it(paths: Paths) -> None:
    time = START
    store = Store(paths, clock=lambda: time)  # its first event was made in the present: the clock goes back

    def note(seconds: float) -> int:
        nonlocal time
        time = START + seconds
        draft = Draft(ref=Ref(), fact=ClockStepped(seconds=1.0))
        return store.record(lambda *_: [draft], actor="test").events[0].position

    positions = [note(seconds) for seconds in (0, 10, 20, 30, 15, 25)]
    with Reader(paths) as reader:
        at = [position_at(reader, START + s) for s in (-1, 0, 9.9, 10, 14.9, 15, 24, 25, 1000)]
    assert at == [0, *(positions[n] for n in (0, 0, 1, 1, 4, 4, 5, 5))]
    store.close()
