"""Parts of the daemon that need no tmux: what was seen as facts, beats, launch checks, lock, notes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from marvel.controllers import Lease
from marvel.daemon import head, observations, tails
from marvel.daemon.launch import Unlaunchable, prepare, typed_prompt, write_files
from marvel.daemon.leases import BeatRefused, Leases
from marvel.daemon.lock import Lock
from marvel.daemon.observations import says_something_new
from marvel.daemon.tokens import Tokens
from marvel.errors import DaemonUnavailable, LogUnavailable
from marvel.events import SessionEnded, SessionSignaled, SessionStopping, session_ref
from marvel.resources import RuntimeSpec, Template
from marvel.runtimes import Signal, Wish
from marvel.runtimes.values import MAX_TEXT
from marvel.settings import Paths
from marvel.store.append import Head
from marvel.store.log import Store
from marvel.store.query import daemon_note
from marvel.tmux.timers import Timers
from tests.given import START, Story, role, with_fields
from tests.unit.test_runtimes import PLACE, SESSION

# --- observations ----------------------------------------------------------------------------------


def test_a_start_is_recorded_once_and_not_of_what_has_ended() -> None:
    story = Story(role()).run()
    started = observations.started(story.slot(0).uid, server="s", pane="%9", pid=9, pid_start=1, adopted=True)
    assert story.see(started) == []
    story.crash(0)
    assert story.see(started) == []


def test_an_observation_of_an_unknown_session_is_nothing() -> None:
    story = Story(role())
    for seen in (
        observations.started("x", server="s", pane="%9", pid=9, pid_start=1),
        observations.start_failed("x", "r", "d"),
        observations.start_delayed("x", "r", "d"),
        observations.ended("x", exit_status=0),
        observations.leftover("x", [1], "d"),
        observations.signaled("x", Signal(context_percent=1.0)),
    ):
        assert story.see(seen) == []


@pytest.mark.parametrize(
    ("seen", "state", "reason"),
    [
        ({"exit_status": 0}, "succeeded", ""),
        ({"exit_status": 7}, "failed", "crashed"),
        ({"signal": "KILL"}, "failed", "crashed"),
        ({"reason": "tmux-server-lost"}, "failed", "tmux-server-lost"),
        ({}, "failed", "unknown"),
    ],
)
def test_how_a_session_ended_by_itself(seen: dict[str, Any], state: str, reason: str) -> None:
    story = Story(role(restart_policy="never")).run()
    (event,) = story.see(observations.ended(story.slot(0).uid, **seen))
    assert isinstance(event.fact, SessionEnded)
    assert (event.fact.state, event.fact.reason) == (state, reason)
    assert story.see(observations.ended(story.slot(0).uid, **seen)) == []


def test_what_was_asked_to_end_has_ended_for_that_reason_whatever_its_status() -> None:
    story = Story(role()).run()
    order = SessionStopping(reason="unhealthy", deadline=1.0, state="failed")
    story.add(session_ref(story.slot(0)), order)
    (event,) = story.see(observations.ended(story.slot(0).uid, exit_status=0))
    assert (event.fact.state, event.fact.reason, event.fact.exit_status) == ("failed", "unhealthy", 0)


def test_a_delay_is_told_once_for_each_reason_and_only_of_what_is_pending() -> None:
    story = Story(role())
    story.settle()
    uid = story.slot(0).uid
    delayed = observations.start_delayed(uid, "tmux-unavailable", "no answer")
    assert len(story.see(delayed)) == 1
    assert story.see(delayed) == []
    assert len(story.see(observations.start_delayed(uid, "state-directory", "full"))) == 1
    story.start()
    assert story.see(delayed) == []
    assert story.see(observations.start_failed(uid, "invalid-runtime", "x")) == []


def test_a_beat_is_news_when_it_is_the_first_or_says_something_else() -> None:
    session = with_fields(
        SESSION, signaled_at=1.0, activity="idle", context_percent=40.0, agent_session_id="a"
    )
    assert says_something_new(with_fields(session, signaled_at=None), Signal())
    assert not says_something_new(session, Signal())
    same = Signal(activity="idle", context_percent=44.9, agent_session_id="a")
    assert not says_something_new(session, same)
    assert says_something_new(session, Signal(activity="working"))
    assert says_something_new(session, Signal(agent_session_id="b"))
    assert says_something_new(session, Signal(context_percent=45.0))
    assert says_something_new(session, Signal(context_percent=35.0))
    assert says_something_new(with_fields(session, context_percent=None), Signal(context_percent=0.0))
    assert says_something_new(session, Signal(context_percent=42.0), trigger=41.0)
    assert not says_something_new(session, Signal(context_percent=42.0), trigger=43.0)
    assert says_something_new(session, Signal(model="m"))
    assert says_something_new(session, Signal(cost_usd=0.1))


def test_a_cost_is_news_by_steps_in_a_turn_and_always_after_it_or_past_the_budget() -> None:
    at_work = with_fields(
        SESSION, signaled_at=1.0, activity="working", cost_usd=0.30, cost_counters={"": 0.10}
    )
    assert not says_something_new(at_work, Signal(cost_usd=0.15))
    assert says_something_new(at_work, Signal(cost_usd=0.21))
    assert says_something_new(at_work, Signal(cost_usd=0.15), budget=0.34)
    assert not says_something_new(at_work, Signal(cost_usd=0.15), budget=0.36)
    done = with_fields(at_work, activity="idle")
    assert says_something_new(done, Signal(cost_usd=0.11))
    assert not says_something_new(done, Signal(cost_usd=0.10))


# --- beats ---------------------------------------------------------------------------------------


class Desk:
    """A lease table over a story's world and a real log."""

    def __init__(self, paths: Paths) -> None:
        self.story = Story(role()).run()
        self.now = 1.0
        self.store = Store(paths)
        self.tokens = Tokens(paths.token_key)
        self.notes: list[observations.Observation] = []
        self.leases = Leases(
            self.store,
            world=lambda: self.story.world,
            note=self.notes.append,
            tokens=self.tokens,
            touch=lambda _key: None,
            timers=Timers(lambda: self.now),
        )
        self.uid = self.story.slot(0).uid

    def beat(self, **params: Any) -> str:
        """A beat of a process of the session."""
        uid, counts = self.leases.beat({"uid": self.uid, **params}, START, self.now, lambda _session: True)
        assert counts
        return uid

    def refused(self, **params: Any) -> str:
        with pytest.raises(BeatRefused) as raised:
            self.beat(**params)
        assert self.leases.table == {}
        assert self.notes == []
        return str(raised.value)


