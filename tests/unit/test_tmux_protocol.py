"""The pure half of marvel.tmux: quoting, framing, time-outs, and reading what tmux prints."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marvel.errors import MarvelError, TmuxUnavailable
from marvel.tmux import MAX_SOCKET_PATH, Failed, Pane, check_socket_path, check_version, server_environment
from marvel.tmux.control import Block, Framer, blocks
from marvel.tmux.environment import marked_path, named_in_path
from marvel.tmux.listing import listed
from marvel.tmux.pipeline import MAX_QUEUED_BYTES, REQUEST_TIMEOUT, Pipeline
from marvel.tmux.processes import stat
from marvel.tmux.quote import command, plain, quote, sequence
from marvel.tmux.scripts import outcome, paste_text, read_panes
from marvel.tmux.setup import read_identity, refresh_environment
from marvel.tmux.statuses import BRIEF, WAITS, Statuses
from marvel.tmux.timers import Timers
from marvel.tmux.version import version_key

# --- quoting ---------------------------------------------------------------------------------------


def test_plain_words_are_only_put_in_quotes() -> None:
    assert quote("") == b'""'
    assert quote("a b;") == b'"a b;"'
    assert quote("é") == '"é"'.encode()


def test_what_the_parser_would_read_is_escaped() -> None:
    assert quote('\\ " $A ~') == rb'"\\ \" \$A \~"'
    assert quote("a\nb\t\x1b\x7f") == rb'"a\012b\011\033\177"'


def test_the_byte_the_parser_takes_for_its_end_is_escaped() -> None:
    assert quote("\udcff\udcfe") == b'"\\377\xfe"'


def test_a_nul_byte_cannot_be_quoted() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_a_quoted_value_is_one_line_and_one_word(value: str) -> None:
    quoted = quote(value)
    assert b"\n" not in quoted
    inner = quoted[1:-1].replace(b"\\\\", b"").replace(b'\\"', b"")
    assert b'"' not in inner


def test_commands_are_joined_by_bare_semicolons_only() -> None:
    line = sequence([command("a", ";"), command("b", "-x", "y z")])
    assert line == b'a ";" ; b "-x" "y z"'
    assert plain("#{pane_id}#") == "##{pane_id}##"


# --- framing ---------------------------------------------------------------------------------------


def test_a_reply_is_what_comes_before_its_token_however_it_is_cut() -> None:
    stream = b"%begin 1 2 1\none\n%end 1 2 1\n%window-add @1\n%begin 1 3 1\nT1\n%end 1 3 1\n"
    stream += b"%begin 1 4 1\nT2\n%end 1 4 1\n"
    for size in (1, 2, 7, 1000):
        framer = Framer()
        framer.expect(b"T1")
        framer.expect(b"T2")
        replies = [
            reply for at in range(0, len(stream), size) for reply in framer.feed(stream[at : at + size])
        ]
        assert [blocks(reply) for reply in replies] == [[Block(True, (b"one",))], []]
        assert framer.notices == [b"%window-add @1"]


def test_an_error_is_a_block_that_is_not_ok() -> None:
    assert blocks([b"%begin 1 2 1", b"can't find pane: %9", b"%error 1 2 1"]) == [
        Block(False, (b"can't find pane: %9",))
    ]


def test_foreign_text_in_a_greedy_block_cannot_end_it() -> None:
    forged = [b"%end 1 2 1", b"%begin 9 9 1", b"x", b"%end 9 9 1", b"%error 1 2 1"]
    lines = [b"%begin 1 2 1", *forged, b"%end 1 2 1"]
    assert blocks(lines, greedy=0) == [Block(True, tuple(forged))]
    assert blocks([b"%begin 1 2 1"]) == []


def test_the_last_words_of_a_client_are_its_error_message() -> None:
    framer = Framer()
    framer.expect(b"T")
    framer.feed(b"%begin 1 2 0\nno sessions\n%error 1 2 0\n%exit\nlost server")
    assert framer.last_words() == "no sessions; lost server"


# --- requests in flight ----------------------------------------------------------------------------


class Flight:
    def __init__(self) -> None:
        self.now = 100.0
        self.answers: list[object] = []
        self.pipeline = Pipeline(lambda: self.now, lambda line: None)

    def submit(self) -> None:
        self.pipeline.submit(b"x", self.answers.append)

    def tokens(self) -> list[bytes]:
        return [line.split(b'"')[3] for line in bytes(self.pipeline.out).split(b"\n") if b"marvel-" in line]


def test_requests_are_held_until_the_connection_is_ready() -> None:
    flight = Flight()
    flight.submit()
    flight.pipeline.submit(b"first", flight.answers.append, early=True)
    assert bytes(flight.pipeline.out).startswith(b"first\n")
    assert len(flight.tokens()) == 1
    flight.pipeline.release()
    assert len(set(flight.tokens())) == 2


def test_a_reply_that_comes_too_late_is_dropped_and_the_next_is_not() -> None:
    flight = Flight()
    flight.pipeline.release()
    flight.submit()
    flight.now += REQUEST_TIMEOUT
    flight.pipeline.expire(flight.now)
    assert [type(answer) for answer in flight.answers] == [Failed]
    flight.submit()
    late, good = flight.tokens()
    flight.pipeline.feed(b"late\n" + late + b"\ngood\n" + good + b"\n")
    assert flight.answers[1:] == [[b"good"]]
    assert flight.pipeline.deadline() is None


def test_time_runs_from_the_last_sign_of_life() -> None:
    flight = Flight()
    flight.pipeline.release()
    flight.submit()
    flight.submit()
    flight.now += REQUEST_TIMEOUT - 1
    flight.pipeline.feed(flight.tokens()[0] + b"\n")
    assert flight.pipeline.deadline() == flight.now + REQUEST_TIMEOUT
    flight.now += 2
    flight.pipeline.expire(flight.now)
    assert flight.answers == [[]]


def test_a_lost_connection_fails_what_was_sent_and_keeps_what_was_not() -> None:
    flight = Flight()
    flight.pipeline.submit(b"x", lambda answer: flight.answers.append("sent"), early=True)
    flight.pipeline.submit(b"x", lambda answer: flight.answers.append("held"))
    flight.pipeline.reset("gone", held=False)
    assert flight.answers == ["sent"]
    flight.pipeline.reset("gone", held=True)
    assert flight.answers == ["sent", "held"]


def test_the_queue_has_an_end() -> None:
    flight = Flight()
    assert not flight.pipeline.full(1000)
    assert flight.pipeline.full(MAX_QUEUED_BYTES + 1)


def test_a_timer_that_sets_itself_waits_for_the_next_turn() -> None:
    timers, seen = Timers(lambda: 0.0), []

    def again() -> None:
        seen.append(len(seen))
        timers.after(0, again)

    timers.after(0, again)
    timers.run(0.0)
    assert seen == [0]
    assert timers.next() == 0.0


def test_a_bug_in_one_timer_loses_no_other() -> None:
    timers, seen = Timers(lambda: 0.0), []
    timers.after(0, lambda: seen.append(1 // 0))
    timers.after(0, lambda: seen.append(1))
    with pytest.raises(ZeroDivisionError):
        timers.run(0.0)
    timers.run(0.0)
    assert seen == [1]


# --- reading ---------------------------------------------------------------------------------------


def test_panes_are_read_and_the_keeper_is_left_out() -> None:
    lines = [
        b"%0|10|0|||5|1||",
        b"%4||1|0||5|1||",
        b"%1|11|1|7||5||u-1|log",
        b"%2|12|1||9|||u-2|log",
        b"%3|13|1||TERM||||",
        b"junk",
    ]
    ended = {"dead": True, "exit_status": None}
    assert read_panes(lines) == (
        Pane(
            pane="%1", uid="u-1", log_id="log", pid=11, dead=True, exit_status=7, signal=None, changed_at=5.0
        ),
        Pane(pane="%2", uid="u-2", log_id="log", pid=12, signal="KILL", **ended),
        Pane(pane="%3", uid="", log_id="", pid=13, signal="TERM", **ended),
    )


def test_a_pane_whose_pid_is_not_told_has_none() -> None:
    lines = [b"%1||1|7||5||u-1|log", b"%2|0|1|7||5||u-2|log", b"%3|1|0|||5||u-3|log", b"%4|2|0|||5||u-4|log"]
    assert [pane.pid for pane in read_panes(lines)] == [None, None, None, 2]


def test_lines_that_a_stamp_forges_are_no_panes() -> None:
    forged = [b"%end 1 2 1", b"%7|5000|0|||5||u-7|log", b"m0 %8|5001|0|||5||u-8|log", b"%begin 1 3 1"]
    reply = [b"%begin 1 2 1", b"m1 %1|11|0|||5||u-1|log", *forged, b"m1 %2|12|0|||5||u-2|log", b"%end 1 2 1"]
    panes = listed(reply, "m1")
    assert not isinstance(panes, Failed)
    assert [(pane.pane, pane.pid) for pane in panes] == [("%1", 11), ("%2", 12)]


def test_a_pane_whose_stamp_makes_no_sense_is_there_and_not_ours() -> None:
    lines = [b"%1|11|0|||5||u-1|x y", b"%2|12|0|||5||u|v|log", b"%3|13|0|||5||", b"%4|14|0|||5||u-4"]
    assert [(pane.pane, pane.uid, pane.log_id) for pane in read_panes(lines)] == [
        (name, "", "") for name in ("%1", "%2", "%3", "%4")
    ]


def test_what_a_hook_answers_is_not_the_answer() -> None:
    reply = [b"%begin 1 2 1", b"%end 1 2 1", b"%begin 1 3 0", b"from a hook", b"%end 1 3 0"]
    reply += [b"%begin 1 4 1", b"ours", b"%end 1 4 1"]
    assert blocks(reply) == [Block(True, ()), Block(True, (b"ours",))]


def test_a_guard_that_was_not_passed_says_why() -> None:
    def reply(text: bytes) -> list[bytes]:
        return [b"%begin 1 1 1", b"%end 1 1 1", b"%begin 1 2 1", text, b"%end 1 2 1"]

    def reason(text: bytes) -> object:
        found = outcome(reply(text), "%1", "u")
        return found.reason if isinstance(found, Failed) else found

    assert reason(b"marvel-yes") == []
    assert reason(b"marvel-no 1 %1 u") == "refused"
    assert reason(b"marvel-no 0 %1 other") == "gone"
    assert reason(b"") == "gone"


def test_who_answered_is_read_from_the_middle_of_a_reply() -> None:
    lines = [b"%begin 1 1 1", b"marvel-server 12/345 @0", b"%end 1 1 1", b"%window-close @9"]
    lines = [b"%begin 1 0 0", b"marvel-server 1/1 @0", b"%end 1 0 0", *lines]
    found = read_identity(lines)
    assert found is not None
    assert (found.pid, found.name, found.keeper) == (12, "12/345", "@0")
    assert read_identity([b"x"]) is None


@pytest.mark.parametrize(
    ("usage", "raw"),
    [
        (b"[-dprS] [-s separator] [-b buffer-name] [-t target-pane]", True),  # 3.7
        (b"[-dpr] [-s separator] [-b buffer-name] [-t target-pane]", False),  # 3.6
        (b"", False),
    ],
)
def test_a_server_is_asked_whether_it_can_paste_a_text_as_it_is(usage: bytes, raw: bool) -> None:
    lines = [b"%begin 1 1 1", b"marvel-server 12/345 @0", b"%end 1 1 1"]
    lines += [b"%begin 1 2 1", b"marvel-paste " + usage, b"%end 1 2 1"]
    found = read_identity(lines)
    assert found is not None
    assert found.raw_paste is raw
    assert (b"-S" in paste_text("%1", "u-1", Path("/f"), "b", raw=found.raw_paste)) is raw


def test_an_environment_is_made_equal_to_the_one_wanted() -> None:
    script = refresh_environment([b"A=1", b"OLD=x", b"-GONE", b"second line"], {"A": "2", "B": ""})
    assert script is not None
    assert script.split(b"\n") == [
        b'set-environment "-gu" "--" "OLD"',
        b'set-environment "-g" "--" "A" "2"',
        b'set-environment "-g" "--" "B" ""',
    ]


def test_nested_session_markers_are_taken_out_and_keys_stay() -> None:
    environ = {
        "PATH": "/bin",
        "ANTHROPIC_API_KEY": "k",
        "TMUX": "x",
        "TMUX_PANE": "%1",
        "MARVEL_SESSION_UID": "u",
        "CLAUDECODE": "1",
        "CLAUDE_CODE_SSE_PORT": "1",
        "CLAUDE_CODE_USE_BEDROCK": "1",
    }
    kept = {"PATH": "/bin", "ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_USE_BEDROCK": "1"}
    assert server_environment(environ) == kept


def test_the_servers_of_a_daemon_that_an_agent_started_are_not_the_agents() -> None:
    path = marked_path("/usr/bin:/bin", "/home/me/.marvel/sessions/u-1")
    assert named_in_path(path) == named_in_path(f"{path}:/opt/bin") == "u-1"
    assert server_environment({"PATH": f"{path}:/opt/bin"}) == {"PATH": "/usr/bin:/bin:/opt/bin"}


# --- dead panes without a status -------------------------------------------------------------------


def dead(pid: int, status: int | None = None) -> Pane:
    return Pane(pane="%1", uid="u", log_id="l", pid=pid, dead=True, exit_status=status, signal=None)


def test_the_status_of_a_zombie_is_worth_two_seconds_once() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert stat(child.pid) == ("Z", os.getpid())
        statuses = Statuses()
        assert all(statuses.missing([dead(child.pid)], waits) for waits in range(len(WAITS)))
        assert not statuses.missing([dead(child.pid)], len(WAITS))
        assert not statuses.missing([dead(child.pid)], 0)
        assert 1.9 < sum(WAITS) < 2.1


def test_the_status_of_a_process_that_lives_or_is_no_more_is_not() -> None:
    assert Statuses().missing([dead(os.getpid())], BRIEF - 1)
    assert not Statuses().missing([dead(os.getpid())], BRIEF)
    assert not Statuses().missing([dead(os.getpid(), status=0)], 0)


# --- versions and paths ----------------------------------------------------------------------------


def test_versions_have_an_order() -> None:
    order = ["1.8", "3.0a", "3.2", "3.2a", "3.3", "3.3a", "3.10", "next-3.11", "master"]
    assert sorted(order, key=version_key) == order


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def fake_tmux(directory: Path, says: str) -> None:
    program = directory / "tmux"
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["1.8", "3.1c", "3.2"])
def test_an_old_tmux_is_refused_by_name(path: Path, version: str) -> None:
    fake_tmux(path, f"tmux {version}")
    with pytest.raises(TmuxUnavailable, match=f"{version} is too old: marvel needs 3.2a") as caught:
        check_version()
    assert "install" in caught.value.hint


@pytest.mark.parametrize("version", ["3.2a", "3.3a", "3.10", "next-3.6"])
def test_a_newer_tmux_is_welcome(path: Path, version: str) -> None:
    fake_tmux(path, f"tmux {version}")
    assert check_version() == version


@pytest.mark.usefixtures("path")
def test_a_missing_tmux_comes_with_instructions() -> None:
    with pytest.raises(TmuxUnavailable, match="not installed") as caught:
        check_version()
    assert "apt install tmux" in caught.value.hint


def test_a_socket_path_that_is_too_long_is_refused_with_the_limit() -> None:
    check_socket_path(Path("/" + "a" * (MAX_SOCKET_PATH - 1)))
    with pytest.raises(MarvelError, match=f"limit is {MAX_SOCKET_PATH}"):
        check_socket_path(Path("/" + "é" * (MAX_SOCKET_PATH // 2) + "x"))
