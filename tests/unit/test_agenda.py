"""What the controllers are to look at: whole roles, or what is restless and what was named."""

import pytest

from marvel import events
from marvel.daemon.agenda import Agenda, Wakes
from marvel.events import AnyFact, Ref, role_ref
from marvel.resources import RoleKey
from tests.given import AGENTS, template

OTHERS = RoleKey("demo", "squad", "others")
SESSION = Ref(workspace="demo", team="squad", role="agent", session="squad-agent-g1-0", uid="u", generation=1)


@pytest.mark.parametrize(
    ("ref", "fact", "named"),
    [
        (SESSION, events.SessionReadied(ready=True), {"u"}),
        (role_ref(AGENTS), events.RoleScaled(replicas=7), set()),
        (role_ref(AGENTS, 1), events.CohortScaled(count=7), set()),
        (role_ref(AGENTS, 1), events.CohortProven(), set()),
        (role_ref(AGENTS), events.RoleRestartRequested(), None),
        (role_ref(AGENTS, 2), events.CohortCreated(template=template(), count=1), None),
        (role_ref(AGENTS, 2), events.ShiftCompleted(), None),
    ],
)
def test_a_look_is_at_the_session_named_or_at_the_whole_role(
    ref: Ref, fact: AnyFact, named: set[str] | None
) -> None:
    agenda = Agenda()
    agenda.follow(ref, fact)
    assert agenda.keys() == [AGENTS]
    assert agenda.named(AGENTS) == named


def test_what_is_about_no_role_puts_none_on_the_agenda() -> None:
    agenda = Agenda()
    agenda.follow(Ref(workspace="demo", uid="u"), events.PaneOrphaned(pane="%1", pid=1))
    agenda.follow(Ref(), events.DaemonStopped(run_id="r", reason=""))
    assert not agenda


def test_a_whole_look_is_not_made_smaller_by_what_is_named() -> None:
    agenda = Agenda()
    agenda.look(OTHERS, "x")
    agenda.look_at_all([AGENTS])
    agenda.look(AGENTS, "u")
    assert agenda.named(AGENTS) is None
    assert agenda.named(OTHERS) == {"x"}
    assert agenda.keys() == [AGENTS, OTHERS]


def test_what_a_pass_adds_is_not_on_the_agenda_of_the_next() -> None:
    agenda = Agenda()
    agenda.look(AGENTS, "u")
    copied = agenda.copy()
    copied.look(AGENTS, "x")
    copied.look_at_all([OTHERS])
    assert agenda.keys() == [AGENTS]
    assert agenda.named(AGENTS) == {"u"}


def test_a_role_is_due_at_the_time_that_was_set_last() -> None:
    wakes = Wakes()
    wakes.set(AGENTS, 5.0)
    wakes.set(AGENTS, 7.0)
    wakes.set(OTHERS, 6.0)
    assert wakes.next() == 6.0
    assert list(wakes.due(6.0)) == [OTHERS]
    assert list(wakes.due(6.9)) == []
    assert list(wakes.due(7.0)) == [AGENTS]
    assert wakes.next() is None


def test_a_time_that_was_taken_back_and_set_again_is_due_once() -> None:
    wakes = Wakes()
    wakes.set(AGENTS, 5.0)
    wakes.set(AGENTS, None)
    assert wakes.next() is None
    wakes.set(AGENTS, 5.0)
    wakes.set(AGENTS, 5.0)
    assert list(wakes.due(9.0)) == [AGENTS]


def test_a_time_is_brought_forward_and_never_put_off() -> None:
    wakes = Wakes()
    wakes.bring_forward(AGENTS, 5.0)
    wakes.bring_forward(AGENTS, 9.0)
    wakes.bring_forward(AGENTS, None)
    assert wakes.next() == 5.0
    wakes.bring_forward(AGENTS, 3.0)
    assert list(wakes.due(9.0)) == [AGENTS]
