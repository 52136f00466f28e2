"""Orders over the socket: carried out as the command line would, once, and never late."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from marvel import commands
from marvel.__main__ import ORDERS as LANES
from marvel.cli.order import VALUED
from marvel.commands.orders import ORDERS, Scale, read
from marvel.daemon.buckets import Buckets
from marvel.daemon.lineage import Lineage
from marvel.daemon.orders import Orders
from marvel.daemon.reconciler import CONTROLLERS, Reconciler
from marvel.daemon.tokens import Tokens
from marvel.manifest import to_toml
from marvel.resources import EndpointSpec, Promise
from marvel.settings import Paths
from marvel.store.log import Store
from tests.given import START, manifest, role

MANIFEST = to_toml(manifest(role(replicas=2)))
SCALE = {"team": "demo/squad", "role": "agent", "replicas": 3}


class Desk:
    """Orders on a real log that holds one role of two sessions."""

    def __init__(self, paths: Paths) -> None:
        self.store = Store(paths, keep_world=True)
        declared = manifest(role(replicas=2, capabilities=("scale",)))
        self.store.record(lambda world, _now: commands.apply(world, declared, START), actor="user:test")
        self.reconciler = Reconciler(
            self.store,
            controllers=CONTROLLERS,
            promise=lambda _template: Promise(),
            leases={},
            screens={},
            probes={},
            exits={},
            lingering=(),
        )
        self.reconciler.run(time.time())
        self.tokens = Tokens(paths.token_key)
        self.orders = Orders(
            paths,
            tokens=self.tokens,
            mode_of=lambda _template: "none",
            record=self.reconciler.command,
            clock=time.monotonic,
        )

    def give(self, order: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        params = {"order": order, "arguments": arguments, "command": "c1", "actor": "user:me"}
        return self.orders.take({**params, "until": time.monotonic() + 60, **more}, Lineage)

    def scaled(self) -> list[tuple[str, str | None]]:
        """Actor and command of every scale."""
        return [(e.actor, e.command) for e in self.store.read() if e.kind == "role.scaled"]

    def uid(self) -> str:
        return next(iter(self.reconciler.world.sessions))


@pytest.fixture
def desk(paths: Paths) -> Iterator[Desk]:
    made = Desk(paths)
    yield made
    made.store.close()


def test_an_order_is_recorded_in_the_name_of_who_gave_it_and_told_as_the_command_line_would(
    desk: Desk,
) -> None:
    assert desk.give("scale", SCALE) == {"said": "demo/squad/agent scaled to 3\n"}
    assert desk.scaled() == [("user:me", "c1")]


def test_an_order_that_is_given_again_answers_the_same_and_happens_once(desk: Desk) -> None:
    assert desk.give("scale", SCALE) == desk.give("scale", SCALE)
    desk.give("scale", {**SCALE, "replicas": 5}, command="c2")
    assert desk.give("scale", SCALE) == {"said": "demo/squad/agent scaled to 3\n"}
    assert len(desk.scaled()) == 2


def test_a_manifest_is_applied_from_its_text_and_told_as_what_it_changes(desk: Desk) -> None:
    text = to_toml(manifest(role(replicas=5)))
    assert desk.give("apply", {"manifest": text}) == {
        "said": "~ role demo/squad/agent: start 3, keep 2\n"
        "    capabilities: ['scale'] → (default)\n    replicas: 2 → 5\n"
    }
    assert desk.give("apply", {"manifest": text}) == {"said": "demo done\n"}  # asked again: done once
    assert desk.give("apply", {"manifest": text}, command="c2") == {"said": "unchanged\n"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"manifest": ""},
        {"manifest": 7},
        {"manifest": MANIFEST.replace('"agent"', '"../agent"')},
        {"manifest": MANIFEST.replace("replicas = 2", "replicas = 1000000000")},
        {"manifest": MANIFEST.replace("replicas = 2", "backoff_max = nan")},
        {"manifest": MANIFEST, "prune": "yes"},
        {"manifest": MANIFEST, "more": 1},
        {"prune": True},
    ],
)
def test_a_manifest_that_no_file_could_hold_is_not_applied(desk: Desk, arguments: dict[str, Any]) -> None:
    head = desk.store.head()
    with pytest.raises(ValueError):  # noqa: PT011  # every one has words of its own
        desk.give("apply", arguments)
    assert desk.store.head() == head


def test_a_plan_that_fits_into_no_reply_is_left_to_the_one_who_asked(desk: Desk) -> None:
    endpoints = tuple(EndpointSpec(name=f"e{n}" + "x" * 40, team="squad") for n in range(1000))
    text = to_toml(msgspec.structs.replace(manifest(role(replicas=2)), endpoints=endpoints))
    head = desk.store.head()
    with pytest.raises(ValueError, match="more to tell"):
        desk.give("apply", {"manifest": text})
    assert desk.store.head() == head


def test_a_number_of_sessions_that_no_machine_has_is_refused_also_when_forced(desk: Desk) -> None:
    refused = desk.give("scale", {**SCALE, "replicas": 2**70, "force_large": True})["refused"]
    assert refused["message"] == f"replicas must be at most 100000, is {2**70}"


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({}, {"said": "demo/squad-agent-g1-0 typed\n"}),
        ({"uid": "another"}, {"said": ""}),
        ({"key": "demo/another"}, {"said": ""}),
        ({"bytes": -1}, None),
        ({"bytes": 2**70}, None),
        ({"detail": "x" * 50_000}, None),
    ],
)
def test_what_became_of_a_text_is_recorded_of_the_session_that_got_it(
    desk: Desk, wrong: dict[str, Any], answer: dict[str, Any] | None
) -> None:
    key = "demo/squad-agent-g1-0"
    told = {"uid": desk.uid(), "key": key, "outcome": "typed", "bytes": 5, "keys": False, **wrong}
    given = desk.give("injected", told)
    assert given == answer if answer is not None else given["refused"]["kind"] == "UsageError"
    recorded = [e for e in desk.store.read() if e.kind == "session.injected"]
    assert len(recorded) == (0 if wrong else 1)


def test_no_session_may_apply_or_stop(desk: Desk) -> None:
    me = {"uid": desk.uid(), "token": desk.tokens.of(desk.uid())}
    for number, (order, arguments) in enumerate(
        (("apply", {"manifest": MANIFEST}), ("stop", {"run_id": "run"}))
    ):
        refused = desk.give(order, arguments, command=f"c{number}", **me)["refused"]
        assert "is for people" in refused["message"]


def test_an_order_that_comes_late_is_left_to_the_one_who_gave_it(desk: Desk) -> None:
    with pytest.raises(ValueError, match="too late"):
        desk.give("scale", SCALE, until=time.monotonic() - 1)
    assert desk.scaled() == []


def test_what_an_order_brings_is_seen_by_the_next_pass(desk: Desk) -> None:
    desk.give("scale", SCALE)
    assert desk.reconciler.wake_at() == 0.0
    kinds = [event.kind for event in desk.reconciler.run(time.time()).seen]
    assert kinds[0] == "role.scaled"
    assert "session.scheduled" in kinds
    assert desk.reconciler.run(time.time()).seen == []


def test_a_refusal_comes_back_with_its_kind_and_hint_and_keeps_the_world(desk: Desk) -> None:
    world = desk.reconciler.world
    refused = desk.give("scale", {**SCALE, "role": "nobody"})["refused"]
    assert refused == {
        "kind": "NotFound",
        "message": "team demo/squad has no role nobody",
        "hint": "its roles: agent",
    }
    assert desk.reconciler.world is world
    assert desk.store.catch_up().world is world


def test_a_session_acts_by_its_token_and_only_within_its_capabilities(desk: Desk) -> None:
    me = {"uid": desk.uid(), "token": desk.tokens.of(desk.uid())}
    assert "said" in desk.give("scale", SCALE, **me)
    assert desk.scaled()[-1][0] == "session:demo/squad-agent-g1-0"
    shift = {"team": "demo/squad"}
    first = desk.give("shift", shift, command="c2", **me)
    assert 'does not have the capability "shift"' in first["refused"]["message"]
    assert desk.give("shift", shift, command="c2", **me) == first  # refused stays refused


@pytest.mark.parametrize("token", ["", "another's", 7, None])
def test_a_wrong_token_is_refused_and_recorded(desk: Desk, token: Any) -> None:
    refused = desk.give("scale", SCALE, uid=desk.uid(), token=token)["refused"]
    assert refused["message"].endswith("MARVEL_TOKEN is not this session's")
    assert desk.scaled() == []


@pytest.mark.parametrize(
    "params",
    [
        {"order": "stop"},
        {"order": None},
        {"arguments": []},
        {"arguments": {"team": "demo/squad"}},
        {"arguments": {**SCALE, "replicas": "3"}},
        {"arguments": {**SCALE, "more": 1}},
        {"actor": "daemon"},
        {"actor": "user:" + "x" * 300},
        {"command": ""},
        {"until": None},
        {"until": "soon"},
        {"until": 1e308},
        {"until": float("nan")},
        {"actor": "user:\x1b[31m"},
        {"actor": "user:\udcff"},
        {"uid": 7},
    ],
)
def test_what_is_no_order_changes_nothing(desk: Desk, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # every one has words of its own
        desk.give(**{"order": "scale", "arguments": SCALE, **params})
    assert desk.scaled() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"in_workspace": "../up"},
        {"in_workspace": ""},
        {"role": "a/b"},
        {"env": {"MARVEL_TOKEN": "x"}},
        {"env": {"A=B": "x"}},
        {"argv": []},
        {"argv": ["a\0b"]},
    ],
)
def test_a_one_off_of_odd_names_is_refused_whoever_asks(desk: Desk, wrong: dict[str, Any]) -> None:
    one = {"argv": ["sleep", "1"], "team": "t", "role": "r", "in_workspace": "w", "cwd": "/", "env": {}}
    assert desk.give("run", {**one, **wrong})["refused"]["kind"] == "UsageError"
    assert desk.give("run", one) == {"said": "w/r-0\n"}


def test_every_lane_is_that_of_an_order() -> None:
    assert set(LANES) == set(VALUED) < set(ORDERS)
    assert read("scale", SCALE) == Scale(**SCALE)


def test_what_is_refused_to_a_session_is_recorded_up_to_a_bound_and_then_once(desk: Desk) -> None:
    me = {"uid": desk.uid(), "token": desk.tokens.of(desk.uid())}
    for number in range(100):
        refused = desk.give("stop", {"run_id": "x"}, command=f"c{number}", **me)
        assert "is for people" in refused["refused"]["message"]
    kinds = [event.kind for event in desk.store.read()]
    assert 20 <= kinds.count("session.refused") <= 25
    assert kinds.count("session.throttled") == 1


def test_a_session_that_never_stops_ordering_is_slowed_down(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = {"uid": desk.uid(), "token": desk.tokens.of(desk.uid())}
    monkeypatch.setattr(desk.orders._limits, "_acts", Buckets(3, 1, lambda: 0.0))
    answers = [
        desk.give("scale", {**SCALE, "replicas": 3 + number}, command=f"c{number}", **me)
        for number in range(6)
    ]
    assert ["said" in answer for answer in answers] == [True] * 3 + [False] * 3
    assert len(desk.scaled()) == 3
    assert [event.kind for event in desk.store.read()].count("session.throttled") == 1


def test_what_no_order_does_is_permitted_or_refused(desk: Desk) -> None:
    ask = {"doing": "inject demo/squad", "capability": "inject", "teams": ["demo/squad"]}
    assert desk.give("permit", ask) == {"said": ""}
    me = {"uid": desk.uid(), "token": desk.tokens.of(desk.uid())}
    assert "refused" in desk.give("permit", ask, command="c2", **me)
    may = {"doing": "scale", "capability": "scale", "teams": ["demo/squad"]}
    assert desk.give("permit", may, command="c3", **me) == {"said": ""}
    foreign = desk.give("permit", {**may, "teams": ["demo/other"]}, command="c4", **me)
    assert "is not in its team" in foreign["refused"]["message"]
