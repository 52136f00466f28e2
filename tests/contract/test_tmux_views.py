"""Terminals at a pane: each has a view, which ends with it, however it ends."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tmux_rig import PATIENCE, Rig, children

from marvel.tmux import attach_argv, end_abandoned_views


@contextmanager
def terminal(rig: Rig) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Someone's terminal at a pane: its shell, and the other side of it."""
    pane = rig.create("sleep", "1000")
    leader, follower = pty.openpty()
    argv = attach_argv(rig.socket, "ws", pane.uid, read_only=False, nested=False)
    env = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    with subprocess.Popen(
        argv, env=env, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    ) as shell:
        os.close(follower)
        try:
            rig.until(lambda: pane.pane in attached(rig))
            yield shell, leader
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
            os.close(leader)


def attached(rig: Rig) -> list[str]:
    """The panes that terminals are at."""
    found = rig.tmux("list-clients", "-F", "#{client_control_mode} #{pane_id}").splitlines()
    return [line.split()[1] for line in found if line.startswith("0")]


def views(rig: Rig) -> list[str]:
    return [name for name in rig.tmux("list-sessions", "-F", "#{session_name}").split() if name != "ws"]


def test_a_view_that_is_detached_from_outside_ends_and_harms_nobody(up: Rig) -> None:
    with terminal(up) as (shell, _leader):
        (view,) = views(up)
        shown = up.tmux("show-options", "-A", "-t", f"={view}:", "destroy-unattached")
        assert shown.split()[1] == "off"  # with `on` a tmux up to 3.6 can crash by what follows
        up.tmux("detach-client", "-s", f"={view}")
        assert shell.wait(PATIENCE) == 0
    assert views(up) == []
    assert [pane.dead for pane in up.panes().values()] == [False]


def test_a_view_ends_with_its_terminal(up: Rig) -> None:
    with terminal(up) as (shell, _leader):
        os.kill(children(shell.pid)[0], signal.SIGHUP)
        os.kill(shell.pid, signal.SIGHUP)
        shell.wait(PATIENCE)
    assert views(up) == []


def test_a_view_whose_opener_was_killed_is_ended_by_the_next_one_to_attach(up: Rig) -> None:
    with terminal(up) as (_shell, _leader):
        end_abandoned_views(up.socket)
        assert len(views(up)) == 1  # it is in use
    up.until(lambda: attached(up) == [])
    (left,) = views(up)
    end_abandoned_views(up.socket)
    assert views(up) == [left]  # its opener is this test
    subprocess.run(
        ["tmux", "-S", up.socket, "rename-session", "-t", f"={left}", "_view-9999999999-ab"], check=True
    )
    end_abandoned_views(up.socket)
    assert views(up) == []
