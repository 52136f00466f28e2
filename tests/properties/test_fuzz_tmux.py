"""Whatever tmux prints, also what an agent had it print: panes or none, never a trace."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marvel.tmux import Failed, Pane, PaneSpec
from marvel.tmux.control import Framer, blocks
from marvel.tmux.listing import FIRST_PID, LOG_ID, UID, listed, read_panes
from marvel.tmux.scripts import created, outcome, read_watchers
from marvel.tmux.setup import read_identity, refresh_environment

SPEC = PaneSpec(uid="u-1", log_id="log", argv=("sleep", "1"), env={}, cwd="/")

digits = st.one_of(
    st.integers(-5, 2**70).map(lambda number: str(number).encode()),
    st.sampled_from([b"", b"zz", "\u00b2".encode(), b"9" * 5000, b"00", b"1"]),
)
words = st.one_of(
    digits, st.binary(max_size=12), st.sampled_from([b"u-1", b"log", b"TERM", b"\xff", b"a\nb"])
)
rows = st.lists(words, max_size=11).map(b"|".join)
panes_of_tmux = st.builds(
    lambda mark, pane, rest: mark + b"%" + pane + b"|" + rest,
    st.sampled_from([b"", b"m ", b"n "]),
    digits,
    rows,
)
frames = st.builds(
    lambda what, number, flags: b"%" + what + b" 1 " + number + b" " + flags,
    st.sampled_from([b"begin", b"end", b"error"]),
    st.sampled_from([b"1", b"2", b"3"]),
    st.sampled_from([b"0", b"1"]),
)
answers = st.builds(
    lambda what, one, two: what + b" " + one + b"/" + two + b" @1",
    st.sampled_from([b"marvel-server", b"marvel-client 1", b"marvel-watcher 0 1 5", b"marvel-yes"]),
    digits,
    digits,
)
lines = st.lists(st.one_of(panes_of_tmux, frames, answers, rows, st.binary(max_size=30)), max_size=12)
replies = lines.map(lambda found: [line for text in found for line in text.split(b"\n")])


def is_sound(pane: Pane) -> bool:
    ours = bool(pane.uid)
    if ours and not (UID.fullmatch(pane.uid) and LOG_ID.fullmatch(pane.log_id)):
        return False
    return (pane.pid is None or pane.pid >= FIRST_PID) and (ours or not pane.log_id)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(replies)
def test_any_line_is_a_pane_with_a_sound_pid_and_stamp_or_none(reply: list[bytes]) -> None:
    assert all(is_sound(pane) for pane in read_panes(reply))


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(replies)
def test_any_reply_to_a_listing_is_panes_or_a_failure(reply: list[bytes]) -> None:
    found = listed(reply, "m")
    if not isinstance(found, Failed):
        assert len(found) <= sum(line.startswith(b"m ") for line in reply)
        assert all(is_sound(pane) for pane in found)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(replies)
def test_any_reply_is_read_without_a_trace(reply: list[bytes]) -> None:
    blocks(reply)
    created(reply, SPEC, "m")
    outcome(reply, "%1", "u-1")
    read_watchers(reply)
    refresh_environment(reply, {"A": "1"})
    identity = read_identity(reply)
    assert identity is None or identity.pid >= FIRST_PID


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(st.lists(st.binary(max_size=40), max_size=20), st.sampled_from([b"T", b"%end 1 1 1"]))
def test_any_stream_is_cut_without_a_trace(chunks: list[bytes], token: bytes) -> None:
    framer = Framer()
    framer.expect(token)
    for chunk in chunks:
        framer.feed(chunk)
    framer.last_words()
