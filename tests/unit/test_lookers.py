"""Work in proportion to what changed: which beats have controllers look, which processes are looked at."""

import os
import subprocess
import sys
import time

import pytest

from marvel.daemon import observations, processes
from marvel.daemon.leases import Leases
from marvel.daemon.tokens import Tokens
from marvel.resources import HealthcheckSpec, HeartbeatMode, Session
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.tmux.environment import marked_path
from marvel.tmux.timers import Timers
from tests.given import START, Story, role


def looks(paths: Paths, story: Story) -> list[Session]:
    """The sessions that a beat of slot 0 has the controllers look at."""
    store, touched = Store(paths), list[Session]()
    notes: list[observations.Observation] = []
    leases = Leases(
        store,
        world=lambda: story.world,
        note=notes.append,
        tokens=Tokens(paths.token_key),
        touch=touched.append,
        timers=Timers(time.monotonic),
    )
    leases.beat({"uid": story.slot(0).uid}, START, 1.0)
    store.close()
    return touched


@pytest.mark.parametrize(
    ("check", "promise"),
    [
        (None, "none"),
        (None, "from-start"),
        (HealthcheckSpec(), "none"),
        (HealthcheckSpec(type="process-alive"), "from-start"),
    ],
)
def test_a_beat_that_nothing_is_judged_by_has_nobody_look(
    paths: Paths, check: HealthcheckSpec | None, promise: HeartbeatMode
) -> None:
    assert looks(paths, Story(role(healthcheck=check), promise=promise).run()) == []


def test_a_beat_of_an_agent_that_is_judged_by_beats_is_looked_at_until_it_is_healthy(paths: Paths) -> None:
    story = Story(role(healthcheck=HealthcheckSpec()), promise="from-start").run()
    assert looks(paths, story) == [story.slot(0)]
    story.beat(0)
    story.settle()
    assert story.slot(0).health == "healthy"
    assert looks(paths, story) == []


def test_what_surely_belongs_to_others_is_passed_over() -> None:
    uid = f"t-{os.getpid()}"
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, processes.UID_VARIABLE: uid},
    )
    try:
        deadline = time.monotonic() + 20
        while not (found := processes.belonging_to({uid: None})) and time.monotonic() < deadline:
            pass
        assert [process.pid for process in found[uid]] == [child.pid]
        assert processes.belonging_to({uid: None}, others={child.pid}) == {}
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("pid", [None, 0, 1, -1])
def test_no_number_below_two_is_the_pid_of_an_agent(pid: int | None) -> None:
    assert processes.belonging_to({"nobody": pid}) == {}


def test_a_process_is_not_a_sessions_because_of_its_number() -> None:
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        process = processes.look_at(child.pid)
        assert process is not None
        assert processes.belonging_to({"u": child.pid}) == {}
        recycled = process._replace(start=process.start - 1)
        assert processes.belonging_to({"u": child.pid}, known={"u": [recycled]}) == {}
        assert processes.belonging_to({"u": child.pid}, known={"u": [process]}) == {"u": [process]}
    finally:
        child.kill()
        child.wait()


def test_what_an_agents_path_names_is_the_agents_and_another_variable_counts_for_more() -> None:
    path = marked_path("/usr/bin:/bin", "/home/me/.marvel/sessions/u-1")
    for env, owner in (
        ({"PATH": path}, "u-1"),
        ({"PATH": f"{path}:/opt/bin"}, "u-1"),
        ({"PATH": path, processes.UID_VARIABLE: "u-2"}, "u-2"),
    ):
        child = subprocess.Popen(["/bin/sleep", "1000"], env=env)
        try:
            assert processes.belonging_to({"u-1": None, "u-2": None}).keys() == {owner}
            assert processes.uids_of("/home/me/.marvel") == ({"u-1"} if owner == "u-1" else {"u-2"})
            assert processes.uids_of("/home/you/.marvel") == set()
        finally:
            child.kill()
            child.wait()


def test_a_directory_that_would_be_two_in_a_path_is_left_out() -> None:
    assert marked_path("/bin", "/a:b/sessions/u") == "/bin"
