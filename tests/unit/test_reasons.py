"""Why a session or a role is as it is: state in words, what is waited for, what is not done."""

from __future__ import annotations

import pytest

from marvel import commands, events
from marvel.cli.generations import Why
from marvel.cli.reasons import Known, of_role, of_session
from marvel.daemon import observations
from marvel.resources import HealthcheckSpec, RoleKey, ShiftSpec, Template
from marvel.runtimes import Signal
from tests.given import SQUAD, Story, role, template

KNOWN = Known()


def why(story: Story, slot: int = 0, known: Known = KNOWN) -> Why:
    return of_session(story.world, story.slot(slot), story.now, known)


def waits(found: Why) -> list[str]:
    return [reason.text for reason in found.waits_for]


def undone(found: Why) -> list[str]:
    return [reason.text for reason in found.not_done]


def test_a_healthy_session_waits_for_nothing() -> None:
    found = why(Story(role()).run())
    assert found == Why("its process (pid 1001) is in its pane, ready", [], [])


def test_a_crashed_one_waits_for_its_backoff_and_tells_how_often_it_crashed() -> None:
    story = Story(role()).run()
    story.crash(0).run(5)  # comes back at once
    story.crash(0).run(5).run()  # after a second
    story.crash(0).settle()
    found = why(story, known=Known(crashed_since=story.now - 200))
    assert found.because == "it crashed, exit 1"
    assert waits(found) == ["its restart"]
    assert undone(found) == ["not restarted yet: backoff, 3 crashes in 3m"]
    assert found.waits_for[0].until == found.not_done[0].until == story.slot(0).restart_at
    assert found.not_done[0].hint == "marvel restart demo/squad-agent-g1-0 does it now"


def test_a_task_that_ended_well_too_often_has_not_crashed() -> None:
    story = Story(role(max_restarts=1)).run()
    story.crash(0, exit_status=0).run().crash(0, exit_status=0)
    story.settle()
    assert why(story).because.startswith("it ended too often: 1 restarts without a good run")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "to have run for 2 s with no dialog on its screen, to be ready"),
        (
            {"healthcheck": HealthcheckSpec(type="exec", command=("true",))},
            "the first pass of its check, to be ready",
        ),
    ],
)
def test_one_that_is_not_ready_says_what_makes_it_ready(fields: dict[str, object], expected: str) -> None:
    story = Story(role(shift=ShiftSpec(), **fields))  # type: ignore[arg-type]
    story.settle()
    story.start().later(0.5).settle()
    assert waits(why(story)) == [expected]


def test_one_that_used_up_its_restarts_stays_failed() -> None:
    story = Story(role(max_restarts=1)).run()
    story.crash(0).run().crash(0).run()
    found = why(story)
    assert found.because.startswith("it crashed too often, exit 1: 1 restarts without a good run")
    assert undone(found) == ["not restarted: max_restarts is 1, all without a good run"]


def test_a_restart_policy_of_never_or_on_failure_is_named() -> None:
    story = Story(role(restart_policy="never")).run()
    story.crash(0).settle()
    assert undone(why(story)) == ["not restarted: its restart_policy is never"]
    story = Story(role(restart_policy="on-failure")).run()
    story.crash(0, exit_status=0).settle()
    assert undone(why(story)) == ["not restarted: it succeeded, and its restart_policy is on-failure"]
    assert why(story).because == "it ended by itself"


def test_a_missing_command_is_nothing_to_run_and_the_others_wait_for_the_one_that_tried() -> None:
    story = Story(role(replicas=2))
    story.settle()
    story.see(observations.start_failed(story.slot(0).uid, "invalid-runtime", "no such command"))
    story.settle()
    assert undone(why(story)) == ["not restarted: there is nothing to run"]
    held = why(story, 1)
    assert held.because == "its template is new: one session tries it first"
    assert held.waits_for[0].text.startswith("demo/squad-agent-g1-0 to live for a moment; it is failed: ")
    assert undone(held) == ["not started: a broken command shall cost one start, not many"]


def test_a_pending_session_waits_for_its_turn_once_its_template_has_lived() -> None:
    story = Story(role(replicas=2, start_interval=30.0))
    story.run()
    found = why(story, 1)
    assert found.because == "sessions of its role start one after the other (start_interval)"
    assert waits(found) == ["its turn: one start each 30 s"]
    assert found.waits_for[0].until == (story.slot(0).cleared_at or 0) + 30
    assert found.not_done == []


def test_a_session_that_can_not_be_started_for_want_of_tmux_says_so() -> None:
    story = Story(role())
    story.settle()
    story.see(observations.start_delayed(story.slot(0).uid, "tmux-unavailable", "tmux is not installed"))
    found = why(story)
    assert found.because == "tmux can't be used: tmux is not installed"
    assert waits(found) == ["another try: tmux can't be used"]


