"""The health controller: given beats, probes and time, then these facts and no others."""

from typing import Any

import pytest

from marvel import events
from marvel.controllers import Lease, Probed, Screen, health, sessions, view_of
from marvel.events import Draft, Event, Ref, role_ref, session_ref
from marvel.resources import HealthcheckSpec, Promise, RoleKey, RoleSpec, Session, Template
from marvel.world import World

KEY = RoleKey("w", "t", "r")
START = 1_000_000.0
BEAT = HealthcheckSpec(type="heartbeat", timeout=30.0, failure_threshold=3)
EXEC = HealthcheckSpec(type="exec", timeout=5.0, failure_threshold=2, command=("./probe",))
UID = "aa"


class Story:
    """One session of one role, what is heard of it, and a clock."""

    def __init__(
        self, check: HealthcheckSpec | None, mode: str = "from-start", *, policy: str = "always"
    ) -> None:
        self.now = START
        self.world = World()
        self.leases: dict[str, Lease] = {}
        self.probes: dict[str, Probed] = {}
        self.screens: dict[str, Screen] = {}
        self.told: list[Event] = []
        self.wake_at: float | None = None
        self.controllers = [health.reconcile]
        self.add(Ref(), events.DaemonStarted(run_id="1", pid=1, version="1"))
        self.apply(check, policy)
        cohort = events.CohortCreated(template=Template(), count=1, proven=True)
        self.add(role_ref(KEY, 1), cohort)
        ref = Ref(workspace="w", team="t", role="r", session="t-r-g1-0", uid=UID, generation=1)
        self.add(ref, events.SessionScheduled(index=0, image="", command="x", heartbeat=mode))  # type: ignore[arg-type]
        self.add(ref, events.SessionStarted(server="1", pane="%1", pid=1))

    @property
    def session(self) -> Session:
        return self.world.sessions[UID]

    def apply(self, check: HealthcheckSpec | None, policy: str = "always") -> None:
        spec = RoleSpec(name="r", healthcheck=check, restart_policy=policy)  # type: ignore[arg-type]
        self.add(role_ref(KEY), events.RoleApplied(uid="r", spec=spec, replicas=1))

    def add(self, ref: Ref, fact: Any, cause: int | None = None) -> Event:
        position = self.world.position + 1
        event = Event(position=position, time=self.now, ref=ref, fact=fact, actor="test", cause=cause)
        self.world.apply(event)
        return event

    def beat(self, activity: str = "") -> None:
        said_at = self.now if activity else None
        self.leases[UID] = Lease(self.now, None, said_at)
        if self.session.signaled_at is None or activity not in ("", self.session.activity):
            fact = events.SessionSignaled(activity=activity)  # type: ignore[arg-type]
            self.add(session_ref(self.session), fact)

    def probe(self, passed: bool | None, detail: str = "") -> None:
        self.probes[UID] = Probed(self.now, passed, detail)

    def look(self) -> list[str]:
        """Reconcile until quiet; what was recorded, in short."""
        told: list[Event] = []
        for _ in range(10):
            drafts: list[Draft] = []
            for controller in self.controllers:
                view = view_of(
                    self.world,
                    KEY,
                    leases=self.leases,
                    promise=lambda _template: Promise(),
                    screens=self.screens,
                    probes=self.probes,
                )
                decision = controller(view, self.now)
                if controller is health.reconcile:
                    self.wake_at = decision.wake_at
                told += [self.add(draft.ref, draft.fact, draft.cause) for draft in decision.events]
                drafts += decision.events
            if not drafts:
                self.told += told
                return [short(event) for event in told if event.kind != "session.readied"]
        raise AssertionError("never quiet")

    def after(self, seconds: float) -> list[str]:
        """Let time pass, waking exactly when asked to."""
        end = self.now + seconds
        told = self.look()
        while self.wake_at is not None and self.wake_at <= end:
            self.now = max(self.now, self.wake_at)
            told += self.look()
        self.now = end
        return told + self.look()


def short(event: Event) -> str:
    match event.fact:
        case events.HealthChanged():
            return event.fact.health
        case events.HealthMissed():
            return f"missed {event.fact.misses}"
        case events.HealthRecovered():
            return "recovered"
        case events.SessionAttention():
            return f"attention {event.fact.reason}"
        case events.SessionStuck():
            return "stuck" if event.fact.stuck else "moves"
        case _:
            return event.kind


