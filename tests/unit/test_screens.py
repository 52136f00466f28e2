"""What the daemon observes of screens; the clock and tmux are a test's own values."""

from typing import Any, cast

from marvel.daemon.screens import FIRST_SECONDS, SOON_SECONDS, Screens
from marvel.resources import Session
from marvel.tmux import Failed, Pane, TmuxServer
from marvel.tmux.timers import Timers
from marvel.world import World

UID = "u1"
AGENT = Session(
    position=1,
    workspace="w",
    team="t",
    role="r",
    name="t-r-g1-0",
    uid=UID,
    generation=1,
    index=0,
    state="running",
    created_at=1.0,
    image="claude",
    command="claude",
    pane="%1",
    started_at=100.0,
)
PANE = Pane(
    pane="%1", uid=UID, log_id="l", pid=7, dead=False, exit_status=None, signal=None, changed_at=100.0
)


class Story:
    """One session whose screen is what the test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.shown: str | Failed = "Welcome\n"
        self.reads = 0
        self.touched = 0
        self.session = AGENT
        self.timers = Timers(lambda: self.now)
        self.screens = Screens(
            timers=self.timers,
            server=lambda _workspace: cast("TmuxServer", self),
            world=lambda: cast("World", self),
            wall=lambda: self.now,
            touch=self.touch,
            words=lambda _session: (("Trust it?", "trust"),),
            tells=lambda _session: True,
        )

    @property
    def sessions(self) -> dict[str, Session]:
        return {UID: self.session}

    def touch(self, _session: Session) -> None:
        self.touched += 1

    def capture(self, _pane: str, _uid: str, done: Any) -> None:
        self.reads += 1
        done(self.shown)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.timers.next()) is not None and due <= end:
            self.now = due
            self.timers.run(due)
        self.now = end


def given(**changes: Any) -> Story:
    story = Story()
    story.session = type(AGENT)(**{f: getattr(AGENT, f) for f in AGENT.__struct_fields__} | changes)
    story.screens.watch(UID)
    return story


def test_a_dialog_is_observed_soon_after_the_start_and_its_end_too() -> None:
    story = given()
    assert UID not in story.screens.seen
    story.shown = "Trust it?\n"
    story.passes(FIRST_SECONDS)
    assert (story.screens.seen[UID].dialog, story.screens.seen[UID].read_at) == ("trust", story.now)
    assert story.touched == 1
    story.shown = "> \n"
    story.passes(SOON_SECONDS)
    assert story.screens.seen[UID].dialog == ""
    assert story.touched == 2


def test_a_screen_that_could_not_be_read_changes_nothing() -> None:
    story = given()
    story.shown = "Trust it?\n"
    story.passes(FIRST_SECONDS)
    story.shown = Failed(reason="timeout", message="tmux hangs")
    story.passes(5)
    assert story.screens.seen[UID].dialog == "trust"
    assert story.touched == 1


def test_an_agent_that_was_heard_is_read_only_when_its_screen_changed() -> None:
    story = given(signaled_at=100.0, ready=True)
    story.passes(60)
    story.screens.saw([PANE])
    assert story.reads == 0
    story.passes(20)
    story.screens.saw([PANE])
    assert story.reads == 0
    story.passes(20)
    story.shown = "Continue? [y/N] "
    story.screens.saw(
        [type(PANE)(**{f: getattr(PANE, f) for f in PANE.__struct_fields__} | {"changed_at": 199.0})]
    )
    assert (story.reads, story.screens.seen[UID].dialog) == (1, "question")
    story.shown = "> "
    story.passes(2)
    assert story.screens.seen[UID].dialog == ""
