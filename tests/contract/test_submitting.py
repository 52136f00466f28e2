"""Whether a message was submitted, on programs with composers: what arrives, and what is said of it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from tmux_rig import Rig

from marvel.tmux import Failed, Leave, Message, Standing, type_to

# A composer that takes Enter for a newline while `quiet` seconds have not passed since a paste; it can also
# be deaf to Enter, or open a dialog as soon as something was pasted.
COMPOSER = """
import json, os, sys, time, tty
file, quiet, manner = sys.argv[1], float(sys.argv[2]), sys.argv[3]
tty.setraw(0)
BEGIN, END = b"\\x1b[200~", b"\\x1b[201~"
text, data, pasted_at, sent = b"", b"", 0.0, []
def show():
    body = b"Allow?\\r\\n> 1. Yes\\r\\n  2. No\\r\\n" if manner == "asks" and text else b""
    rows = text.replace(b"\\n", b"\\r\\n  ")
    os.write(1, b"\\x1b[2J\\x1b[H" + b"".join(b"* " + s + b"\\r\\n" for s in sent[-3:])
             + b"----\\r\\n> " + rows[-3000:] + b"\\r\\n----\\r\\n? for shortcuts\\r\\n" + body)
os.write(1, b"\\x1b[?2004h"); show()
while fresh := os.read(0, 65536):
    data += fresh
    while data:
        if data.startswith(BEGIN):
            if END not in data:
                break
            paste, _, data = data[len(BEGIN):].partition(END)
            text, pasted_at = text + paste.replace(b"\\r", b"\\n"), time.monotonic()
        elif data.startswith(b"\\r"):
            data = data[1:]
            if manner == "deaf" or time.monotonic() - pasted_at < quiet:
                text += b"\\n"
            elif text:
                sent.append(text[-40:].replace(b"\\n", b" / "))
                with open(file, "a") as out:
                    print(json.dumps(text.decode()), file=out)
                text = b""
        else:
            text, data = text + data[:1], data[1:]
    show()
"""
TEXTS = ["one line", "two lines,\nthis is the second", "y", "long: " + "x" * 5000, "größe 漢 🤖"]


class Composer:
    """A pane with such a program."""

    def __init__(self, rig: Rig, *, quiet: float = 0.04, manner: str = "plain") -> None:
        self.rig = rig
        self.file = rig.directory / "submitted"
        self.pane = rig.create(sys.executable, "-c", COMPOSER, str(self.file), str(quiet), manner)
        self.standing = Standing()
        rig.until(lambda: "shortcuts" in self.screen())

    def screen(self) -> str:
        shown = self.rig.ask(lambda done: self.rig.server.capture(self.pane.pane, self.pane.uid, done))
        return shown if isinstance(shown, str) else ""

    def type(self, text: str, **how: Any) -> Failed | None:
        message = Message(
            pane=self.pane.pane,
            uid=self.pane.uid,
            lock=self.rig.directory / "lock",
            standing=lambda: self.standing,
            text=text,
            **{"enter": True, **how},
        )
        return self.rig.ask(lambda done: type_to(self.rig.server, message, done))

    @property
    def submitted(self) -> list[str]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("quiet", [0.0, 0.04, 0.4], ids=lambda s: f"quiet {s:g} s")
def test_each_message_is_submitted_by_itself(up: Rig, quiet: float) -> None:
    composer = Composer(up, quiet=quiet)
    for text in TEXTS:
        assert composer.type(text) is None
    assert [text.rstrip("\n") for text in composer.submitted] == TEXTS


def test_what_stays_in_the_composer_was_typed_and_nothing_is_appended_to_it(up: Rig) -> None:
    composer = Composer(up, manner="deaf")
    first = composer.type("first")
    assert isinstance(first, Failed)
    assert first.reason == "unsent"
    second = composer.type("second")
    assert isinstance(second, Failed)
    assert (second.reason, second.message) == ("busy", "an earlier message is still in its composer")
    assert "second" not in composer.screen()
    assert composer.submitted == []


def test_a_dialog_that_opens_after_the_paste_is_not_answered(up: Rig) -> None:
    composer = Composer(up, manner="asks")
    failed = composer.type("do it")
    assert isinstance(failed, Failed)
    assert (failed.reason, failed.message) == ("unsent", "typed, but not submitted: it shows a question")
    assert composer.submitted == []


def test_an_agent_that_begins_to_wait_after_the_paste_gets_no_enter(up: Rig) -> None:
    composer = Composer(up)
    asked = [Standing(), Standing()]  # for the guard, and for what it did before
    composer.standing = Standing(activity="waiting")
    message = Message(
        pane=composer.pane.pane,
        uid=composer.pane.uid,
        lock=up.directory / "lock",
        standing=lambda: asked.pop() if asked else composer.standing,
        text="late",
        enter=True,
    )
    failed = up.ask(lambda done: type_to(up.server, message, done))
    assert isinstance(failed, Failed)
    assert failed.reason == "unsent"
    assert composer.submitted == []


def test_nothing_is_typed_to_one_that_waits_and_keys_of_a_user_answer(up: Rig) -> None:
    composer = Composer(up)
    composer.standing = Standing(activity="waiting")
    for how in ({}, {"keys": ("y", "Enter")}, {"leave": Leave(over_person=True)}):
        failed = composer.type("no", **how)
        assert isinstance(failed, Failed)
        assert failed.reason == "asks"
    assert composer.type("", keys=("y", "Enter"), leave=Leave(over_dialog=True)) is None
    up.until(lambda: composer.submitted)
    assert composer.submitted == ["y"]


def test_a_patient_message_is_typed_once_the_dialog_is_gone_and_given_up_when_it_is_not_wanted(
    up: Rig,
) -> None:
    composer = Composer(up)
    composer.standing = Standing(activity="waiting")
    answers: list[Failed | None] = []
    asked: list[str] = []

    def standing() -> Standing:
        asked.append("")
        return composer.standing

    def send(text: str) -> None:
        message = Message(
            pane=composer.pane.pane,
            uid=composer.pane.uid,
            lock=up.directory / "lock",
            standing=standing,
            text=text,
            enter=True,
            patience=600,
        )
        type_to(up.server, message, answers.append)

    send("patient")
    up.until(lambda: len(asked) == 2)
    assert answers == []
    composer.standing = Standing(activity="idle")
    up.until(lambda: answers)
    assert (answers, composer.submitted) == ([None], ["patient"])
    composer.standing = None  # type: ignore[assignment]
    send("unwanted")
    up.until(lambda: len(answers) == 2)
    assert isinstance(answers[1], Failed)
    assert answers[1].reason == "gone"
    assert composer.submitted == ["patient"]


def test_a_shell_that_runs_a_silent_command_has_taken_its_line(up: Rig) -> None:
    pane = up.create("bash", "--norc", "-i", env={"PS1": "shell> "})

    def screen() -> str:
        shown = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done))
        return shown if isinstance(shown, str) else ""

    up.until(lambda: "shell>" in screen())
    message = Message(
        pane=pane.pane,
        uid=pane.uid,
        lock=up.directory / "lock",
        standing=Standing,
        text="sleep 600",
        enter=True,
    )
    assert up.ask(lambda done: type_to(up.server, message, done)) is None
    late = up.ask(
        lambda done: type_to(
            up.server, Message(**{f: getattr(message, f) for f in message.__struct_fields__}), done
        )
    )
    assert isinstance(late, Failed)  # the line lies in the terminal, and no program has read it
    assert late.reason == "unsent"