def test_a_stopping_session_waits_for_its_end_and_tells_when_it_is_killed() -> None:
    story = Story(role(replicas=2)).run()
    story.kill(1)
    found = why(story, 1)
    assert (found.because, found.not_done) == ("it was killed by a command", [])
    assert waits(found) == ["its processes to end after SIGTERM; KILL follows"]
    assert found.waits_for[0].until == story.now + 10
    story.scale(1)
    story.settle()
    assert undone(why(story, 1)) == ["not replaced in its slot: fewer sessions are wanted"]


def test_an_agent_that_waits_is_left_alone() -> None:
    story = Story(role(healthcheck=HealthcheckSpec()), promise="from-start").run()
    assert waits(why(story)) == ["its first heartbeat, to be ready"]
    story.see(observations.signaled(story.slot(0).uid, Signal(activity="waiting", detail="permission")))
    story.settle()
    found = why(story)
    assert waits(found) == ["you: permission"]
    assert undone(found) == ["not restarted for its silence: an agent that waits is left alone"]


def test_a_changed_template_waits_for_a_person_when_on_change_is_manual() -> None:
    manual = ShiftSpec(on_change="manual", min_ready=0.0)
    story = Story(role(shift=manual)).run()
    story.apply(role(shift=manual, template=template("other")))
    story.run()
    expected = ["not shifted to the changed template: on_change is manual"]
    assert undone(why(story)) == expected
    found = of_role(story.world, story.role())
    assert (found.because, undone(found)) == ("1 of 1 sessions are ready", expected)
    assert found.not_done[0].hint == "marvel shift demo/squad --role agent"


def test_what_a_shift_replaced_names_its_successor() -> None:
    story = Story(role()).run()
    old = story.slot(0).uid
    story.record(commands.shift(story.world, SQUAD))
    while story.world.sessions[old].state != "stopping":
        story.run()
    story.gone().run()
    found = of_session(story.world, story.world.sessions[old], story.now, KNOWN)
    assert undone(found) == ["not restarted: demo/squad-agent-g2-0 took over its work, in a shift"]


def test_an_aborted_shift_is_told_on_both_sides() -> None:
    check, spec = HealthcheckSpec(), ShiftSpec(ready_timeout=60)
    story = Story(role(healthcheck=check, shift=spec), promise="from-start").run()
    story.beat(0).run()
    story.apply(role(healthcheck=check, shift=spec, template=template("other")))
    story.settle()
    story.start().later(0.2)
    new = story.slot(0).uid
    assert any(text.startswith("the shift of generation 1 to 2") for text in waits(why(story)))
    story.record(commands.shift_abort(story.world, SQUAD))
    story.settle()
    assert "not shifted to generation 2: requested" in undone(of_role(story.world, story.role()))
    story.gone().settle()
    kept = Known(aborted="requested")
    gone = of_session(story.world, story.world.sessions[new], story.now, kept)
    assert undone(gone) == ["not restarted: the shift to its generation was aborted, requested"]
    expected = "not shifted to the changed template: the shift to generation 2 was aborted"
    assert undone(of_role(story.world, story.role())) == [expected]


def test_a_paused_shift_is_not_gone_on_with() -> None:
    story = Story(role(replicas=3, shift=ShiftSpec(max_surge=1))).run()
    story.record(commands.shift(story.world, SQUAD))
    story.settle()
    story.record(commands.shift_pause(story.world, SQUAD))
    found = of_role(story.world, story.role())
    assert "not shifted on from generation 1 to 2: it is paused" in undone(found)


def test_a_scaled_role_is_not_what_its_manifest_says() -> None:
    story = Story(role(replicas=3)).run()
    story.scale(1)
    story.settle()
    found = of_role(story.world, story.role())
    assert undone(found) == ["not 3 sessions, as the manifest says: it was scaled to 1"]
    assert [text.partition(",")[0] for text in waits(found)] == [
        "demo/squad-agent-g1-1",
        "demo/squad-agent-g1-2",
    ]


def test_a_one_off_is_never_restarted() -> None:
    story = Story()
    drafts = commands.run(story.world, RoleKey("default", "adhoc", "adhoc"), Template(), story.now)
    uid = story.record(drafts)[-1].ref.uid or ""
    story.start_one(uid)
    assert undone(of_session(story.world, story.world.sessions[uid], story.now, KNOWN)) == [
        "not replaced when it ends: it is a one-off"
    ]
    story.add(story.events[-1].ref, events.SessionEnded(state="succeeded", exit_status=0))
    (reason,) = of_session(story.world, story.world.sessions[uid], story.now, KNOWN).not_done
    assert (reason.text, reason.until) == (
        "not restarted: it is a one-off, and is listed",
        story.now + 3600,
    )