@pytest.fixture
def desk(paths: Paths) -> Any:
    made = Desk(paths)
    yield made
    made.store.close()


def len_of(value: float) -> str:
    return str(value)[:8]


@pytest.mark.parametrize("value", ["40", True, [], {}, float("nan"), float("inf"), -float("inf")])
def test_a_context_that_is_no_number_is_refused(desk: Desk, value: object) -> None:
    assert desk.refused(context_percent=value) == "context_percent is not a number"


@pytest.mark.parametrize("value", [-5, 100.5, 1e308, -1e308, 10**400, -(10**400)], ids=len_of)
def test_a_context_out_of_bounds_is_refused(desk: Desk, value: float) -> None:
    assert desk.refused(context_percent=value).startswith("context_percent must be between 0 and 100, is ")


@pytest.mark.parametrize("value", ["stuck", "dancing", 5, ["idle"], True, "IDLE"])
def test_an_activity_that_is_not_an_agents_to_say_is_refused(desk: Desk, value: object) -> None:
    assert desk.refused(state=value) == (
        "state must be one of compacting, idle, limited, starting, waiting, working"
    )


@pytest.mark.parametrize("value", ["", "forged", 5, None, "\ud800", "é"])
def test_a_token_that_is_given_must_be_the_sessions_own(desk: Desk, value: object) -> None:
    assert desk.refused(token=value) == "the token is not this session's"
    other = desk.tokens.of("another")
    assert desk.refused(token=other) == "the token is not this session's"
    assert desk.beat(token=desk.tokens.of(desk.uid)) == desk.uid


