"""What a person may type for a session or a team."""

import pytest

from marvel.errors import NotFound, Rejected
from marvel.keys import Named, find, find_session, no_such, team_key


def named(name: str, *, generation: int = 1, number: int = 0, uid: str = "", **fields: object) -> Named:
    values = {
        "workspace": "demo",
        "team": "squad",
        "role": "agent",
        "created_at": 1.0,
        **fields,
    }
    return Named(name=name, generation=generation, number=number, uid=uid or name, **values)  # type: ignore[arg-type]


AGENT_0 = named("squad-agent-g1-0")
AGENT_1 = named("squad-agent-g1-1", number=1)
NEWER_1 = named("squad-agent-g2-1", generation=2, number=1)
LEAD = named("squad-lead-g1-0", role="lead")
ELSEWHERE = named("squad-agent-g1-0", workspace="demo2", uid="far")
ONE_OFF = named("adhoc-0", workspace="default", team="adhoc", role="adhoc", generation=0, one_off=True)
ALL = [AGENT_0, AGENT_1, NEWER_1, LEAD, ELSEWHERE, ONE_OFF]
TEAMS = [("demo", "squad"), ("demo2", "squad"), ("default", "adhoc")]


@pytest.mark.parametrize(
    ("key", "uid"),
    [
        ("demo/squad-agent-g1-0", AGENT_0.uid),
        ("session/demo/squad-agent-g1-0", AGENT_0.uid),
        ("demo2/squad-agent-g1-0", "far"),
        ("far", "far"),
        ("lead-0", LEAD.uid),
        ("squad-lead-0", LEAD.uid),
        ("demo/squad-lead-0", LEAD.uid),
        ("agent-1", NEWER_1.uid),  # the newest in the slot
        ("squad-agent-g1-1", AGENT_1.uid),
        ("demo/squad-agent-1", NEWER_1.uid),
        ("adhoc-0", ONE_OFF.uid),
        ("default/adhoc-0", ONE_OFF.uid),
        ("nobody", None),
        ("", None),
        ("gent-1", None),  # an ending begins at a word
        ("demo/", None),
        ("/", None),
        ("-1", None),
        ("demo/squad-agent-g9-0", None),
    ],
)
def test_a_key_names_one_session_or_none(key: str, uid: str | None) -> None:
    assert find_session(key, ALL) == uid


def test_a_short_key_of_several_slots_is_refused_with_the_first_five() -> None:
    with pytest.raises(Rejected) as raised:
        find_session("agent-0", ALL)
    assert raised.value.message == ("'agent-0' names 2 sessions: demo/squad-agent-0, demo2/squad-agent-0")
    assert raised.value.hint == "type more of the name"
    many = [named(f"t{n}-agent-g1-0", team=f"t{n}") for n in range(7)]
    with pytest.raises(Rejected, match=r"names 7 sessions: .*demo/t4-agent-0, …$"):
        find_session("agent-0", many)


def test_of_a_restarted_session_the_newest_is_meant() -> None:
    older, newer = named("squad-agent-g1-0", uid="a"), named("squad-agent-g1-0", uid="b", created_at=2.0)
    assert find_session("demo/squad-agent-g1-0", [newer, older]) == "b"
    assert find_session("a", [newer, older]) == "a"


def test_a_session_goes_before_a_team_and_prefixes_always_work() -> None:
    assert find("demo/squad", ALL, TEAMS) == ("team", "demo/squad")
    assert find("team/demo/squad", ALL, TEAMS) == ("team", "demo/squad")
    assert find("lead-0", ALL, TEAMS) == ("session", LEAD.uid)
    both = [named("squad", workspace="demo", one_off=True)]
    with pytest.raises(Rejected) as raised:
        find("demo/squad", both, TEAMS)
    assert raised.value.message == "'demo/squad' is both a session and a team"
    assert raised.value.hint == "say session/demo/squad or team/demo/squad"
    assert find("session/demo/squad", both, TEAMS) == ("session", "squad")
    assert find("team/demo/squad", both, TEAMS) == ("team", "demo/squad")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("demo/nobody", "no such session or team: demo/nobody"),
        ("session/demo/nobody", "no such session: session/demo/nobody"),
        ("team/demo/nobody", "no such team: demo/nobody"),
        ("team/", "no such team: "),
    ],
)
def test_a_key_of_nothing_is_not_found(key: str, message: str) -> None:
    with pytest.raises(NotFound) as raised:
        find(key, ALL, TEAMS)
    assert (raised.value.message, raised.value.exit_code) == (message, 4)
    assert raised.value.hint == no_such("x", "y").hint


GONE = named("old-agent-g7-0", team="old", generation=7, uid="gone", there=False)
HOMONYM = named("squad", team="adhoc", uid="homonym", one_off=True, there=False)


def test_what_is_there_wins_over_what_is_remembered() -> None:
    known = [AGENT_0, GONE]
    assert find_session("agent-0", known) == AGENT_0.uid
    assert find_session("old-agent-0", known) == "gone"
    assert find_session("agent-0", [GONE]) == "gone"
    again = named("squad-agent-g1-0", uid="again", there=False, created_at=9.0)
    assert find_session("demo/squad-agent-g1-0", [AGENT_0, again]) == AGENT_0.uid
    assert find("demo/squad", [HOMONYM], TEAMS) == ("team", "demo/squad")
    assert find("demo/squad", [HOMONYM], []) == ("session", "homonym")


def test_a_team_key_has_two_parts() -> None:
    assert team_key("demo/squad") == ("demo", "squad")
    assert team_key("team/demo/squad") == ("demo", "squad")
    for key in ("demo", "demo/", "/squad", "a/b/c", "", "team/demo"):
        with pytest.raises(Rejected) as raised:
            team_key(key)
        assert raised.value.message == f"{key!r} is not a team"
        assert raised.value.hint == "a team is WORKSPACE/TEAM"