def test_three_elapsed_timeouts_make_a_silent_agent_unhealthy_each_miss_the_cause_of_the_next() -> None:
    story = Story(BEAT)
    story.beat()
    assert story.look() == ["healthy"]
    assert story.after(89.9) == ["missed 1", "missed 2"]
    assert story.after(0.2) == ["missed 3", "unhealthy"]
    assert story.session.health_reason == "3 beats in a row missed"
    verdicts = [event for event in story.told if event.kind.startswith("health.")]
    assert [event.cause for event in verdicts[2:]] == [event.position for event in verdicts[1:-1]]
    assert verdicts[1].time == START + 30
    assert story.after(1000) == []


def test_looking_often_counts_no_miss_twice() -> None:
    story = Story(BEAT)
    story.beat()
    story.look()
    story.now += 31
    assert story.look() == ["missed 1"]
    for _ in range(20):
        story.now += 1
        assert story.look() == []


def test_one_beat_makes_all_misses_none() -> None:
    story = Story(BEAT)
    story.beat()
    assert story.after(61) == ["healthy", "missed 1", "missed 2"]
    story.beat()
    assert story.look() == ["recovered"]
    assert (story.session.misses, story.session.health) == (0, "healthy")
    assert story.after(60.5) == ["missed 1", "missed 2"]


def test_a_beating_agent_is_left_alone_and_nothing_is_recorded() -> None:
    story = Story(BEAT)
    told = []
    for _ in range(100):
        story.beat()
        told += story.after(10)
    assert told == ["healthy"]


def test_an_agent_that_promised_to_beat_counts_from_its_start() -> None:
    assert Story(BEAT).after(90) == ["missed 1", "missed 2", "missed 3", "unhealthy"]


def test_an_agent_that_may_not_beat_is_unknown_with_one_attention_event() -> None:
    story = Story(BEAT, "once-seen")
    assert story.after(89) == []
    assert story.after(3600) == ["attention no-beat"]
    assert (story.session.health, story.session.attention) == ("unknown", "no-beat")
    story.beat()
    assert story.look() == ["healthy"]
    assert story.session.attention == ""
    assert story.after(90) == ["missed 1", "missed 2", "missed 3", "unhealthy"]


def test_an_agent_that_can_not_beat_is_judged_by_its_process() -> None:
    story = Story(BEAT, "none")
    assert story.after(3600) == ["healthy"]


def test_a_process_check_is_passed_by_being_there() -> None:
    story = Story(HealthcheckSpec(type="process-alive"))
    assert story.look() == ["healthy"]
    assert story.after(3600) == []


def test_without_a_check_nothing_is_known_and_a_removed_check_is_forgotten() -> None:
    story = Story(None)
    assert story.after(3600) == []
    story = Story(BEAT)
    story.beat()
    story.look()
    story.apply(None)
    assert story.look() == ["unknown"]
    assert story.after(3600) == []


@pytest.mark.parametrize("mode", ["from-start", "once-seen"])
def test_no_first_beat_within_startup_timeout_is_a_failure(mode: str) -> None:
    story = Story(HealthcheckSpec(type="heartbeat", startup_timeout=120.0), mode)
    assert story.after(119) == []
    assert story.after(2) == ["unhealthy"]
    assert story.session.health_reason == "no beat within 120 s of its start"


def test_a_first_beat_within_startup_timeout_is_in_time() -> None:
    story = Story(HealthcheckSpec(type="heartbeat", startup_timeout=120.0))
    story.after(110)
    story.beat()
    assert story.look() == ["healthy"]
    assert story.after(31) == ["missed 1"]


@pytest.mark.parametrize(
    "fact",
    [
        events.DaemonStarted(run_id="2", pid=2, version="1"),
        events.ClockStepped(seconds=600),
        events.DaemonStalled(seconds=600),
    ],
)
def test_after_a_time_without_ears_there_is_a_whole_timeout_of_grace_and_misses_count_on(fact: Any) -> None:
    story = Story(BEAT)
    story.beat()
    assert story.after(61) == ["healthy", "missed 1", "missed 2"]
    story.now += 600
    story.add(Ref(), fact)
    assert story.after(29.9) == []
    assert story.after(0.2) == ["missed 3", "unhealthy"]


def test_a_beat_in_the_grace_saves_the_agent() -> None:
    story = Story(BEAT)
    story.beat()
    story.after(61)
    story.now += 600
    story.add(Ref(), events.DaemonStalled(seconds=600))
    story.look()
    story.now += 1
    story.beat()
    assert story.look() == ["recovered"]


