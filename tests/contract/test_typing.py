"""Typing to panes: what arrives, who waits for whom, what a dying pane does to the server (nothing)."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tmux_rig import Rig

from marvel.tmux import Failed, Message, Pane, Standing, TmuxServer, call, type_to
from marvel.tmux.quote import encode
from marvel.tmux.typist import BUSY_SECONDS, _locked

# Appends what it receives to a file, byte for byte; with a third argument it talks all the while.
RECORDER = """
import os, sys, tty, threading
tty.setraw(0)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def talk():
    while True:
        os.write(1, b"x" * 70 + b"\\r\\n")
if len(sys.argv) > 2:
    threading.Thread(target=talk, daemon=True).start()
os.write(1, b"ready")
while data := os.read(0, 65536):
    os.write(file, data)
"""
NASTY = [
    ";",
    "a;",
    "\\;",
    "-x",
    "--",
    "#{pane_id}",
    "#(id)",
    "$HOME",
    "~",
    "'\"`",
    "{ }",
    "a\nb\n\nc",
    "\t",
    "é漢🤖",
]


class Recorder:
    """A pane that records."""

    def __init__(self, rig: Rig, *more: str) -> None:
        self.rig = rig
        self.file = rig.directory / f"recorded{len(rig.panes())}"
        self.pane: Pane = rig.create(sys.executable, "-c", RECORDER, str(self.file), *more)
        rig.until(self.file.exists)

    def message(self, text: str = "", *, enter: bool = False, keys: tuple[str, ...] = ()) -> Message:
        return Message(
            pane=self.pane.pane,
            uid=self.pane.uid,
            standing=Standing,
            lock=self.rig.directory / f"{self.pane.uid}.lock",
            text=text,
            enter=enter,
            keys=keys,
        )

    def type(self, text: str, *, enter: bool = False) -> None:
        message = self.message(text, enter=enter)
        assert self.rig.ask(lambda done: type_to(self.rig.server, message, done)) is None

    def arrives(self, data: bytes) -> None:
        self.rig.until(lambda: len(self.file.read_bytes()) >= len(data))
        assert self.file.read_bytes() == data


def sent(text: str) -> bytes:
    """What a text is on its way: without what begins an escape sequence."""
    return encode(text.replace("\x1b", "").replace("\x9b", ""))


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60) | st.text(
    ";#{}$~\\\"'-%\n\r\t\x00\x03\x04\x1b ", max_size=20
)


@settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(texts | st.sampled_from(NASTY), min_size=15, max_size=15), scrolled=st.booleans())
def test_any_text_arrives_byte_for_byte_also_in_copy_mode(up: Rig, batch: list[str], scrolled: bool) -> None:
    recorder = Recorder(up)
    for text in batch:
        if scrolled:
            up.tmux("copy-mode", "-t", recorder.pane.pane)
        recorder.type(text)
    recorder.arrives(b"".join(map(sent, batch)))


def test_texts_arrive_under_a_burst_of_output(up: Rig) -> None:
    recorder = Recorder(up, "talk")
    for text in NASTY:
        recorder.type(text, enter=True)
    recorder.type("x" * 100_000)
    recorder.arrives(b"".join(sent(text) + b"\r" for text in NASTY) + b"x" * 100_000)


def test_two_who_type_at_once_do_not_mix(up: Rig) -> None:
    recorder = Recorder(up)
    failures: list[object] = []

    def inject(name: str, server: TmuxServer) -> None:
        for number in range(8):
            message = recorder.message(f"{name}{number}:" + name * 3000, enter=True)

            def ask(done: object, message: Message = message) -> None:
                type_to(server, message, done)  # type: ignore[arg-type]

            if call(server, ask, 20.0) is not None:
                failures.append(message)

    servers = [up.connect(), up.connect()]
    threads = [
        threading.Thread(target=inject, args=(name, server))
        for name, server in zip("ab", servers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wanted = sorted(
        f"{name}{number}:".encode() + name.encode() * 3000 for name in "ab" for number in range(8)
    )
    up.until(lambda: recorder.file.read_bytes().count(b"\r") == 16)
    assert failures == []
    assert sorted(recorder.file.read_bytes().split(b"\r")[:-1]) == wanted


def test_who_holds_the_lock_makes_others_wait(up: Rig) -> None:
    recorder = Recorder(up)
    message = recorder.message("late")
    held = _locked(message.lock)
    assert held is not None
    answers: list[Failed | None] = []
    type_to(up.server, message, answers.append)
    up.until(up.panes)
    assert answers == []
    assert recorder.file.read_bytes() == b""
    up.skew += BUSY_SECONDS + 1
    up.until(lambda: answers)
    failed = answers[0]
    assert isinstance(failed, Failed)
    assert failed.reason == "busy"


def test_typing_to_panes_that_just_died_never_harms_the_server(up: Rig) -> None:
    for _ in range(30):
        pane = up.create("sh", "-c", "read x; exit 3")
        message = Message(
            pane=pane.pane,
            uid=pane.uid,
            standing=Standing,
            lock=up.directory / "lock",
            text="a\nb\n" * 100,
            enter=True,
        )
        answers: list[Failed | None] = []
        for _ in range(3):
            type_to(up.server, message, answers.append)
        up.until(lambda answers=answers: len(answers) == 3)
    assert up.downs == []
    up.create("true")


def test_a_pane_is_logged_from_its_first_byte(up: Rig) -> None:
    log = up.directory / "out %d #{pane_id}'s.log"
    spec = up.spec("sh", "-c", "echo first; read x; echo second")
    spec = type(spec)(uid=spec.uid, log_id="log-1", argv=spec.argv, env={}, cwd="/", log=str(log))
    pane = up.ask(lambda done: up.server.create(spec, done))
    assert isinstance(pane, Pane)
    up.until(lambda: log.exists() and log.read_bytes() == b"first\r\n")
    other = Path(f"{log}.2")
    assert up.ask(lambda done: up.server.pipe(pane.pane, pane.uid, str(other), done)) is None
    assert up.ask(lambda done: up.server.send_keys(pane.pane, pane.uid, ["Enter"], done)) is None
    up.until(lambda: other.exists() and b"second" in other.read_bytes())
    assert log.read_bytes() == b"first\r\n"
