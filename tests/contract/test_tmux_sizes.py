"""The size of panes: their own, a visitor's while someone visits, and their own again."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from tmux_rig import Rig

from marvel.tmux import Pane, attach_argv

SIZE = "#{window_width}x#{window_height}"


def sizes(rig: Rig) -> set[str]:
    return set(rig.tmux("list-windows", "-t", "=ws", "-F", SIZE).split())


@contextmanager
def visitor(rig: Rig, pane: Pane, *, read_only: bool = False) -> Iterator[int]:
    """A terminal of 90 columns and 30 lines that is attached to an agent's pane; what it types goes there."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    before = len(rig.clients())
    argv = attach_argv(rig.socket, "ws", pane.uid, read_only=read_only, nested=False)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
    process = subprocess.Popen(
        argv,
        env={**environ, "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    try:
        rig.until(lambda: len(rig.clients()) > before)
        yield leader
    finally:
        os.close(leader)  # the terminal is gone
        process.wait(20)
        rig.until(lambda: len(rig.clients()) == before)


def test_a_visitors_size_does_not_stay(up: Rig) -> None:
    first = up.create("sleep", "1000")
    assert sizes(up) == {"200x50"}
    with visitor(up, first):
        up.until(lambda: "90x29" in sizes(up))
        during = up.create("sleep", "1000")
    up.until(lambda: sizes(up) == {"200x50"})
    for pane in (first, during):
        assert up.tmux("display-message", "-p", "-t", pane.pane, "#{pane_width}x#{pane_height}") == "200x50\n"


def test_the_last_of_two_visitors_gives_the_size_back(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    with visitor(up, pane):
        with visitor(up, pane):
            up.until(lambda: "90x29" in sizes(up))
        assert sizes(up) != {"200x50"}
    up.until(lambda: sizes(up) == {"200x50"})


def test_who_only_looks_on_changes_no_size(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    with visitor(up, pane, read_only=True):
        up.until(lambda: up.tmux("list-clients", "-F", "#{session_name}").count("_view-") == 1)
        assert sizes(up) == {"200x50"}
    assert sizes(up) == {"200x50"}


def test_a_size_that_stayed_is_put_right_by_the_next_connection(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    up.tmux("resize-window", "-t", pane.pane, "-x", "77", "-y", "22")
    up.tmux("set-option", "-w", "-u", "-t", pane.pane, "window-size")
    up.server.close()
    other = up.open(up.connect())
    up.until(lambda: sizes(up) == {"200x50"}, other)