def test_a_clock_that_went_back_an_hour_neither_kills_nor_blinds() -> None:
    story = Story(BEAT)
    story.beat()
    story.after(31)
    story.now -= 3600
    story.add(Ref(), events.ClockStepped(seconds=-3600))
    assert story.after(29) == []
    assert story.after(62) == ["missed 2", "missed 3", "unhealthy"]


@pytest.mark.parametrize("activity", ["waiting", "limited"])
def test_silence_while_it_waits_raises_attention_and_nothing_else(activity: str) -> None:
    story = Story(BEAT)
    story.beat(activity)
    assert story.look() == ["healthy", f"attention {activity}"]
    assert story.after(3600) == ["unknown", "attention stale"]
    story.beat()
    assert story.look() == ["healthy"]
    assert story.session.attention == activity
    assert story.after(3600) == ["unknown", "attention stale"]
    story.beat("working")
    assert story.look() == ["healthy"]
    assert story.session.attention == ""
    assert story.after(30) == ["missed 1"]


def test_waiting_again_is_new() -> None:
    story = Story(None)
    for activity in ("waiting", "working", "waiting"):
        story.beat(activity)
        story.look()
    assert [short(e) for e in story.told if e.kind == "session.attention"] == ["attention waiting"] * 2


def test_failed_probes_in_a_row_are_a_verdict_and_each_counts_once() -> None:
    story = Story(EXEC)
    story.probe(True)
    assert story.look() == ["healthy"]
    story.now += 10
    story.probe(False, "./probe: exit 1")
    assert story.look() == ["missed 1"]
    assert story.after(100) == []
    story.probe(False, "./probe: exit 1")
    assert story.look() == ["missed 2", "unhealthy"]


def test_a_probe_that_could_not_run_is_unknown_and_counts_nothing() -> None:
    story = Story(EXEC)
    for _ in range(5):
        story.now += 10
        story.probe(None, "./probe: No such file or directory")
        told = story.look()
    assert told == []
    assert story.session.health_reason == "the probe could not run: ./probe: No such file or directory"
    assert (story.session.health, story.session.misses) == ("unknown", 0)


def test_probes_may_fail_until_startup_timeout() -> None:
    story = Story(HealthcheckSpec(type="exec", command=("p",), failure_threshold=1, startup_timeout=60.0))
    story.now += 10
    story.probe(False, "p: exit 1")
    assert story.look() == []
    assert story.wake_at == START + 60
    assert story.after(51) == ["unhealthy"]


def test_an_agent_that_says_it_works_and_shows_nothing_is_stuck_until_it_moves() -> None:
    story = Story(None)
    story.beat("working")
    assert story.after(2000) == []  # nobody has looked at its screen: unknown
    story.screens[UID] = Screen(START + 10, story.now)
    assert story.look() == ["stuck", "attention stuck"]
    story.now += 20
    story.screens[UID] = Screen(story.now - 1, story.now)
    assert story.look() == ["moves"]
    assert (story.session.activity, story.session.attention) == ("working", "")


def test_a_word_or_a_byte_on_the_screen_within_the_time_is_not_stuck() -> None:
    story = Story(None)
    story.beat("working")
    story.now += 899
    story.beat("working")
    story.screens[UID] = Screen(START, story.now)
    assert story.after(800) == []
    story.screens[UID] = Screen(story.now, story.now)
    assert story.after(890) == []
    assert story.after(11) == []  # due, but the last look at the screen is older than that
    assert story.wake_at == story.now + health.SCREEN_LOOK_SECONDS


@pytest.mark.parametrize("policy", ["always", "on-failure", "never"])
def test_the_sessions_controller_stops_the_unhealthy_as_failed_by_any_policy(policy: str) -> None:
    story = Story(BEAT, policy=policy)
    story.controllers.append(sessions.reconcile)
    assert story.after(90)[-2:] == ["unhealthy", "session.stopping"]
    stop = story.session.stop
    assert stop is not None
    assert (stop.reason, stop.state, stop.release) == ("unhealthy", "failed", False)
    ended = events.SessionEnded(state="failed", reason="unhealthy", exit_status=0)
    story.add(session_ref(story.session), ended)
    expected = [] if policy == "never" else ["session.scheduled"]
    assert story.look() == expected