def test_a_beat_without_proof_says_only_alive(desk: Desk) -> None:
    said = {"uid": desk.uid, "state": "waiting", "context_percent": 90, "cost_usd": 1000, "model": "m"}
    assert desk.leases.beat(said, START, 1.0) == (desk.uid, False)
    assert desk.leases.table[desk.uid] == Lease(START, None, None)
    [event] = desk.story.see(desk.notes.pop())
    assert event.fact == SessionSignaled(activity="")
    assert desk.leases.beat({**said, "token": desk.tokens.of(desk.uid)}, START, 1.0) == (desk.uid, True)
    [event] = desk.story.see(desk.notes[0])
    assert (event.fact.activity, event.fact.cost_usd) == ("waiting", 1000)


@pytest.mark.parametrize("told", ["--resume", "-r", "../x", "a/b", "a b", "", "é", ".hidden", "a" * 201])
def test_what_is_no_id_of_a_conversation_is_not_kept(desk: Desk, told: str) -> None:
    desk.beat(agent_session_id=told)
    desk.beat(source="claude-hook", payload={"hook_event_name": "Stop", "session_id": told})
    for note in desk.notes:
        assert all(event.fact.agent_session_id == "" for event in desk.story.see(note))


def test_a_flood_of_news_is_recorded_slowly_and_its_newest_word_counts(desk: Desk) -> None:
    def pass_time(seconds: float) -> None:
        desk.now += seconds
        desk.leases._timers.run(desk.now)
        for note in desk.notes[:]:
            desk.story.see(note)
            desk.notes.remove(note)

    facts: list[Any] = []
    seen = desk.story.see
    desk.story.see = lambda note: (facts.extend(found := seen(note)), found)[1]  # type: ignore[method-assign]
    for number in range(600):  # for a minute
        desk.beat(state=("waiting", "limited")[number % 2], model=f"m{number}")
        pass_time(0.1)
    kinds = [event.kind for event in facts]
    assert 75 <= kinds.count("session.signaled") <= 85
    assert kinds.count("session.throttled") == 1
    desk.beat(state="working", model="last", context_percent=77)
    pass_time(2.0)
    session = desk.story.slot(0)
    assert (session.activity, session.model, session.context_percent) == ("working", "last", 77)
    pass_time(60.0)
    desk.beat(state="idle")
    pass_time(0.0)
    assert desk.story.slot(0).activity == "idle"


@pytest.mark.parametrize("uid", ["nobody", 5, ["x"], "\ud800"])
def test_a_beat_of_nobody_is_refused(desk: Desk, uid: object) -> None:
    assert desk.refused(uid=uid).startswith("no such session: ")


def test_a_session_may_be_named_by_its_key_and_must_be_alive(desk: Desk) -> None:
    params = {"session_key": "demo/squad-agent-g1-0"}
    assert desk.leases.beat(params, START, 1.0)[0] == desk.uid
    desk.story.kill(0)
    assert desk.leases.beat(params, START, 1.0)[0] == desk.uid
    desk.story.gone()
    with pytest.raises(BeatRefused, match="no such session: demo/squad-agent-g1-0"):
        desk.leases.beat(params, START, 1.0)


def test_what_waits_for_an_agent_is_cut_and_made_text_that_the_log_can_hold(desk: Desk) -> None:
    desk.beat(state="waiting", detail="a\ud800b" + "x" * 500)
    (event,) = desk.story.see(desk.notes[0])
    recorded = desk.store.record(lambda *_: [_draft(event)], actor="daemon").events
    kept = recorded[0].fact.detail
    assert len(kept) == MAX_TEXT - 1  # half a surrogate pair is no character
    assert kept.startswith("abxx")
    assert desk.store.verify()[1] is None


def _draft(event: Any) -> Any:
    from marvel.events import Draft

    return Draft(ref=event.ref, fact=event.fact)


def test_beats_are_written_once_a_second_together_and_only_news_is_noted(desk: Desk) -> None:
    assert desk.leases.deadline() is None
    desk.beat(context_percent=40)
    assert desk.leases.deadline() == 2.0
    desk.story.see(desk.notes.pop())
    desk.beat()
    desk.beat(context_percent=41)
    assert desk.notes == []
    assert desk.leases.table == {desk.uid: Lease(START, 41.0)}
    assert desk.store.leases() == {}
    desk.leases.flush()
    assert desk.store.leases() == {desk.uid: (START, 41.0, None)}
    assert desk.leases.deadline() is None


