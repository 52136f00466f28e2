"""Decides whether a session may be typed to now. The one guard: `typist` asks it right before each effect.

A text is not typed to a session that waits for an answer, whose screen shows a dialog or a question, or
that has not reported its start; nor while someone types at an attached terminal. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from marvel.resources import Activity, Session
from marvel.runtimes import adapter_named, reports_start
from marvel.runtimes.dialogs import described, dialog_on, without
from marvel.tmux.records import Failed, Watcher

PERSON_SECONDS = 10.0  # after a key of a person, until a half-written line is taken for abandoned


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded of a session at this moment, as far as the guard needs it."""

    activity: Activity = ""
    heard: bool = True  # it has reported something
    starts: bool = False  # it is to report its start, and has not
    words: tuple[tuple[str, str], ...] = ()  # of its first-run dialogs
    takes_no_commands: bool = False  # it works, and submits no text that begins with `/` until it is idle


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender may do that others may not."""

    over_person: bool = False  # type although someone types there
    over_dialog: bool = False  # answer a dialog or question: for people, who have seen it


def standing_of(session: Session | None) -> Standing | None:
    """Return what the newest record of a session says; None when there is nothing to type to any more."""
    if session is None or not session.alive:
        return None
    adapter = adapter_named(session.image, session.command)
    heard = session.signaled_at is not None
    return Standing(
        activity=session.activity,
        heard=heard,
        starts=reports_start(adapter, session.heartbeat) and not heard and not session.degraded,
        words=adapter.dialogs,
        takes_no_commands=adapter.commands_when_idle and session.activity == "working",
    )


def refusal(
    standing: Standing | None,
    screen: str,
    watchers: Iterable[Watcher],
    *,
    pane: str,
    now: float,
    leave: Leave,
    text: str = "",
    own: str = "",
) -> Failed | None:
    """Return why a session must not be typed to now; None when it may be.

    `text` is to be submitted. `own` is what was pasted a moment ago: the form of a question in it is no
    question of the program, as long as all of it stands on the screen.
    """
    if standing is None:
        return Failed(reason="gone", message="it has ended, or the message is no longer wanted")
    if not leave.over_person and any(_types(watcher, pane, now) for watcher in watchers):
        return Failed(reason="busy", message="a person is typing there")
    if leave.over_dialog:
        return None
    others = without(own, screen) if dialog_on(own) else screen
    dialog = dialog_on(others, standing.words, heard=standing.heard)
    if dialog:
        return Failed(reason="asks", message=f"it shows {described(dialog)}")
    if standing.activity == "waiting":
        return Failed(reason="asks", message="it waits for a person's answer")
    if standing.starts:
        return Failed(reason="asks", message="it has not reported its start yet")
    if standing.takes_no_commands and text.startswith("/"):
        return Failed(reason="busy", message="it submits no text that begins with / while it works")
    return None


def _types(watcher: Watcher, pane: str, now: float) -> bool:
    return watcher.pane == pane and not watcher.read_only and now - watcher.active_at < PERSON_SECONDS