def test_what_could_not_be_written_is_kept_for_the_next_try(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.beat(context_percent=40)

    def full(_rows: object) -> None:
        raise LogUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "beat", full)
        with pytest.raises(LogUnavailable):
            desk.leases.flush()
    desk.leases.put_off(5.0)
    assert desk.leases.deadline() == 6.0
    desk.leases.flush()
    assert desk.store.leases() == {desk.uid: (START, 40.0, None)}


def claude(desk: Desk, source: str, /, ts: float = START, **payload: Any) -> None:
    """A payload of claude's, as its hook sends it, and what is recorded of it."""
    token = desk.tokens.of(desk.uid)
    desk.beat(token=token, source=f"claude-{source}", ts=ts, payload={"session_id": "c-1", **payload})
    while desk.notes:
        desk.story.see(desk.notes.pop(0))


def costs(desk: Desk, usd: float, ts: float = START) -> None:
    claude(desk, "statusline", ts, cost={"total_cost_usd": usd})


def test_the_last_cents_of_a_turn_are_recorded_at_its_end(desk: Desk) -> None:
    claude(desk, "hook", hook_event_name="UserPromptSubmit")
    for usd in (0.02, 0.05, 0.08):
        costs(desk, usd)
    assert desk.story.slot(0).cost_usd == 0.02
    claude(desk, "hook", hook_event_name="Stop")
    assert desk.story.slot(0).cost_usd == pytest.approx(0.08)
    costs(desk, 0.085)  # a status line is drawn after the hook
    assert desk.story.slot(0).cost_usd == pytest.approx(0.085)
    assert desk.leases.unrecorded(desk.uid) == []


def test_the_last_cents_of_an_agent_are_recorded_with_its_end(desk: Desk) -> None:
    claude(desk, "hook", hook_event_name="UserPromptSubmit")
    costs(desk, 0.02)
    costs(desk, 0.07)
    last = desk.leases.unrecorded(desk.uid)
    told, end = desk.story.see(observations.ended(desk.uid, signal="KILL", last=last))
    assert (told.kind, end.kind) == ("session.signaled", "session.ended")
    assert desk.story.slot(0).cost_usd == pytest.approx(0.07)


def test_a_cost_that_arrives_after_a_later_one_is_not_taken_for_a_new_count(desk: Desk) -> None:
    claude(desk, "hook", hook_event_name="UserPromptSubmit")
    costs(desk, 0.50, START - 1)
    costs(desk, 0.20, START - 2)
    claude(desk, "hook", hook_event_name="Stop")
    assert desk.story.slot(0).cost_usd == pytest.approx(0.5)


def test_the_cost_of_a_plain_heartbeat_is_that_of_its_conversation(desk: Desk) -> None:
    token = desk.tokens.of(desk.uid)
    desk.beat(token=token, state="working", agent_session_id="c-1", cost_usd=0.5)
    desk.beat(token=token, cost_usd=0.7)
    for note in desk.notes:
        desk.story.see(note)
    assert desk.story.slot(0).cost_counters == {"c-1": 0.7}


def test_the_context_of_another_conversation_is_unknown_until_it_is_reported(desk: Desk) -> None:
    line = {"version": "2.1.197", "context_window": {"used_percentage": 40}}
    claude(desk, "statusline", **line)
    assert desk.story.slot(0).context_percent == 40
    claude(desk, "hook", session_id="c-2", hook_event_name="SessionStart", source="clear")
    assert desk.story.slot(0).context_percent is None
    assert desk.leases.table[desk.uid].context_percent is None


# --- what can be run -----------------------------------------------------------------------------


def launch(environ: dict[str, str] | None = None, **runtime: Any) -> Any:
    template = Template(runtime=RuntimeSpec(**{"cwd": "/", **runtime}))
    wish = Wish(session=SESSION, template=template, role=None, place=PLACE)
    return prepare(wish, environ or {"PATH": "/usr/bin:/bin"})


def unlaunchable(environ: dict[str, str] | None = None, **runtime: Any) -> str:
    with pytest.raises(Unlaunchable) as raised:
        launch(environ, **runtime)
    return str(raised.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert unlaunchable(command="no-such") == "command no-such was not found in the daemon's PATH"
    assert unlaunchable(command="/no/such") == "command /no/such does not exist"
    assert unlaunchable(command=str(tmp_path)) == f"command {tmp_path} is a directory"
    assert unlaunchable(command=str(file)) == f"command {file} is not executable"
    assert unlaunchable(command="sh", cwd="/no/such") == "cwd /no/such does not exist"
    assert unlaunchable(command="sh", cwd=str(file)) == f"cwd {file} is not a directory"
    assert unlaunchable(command="sh", cwd="/no/{index}") == "cwd /no/3 does not exist"


def test_what_the_kernel_would_not_take_is_named(tmp_path: Path) -> None:
    most = "x" * (128 * 1024 - 1)
    assert launch(command="sh", args=(most,)).argv[1] == most
    assert unlaunchable(command="sh", args=(most + "x",)) == "argument 1 is longer than 131071 bytes"
    assert unlaunchable(command="sh", env={"A": most}) == "variable A is longer than 131071 bytes"


def test_a_relative_command_is_looked_for_in_the_agents_directory_not_in_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours" / "bin").mkdir(parents=True)
    (tmp_path / "theirs" / "bin").mkdir(parents=True)
    (tmp_path / "theirs" / "dir").mkdir()
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    (ours / "bin" / "simulator").write_text("")
    (ours / "dir").write_text("")
    monkeypatch.chdir(ours)
    assert launch(command="bin/simulator", cwd=str(theirs)).argv[0] == PLACE.python
    assert unlaunchable(command="./dir", cwd=str(theirs)) == "command ./dir is a directory"
    tool = theirs / "bin" / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert launch(command="bin/tool", cwd=str(theirs)).argv == ("bin/tool",)


def test_a_role_may_have_its_own_path(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert launch(command="tool", env={"PATH": str(tmp_path)}).argv == ("tool",)


def test_env_comes_from_the_file_then_the_daemon_then_the_role_then_us(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        "# comment\n\nexport A=file\nB = 'quoted value' \nC=\"x\"\nD=file\nE==a=b\nMARVEL_TOKEN=forged\nF=\n"
    )
    plan = launch(
        {"PATH": "/bin", "C": "daemon", "D": "daemon", "UNASKED": "x"},
        command="sh",
        env_file=str(file),
        env_from=("C", "D"),
        env={"D": "role"},
    )
    ours = {name: value for name, value in plan.env.items() if not name.startswith("MARVEL")}
    assert ours == {"A": "file", "B": "quoted value", "C": "daemon", "D": "role", "E": "=a=b", "F": ""}
    assert plan.env["MARVEL_TOKEN"] == PLACE.token


@pytest.mark.parametrize("line", ["novalue", "=x", "A=\0", "A\0B=1", "export ", "A B=1"])
def test_a_line_that_is_no_variable_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "env"
    file.write_text(f"OK=1\n{line}\n")
    assert unlaunchable(command="sh", env_file=str(file)) == f"env_file {file}: line 2: not NAME=value"


def test_env_that_can_not_be_had_is_named(tmp_path: Path) -> None:
    file = tmp_path / "env"
    assert unlaunchable(command="sh", env_file=str(file)) == f"env_file {file}: No such file or directory"
    file.write_bytes(b"A=\xff\n")
    assert unlaunchable(command="sh", env_file=str(file)) == f"env_file {file}: not UTF-8"
    assert unlaunchable(command="sh", env_from=("NOPE",)) == (
        "env_from: NOPE is not in the daemon's environment"
    )


@pytest.mark.parametrize(
    ("mode", "private"), [(0o600, True), (0o640, True), (0o644, False), (0o444, False), (None, True)]
)
def test_a_prompt_that_others_may_not_read_is_no_argument(
    tmp_path: Path, mode: int | None, private: bool
) -> None:
    file = tmp_path / "prompt"
    if mode is not None:
        file.touch()
        file.chmod(mode)
    runtime = RuntimeSpec(image="codex", command="sh", cwd="/")
    template = Template(runtime=runtime, prompt_file=str(file), prompt_text="swordfish")
    place = PLACE._replace(directory=str(tmp_path))
    wish = Wish(session=SESSION, template=template, role=None, place=place)
    plan = prepare(wish, {"PATH": "/usr/bin:/bin"})
    assert ("swordfish" in plan.argv, plan.typed_prompt) == ((False, "swordfish") if private else (True, ""))
    if mode is not None:
        file.chmod(0o644 if private else 0o600)  # how it was given stays known
    write_files(place, plan)
    assert typed_prompt(wish) == plan.typed_prompt


# --- tails, tokens, the head's note, the lock --------------------------------------------------------


def test_the_last_fifty_lines_are_kept_and_their_hash_told(tmp_path: Path) -> None:
    screen = "\n".join(f"line {n}   " for n in range(80)) + "\n\n   \n"
    digest = tails.keep(str(tmp_path), screen)
    kept = (tmp_path / "tail").read_bytes()
    assert digest == hashlib.sha256(kept).hexdigest()
    assert kept.decode().splitlines() == [f"line {n}" for n in range(30, 80)]
    assert os.stat(tmp_path / "tail").st_mode & 0o777 == 0o600


def test_a_tail_that_can_not_be_kept_has_no_hash_and_follows_no_link(tmp_path: Path) -> None:
    assert tails.keep(str(tmp_path / "gone"), "x") == ""
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "tail").symlink_to(target)
    assert tails.keep(str(tmp_path), "x") == ""
    assert target.read_text() == "precious"


def test_tokens_are_the_same_after_a_restart_and_differ_by_session_and_key(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    tokens = Tokens(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert Tokens(path).of("u") == tokens.of("u") != tokens.of("v")
    assert Tokens(str(tmp_path / "other")).of("u") != tokens.of("u")
    assert tokens.fits(tokens.of("u"), "u")
    assert not tokens.fits(tokens.of("u"), "v")


def test_a_log_that_ends_before_its_noted_head_is_refused_within_one_boot(tmp_path: Path) -> None:
    path = str(tmp_path / "head")
    assert head.lost_after(path, Head(0, 0.0, b"")) is None
    head.note(path, Head(9, 1.0, b"\xab"))
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert head.lost_after(path, Head(9, 1.0, b"\xab")) is None
    assert head.lost_after(path, Head(10, 1.0, b"\xab")) is None
    with pytest.raises(LogUnavailable) as raised:
        head.lost_after(path, Head(8, 1.0, b""))
    assert raised.value.message.startswith(
        "the event log ends at position 8, but a daemon noted 9 in this boot"
    )


def test_after_a_power_cut_the_noted_position_is_told_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "head")
    head.note(path, Head(9, 1.0, b"\xab"))
    boot = tmp_path / "boot"
    boot.write_text("another boot\n")
    monkeypatch.setattr(head, "BOOT_ID", boot)
    assert head.lost_after(path, Head(8, 1.0, b"")) == 9


@pytest.mark.parametrize("text", ["", "garbage", "[]", "{}", '{"position": "x", "boot": 1}', "\x00\xff"])
def test_a_note_that_can_not_be_read_says_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "head"
    path.write_bytes(text.encode("latin-1"))
    assert head.lost_after(str(path), Head(8, 1.0, b"")) is None


def test_a_second_daemon_is_told_who_holds_the_lock_and_since_when(paths: Paths) -> None:
    lock = Lock(paths, "run1")
    note = daemon_note(paths)
    assert note is not None
    assert (note["pid"], note["run_id"]) == (os.getpid(), "run1")
    with pytest.raises(DaemonUnavailable) as raised:
        Lock(paths, "run2")
    assert re.search(rf"pid {os.getpid()}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", raised.value.message)
    assert json.loads(Path(paths.lock).read_text())["run_id"] == "run1"
    lock.release()
    assert daemon_note(paths) is None
    Lock(paths, "run2").release()


def test_a_lock_left_by_a_killed_daemon_holds_nobody_up(paths: Paths) -> None:
    Path(paths.lock).write_text('{"pid": 1, "since": 0, "run_id": "old"}')
    assert daemon_note(paths) is None
    Lock(paths, "new").release()
