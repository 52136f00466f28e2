"""What happens to the connection when server, client or controller are killed, stopped or replaced."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tmux_rig import Rig, children, running

from marvel.tmux import Failed, Pane, TmuxServer, call
from marvel.tmux.blocking import turn
from marvel.tmux.processes import listener, stale_clients, stat, stopped_listener

BASE = {"PATH": os.environ["PATH"], "HOME": "/"}


def environ(pid: int) -> dict[str, str]:
    data = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(word.split("=", 1) for word in data.split("\0") if word)


def waiting_pane(rig: Rig, **options: dict[str, str]) -> Pane:
    """A pane whose process has been exec'ed."""
    pane = rig.create("sleep", "1000", **options)
    rig.until(lambda: comm(pane.pid) == "sleep")
    return pane


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().rstrip()


# --- opening ---------------------------------------------------------------------------------------


def test_a_started_server_is_ready_for_agents(rig: Rig) -> None:
    rig.open()
    assert rig.server.identity == rig.tmux("display-message", "-p", "#{pid}/#{start_time}").strip()
    assert rig.ups == [rig.server.identity]
    assert rig.panes() == {}
    pane = waiting_pane(rig)
    shown = rig.tmux(
        *("display-message", "-p", "-t", pane.pane),
        "#{window_width}x#{window_height} #{history_limit} #{remain-on-exit} #{exit-empty} "
        "#{allow-rename} #{automatic-rename} #{destroy-unattached} #{session_name} #{window_name}",
    )
    switches = {"0": "off", "1": "on"}  # some versions print switches as numbers, and not all in one way
    assert [switches.get(word, word) for word in shown.split()] == [
        *("200x50", "500", "on", "off", "off", "off", "off", "ws", pane.uid)
    ]


def test_without_a_server_nothing_is_created_unless_asked(rig: Rig) -> None:
    rig.server.open(start=False)
    rig.until(lambda: rig.downs)
    assert (rig.server.state, rig.server.gone, rig.ups) == ("down", True, [])
    assert "no tmux server is running" in rig.downs[0]
    assert list(rig.directory.iterdir()) == []


def test_opening_without_start_changes_nothing(up: Rig) -> None:
    before = up.tmux("show-options", "-g"), up.tmux("show-environment", "-g")
    other = up.open(up.connect(dict(BASE, NEW="1")), start=False)
    assert up.panes(other) == {}
    assert (up.tmux("show-options", "-g"), up.tmux("show-environment", "-g")) == before
    assert other.identity == up.server.identity


@pytest.mark.parametrize("turns", range(4))
def test_a_server_opened_without_start_can_be_started_any_time_later(rig: Rig, turns: int) -> None:
    rig.tmux("-f", "/dev/null", "new-session", "-d", "-s", "ws", "sleep 1000")
    rig.server = rig.connect(BASE | {"NEW": "1"})
    rig.server.open(start=False)
    for _ in range(turns):
        turn(rig.server, 0.01)
    rig.open()
    rig.until(lambda: "_keeper" in windows(rig))
    rig.until(lambda: environ(waiting_pane(rig).pid).get("NEW") == "1")  # its child is to be exec'ed yet
    rig.tmux("kill-window", "-t", "=ws:_keeper")
    rig.until(lambda: "_keeper" in windows(rig))


def test_a_start_asked_for_while_looking_for_a_server_starts_one(rig: Rig) -> None:
    rig.server.open(start=False)
    rig.open()
    assert rig.panes() == {}


def test_a_missing_tmux_is_said(rig: Rig) -> None:
    server = rig.connect({"PATH": str(rig.directory)})
    server.open(start=True)
    rig.until(lambda: rig.downs, server)
    assert rig.downs == ["tmux is not installed"]
    assert not server.gone  # none was met that could be lost


def test_a_server_that_cannot_start_gives_its_reason(rig: Rig) -> None:
    rig.socket.mkdir()
    rig.server.open(start=True)
    rig.until(lambda: rig.downs)
    assert str(rig.socket) in rig.downs[0]
    assert not rig.server.gone
    assert rig.server.fileno() is None


def test_agents_get_the_environment_of_the_last_start_and_no_more(rig: Rig) -> None:
    first = rig.open(rig.connect(BASE | {"A": "1", "B": "2", "LINES2": "x\nC=3\n", "DISPLAY": ":1"}))
    first.close()
    rig.server = rig.open(rig.connect(BASE | {"A": "é\n'$x;", "DISPLAY": ":2", "D": ""}))
    found = environ(waiting_pane(rig, env={"E": "5"}).pid)
    ours = {name: found.get(name) for name in ("A", "B", "C", "LINES2", "D", "DISPLAY", "E", "HOME")}
    assert ours == {
        "A": "é\n'$x;",
        "B": None,
        "C": None,
        "LINES2": None,
        "D": "",
        "DISPLAY": ":2",
        "E": "5",
        "HOME": "/",
    }


def test_a_server_can_not_ask_systemd_to_tie_panes_to_a_unit_and_agents_can(rig: Rig) -> None:
    address = "unix:path=/run/user/1/bus"
    up = rig.open(rig.connect(BASE | {"DBUS_SESSION_BUS_ADDRESS": address}))
    rig.server = up
    assert environ(up.pid or 0)["DBUS_SESSION_BUS_ADDRESS"] == "unix:path=/dev/null"
    assert environ(waiting_pane(rig).pid)["DBUS_SESSION_BUS_ADDRESS"] == address
    up.close()
    rig.server = rig.open(rig.connect(BASE))
    assert "DBUS_SESSION_BUS_ADDRESS" not in environ(waiting_pane(rig).pid)


def test_secrets_are_in_no_argument_of_any_process(up: Rig) -> None:
    pane = waiting_pane(up, env={"V": "s3cr3t-in-a-test"})
    assert environ(pane.pid)["V"] == "s3cr3t-in-a-test"
    me = str(os.getpid())
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != me:
            try:
                assert b"s3cr3t-in-a-test" not in (entry / "cmdline").read_bytes()
            except OSError:
                continue


def test_the_server_is_a_daemon_that_holds_nothing_of_ours(up: Rig) -> None:
    handle = os.open("/", os.O_RDONLY)
    os.set_inheritable(handle, True)
    try:
        rig2 = Rig(up.directory)
        rig2.socket = up.directory / "s2"
        rig2.server = rig2.connect()
        rig2.open()
        try:
            pid = rig2.server.pid or 0
            assert os.getsid(pid) == pid
            assert os.getpgid(pid) == pid
            held = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            assert not [name for name in held if name.startswith("/") and not name.startswith("/dev/")]
            assert os.readlink(f"/proc/{pid}/cwd") == "/"
        finally:
            rig2.finish()
    finally:
        os.close(handle)


def test_a_server_has_the_limit_of_open_files_that_it_was_started_with(rig: Rig) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
    try:
        rig.open()
        assert resource.prlimit(rig.server.pid or 0, resource.RLIMIT_NOFILE)[0] == min(1024, soft)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(1024, soft)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- the server ends or hangs ----------------------------------------------------------------------


def test_a_killed_server_is_noticed_at_once_and_its_requests_fail(up: Rig) -> None:
    pid = up.server.pid or 0
    answers: list[object] = []
    os.kill(pid, signal.SIGSTOP)
    for _ in range(3):
        up.server.panes(answers.append)
    up.server.create(up.spec("true"), answers.append)
    os.kill(pid, signal.SIGKILL)
    since = time.monotonic()
    up.until(lambda: up.downs)
    assert time.monotonic() - since < 1
    assert [isinstance(answer, Failed) and answer.reason for answer in answers] == ["lost"] * 4
    assert (up.server.state, up.server.gone, up.server.identity, up.server.fileno()) == (
        "down",
        True,
        None,
        None,
    )
    assert up.server.deadline() is None
    up.open()
    assert up.panes() == {}
    assert len(set(up.ups)) == 2


def test_a_server_ended_by_its_user_is_noticed(up: Rig) -> None:
    up.tmux("kill-server")
    up.until(lambda: up.downs)
    assert (up.server.state, up.server.gone) == ("down", True)


def test_requests_without_a_connection_fail_later(rig: Rig) -> None:
    answer = rig.ask(rig.server.panes)
    assert isinstance(answer, Failed)
    assert answer.reason == "lost"
    answers: list[object] = []
    rig.server.create(rig.spec("true"), answers.append)
    rig.server.close()
    assert len(answers) == 1


def test_a_stopped_server_only_makes_its_requests_time_out(up: Rig) -> None:
    pane = waiting_pane(up)
    os.kill(up.server.pid or 0, signal.SIGSTOP)
    answers: list[object] = []
    up.server.panes(answers.append)
    up.server.create(up.spec("sleep", "1000", uid="late"), answers.append)
    up.server.paste(pane.pane, pane.uid, "too late", answers.append)
    deadline = up.server.deadline()
    assert deadline is not None
    assert 4 < deadline - up.clock() <= 5
    up.skew += 6
    up.until(lambda: len(answers) == 3)
    assert [isinstance(answer, Failed) and answer.reason for answer in answers] == ["timeout"] * 3
    assert (up.server.state, up.downs) == ("up", [])
    os.kill(up.server.pid or 0, signal.SIGCONT)
    found = up.panes()
    assert {one.uid for one in found.values()} == {pane.uid, "late"}  # carried out after all
    text = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done))
    assert isinstance(text, str)
    assert "too late" not in text
    assert sorted(path.name for path in up.directory.iterdir()) == ["s"]
    assert up.tmux("list-buffers") == ""


def test_a_loop_that_was_stopped_itself_finds_its_answers(up: Rig) -> None:
    up.panes()
    answers: list[object] = []
    up.server.panes(answers.append)
    up.server.on_ready(False, True)
    up.tmux("display-message", "-p", "")  # answered after ours
    up.skew += 600
    up.server.expire(up.clock())
    assert answers == [()]


def test_a_long_queue_is_no_silence(up: Rig) -> None:
    answers: list[object] = []
    up.server.panes(answers.append)
    up.skew += 4
    up.server.panes(answers.append)
    up.until(lambda: len(answers) == 2)
    assert answers == [(), ()]


def test_a_suspended_server_is_not_called_but_is_not_gone(up: Rig) -> None:
    pid = up.server.pid or 0
    os.kill(pid, signal.SIGSTOP)
    up.until(lambda: stopped_listener(up.server.socket) == pid)
    for _ in range(3):  # clients that gave up would be met when it wakes, and a tmux can die of them
        other = up.connect()
        other.open(start=True)
        up.until(lambda: up.downs, other)
        assert (other.state, other.gone) == ("down", False)
        assert up.downs.pop() == f"the tmux server (pid {pid}) is suspended"
    os.kill(pid, signal.SIGCONT)
    assert up.open(up.connect()).identity == up.ups[0]


# --- the client ends -------------------------------------------------------------------------------


def test_a_killed_client_is_replaced_and_nothing_else_changes(up: Rig) -> None:
    pane = waiting_pane(up)
    before = up.server.identity
    old = up.client()
    answers: list[object] = []
    os.kill(up.server.pid or 0, signal.SIGSTOP)
    up.server.panes(answers.append)
    os.kill(old, signal.SIGKILL)
    os.kill(up.server.pid or 0, signal.SIGCONT)
    up.until(lambda: len(up.ups) == 2)
    assert len(answers) == 1
    assert up.panes() == {pane.pane: pane}
    assert (up.server.identity, up.downs) == (before, [])
    up.until(lambda: old not in up.clients())
    assert stat(old) is None


def test_a_client_is_replaced_again_and_again(up: Rig) -> None:
    for _ in range(12):
        old = up.client()
        os.kill(old, signal.SIGKILL)
        up.until(lambda old=old: up.server.state == "up" and up.clients() not in ([], [old]))
    assert up.panes() == {}
    assert (up.downs, len(set(up.ups))) == ([], 1)


def test_a_detached_client_comes_back(up: Rig) -> None:
    up.tmux("detach-client", "-a")
    up.tmux("detach-client", "-s", "ws")
    assert up.ask(up.server.panes) in (
        (),
        Failed(reason="lost", message="the control client ended"),
    )
    up.until(lambda: len(up.ups) == 2)
    assert up.downs == []


def test_a_server_in_the_place_of_another_is_not_the_same(up: Rig) -> None:
    pid = up.server.pid or 0
    # Until the keeper's process is exec'ed it holds the old server's socket: a client would call that one.
    up.until(lambda: [comm(child) for child in children(pid)] == ["sleep"])
    os.kill(pid, signal.SIGKILL)
    while running(pid):
        os.sched_yield()
    up.tmux("-f", "/dev/null", "new-session", "-d", "-s", "ws", "sleep 1000")
    up.until(lambda: up.downs)
    assert up.server.state == "down"


# --- the keeper ------------------------------------------------------------------------------------


def windows(rig: Rig) -> list[str]:
    return rig.tmux("list-windows", "-t", "ws", "-F", "#{window_name}").split()


def test_a_closed_keeper_window_is_made_again(up: Rig) -> None:
    pane = waiting_pane(up)
    for _ in range(2):
        up.tmux("kill-window", "-t", "=ws:_keeper")
        up.until(lambda: "_keeper" in windows(up))
    assert [(found.pane, found.pid) for found in up.panes().values()] == [(pane.pane, pane.pid)]
    assert up.downs == []


def test_a_killed_keeper_process_keeps_the_session(up: Rig) -> None:
    up.tmux("respawn-pane", "-k", "-t", "=ws:_keeper", "true")
    assert up.panes() == {}
    pane = waiting_pane(up)
    assert up.panes() == {pane.pane: pane}


@pytest.mark.parametrize("words", [("kill-window", "-t", "=ws:_keeper"), ("kill-session", "-t", "ws")])
def test_a_session_ended_by_its_user_is_made_again(up: Rig, words: tuple[str, ...]) -> None:
    before = up.server.identity
    up.tmux(*words)
    up.until(lambda: len(up.ups) == 2)
    pane = waiting_pane(up)
    assert up.panes() == {pane.pane: pane}
    assert (up.server.identity, up.downs) == (before, [])


# --- the socket file -------------------------------------------------------------------------------


def test_a_deleted_socket_file_comes_back_when_the_client_is_lost(up: Rig) -> None:
    before, client = up.server.identity, up.client()
    up.socket.unlink()
    os.kill(client, signal.SIGKILL)
    up.until(lambda: len(up.ups) == 2)
    assert (up.server.identity, up.downs) == (before, [])


@pytest.mark.parametrize("start", [True, False])
def test_no_server_is_taken_for_gone_because_its_socket_file_is(up: Rig, start: bool) -> None:
    pane, before = waiting_pane(up), up.server.identity
    up.server.close()
    up.socket.unlink()
    up.open(start=start)
    assert up.server.identity == before
    assert up.panes() == {pane.pane: pane}


def test_a_deleted_socket_file_is_made_again_when_it_is_missed(up: Rig) -> None:
    up.socket.unlink()
    up.server.keep_socket()
    up.until(up.socket.exists)
    assert up.downs == []


# --- controllers that were killed ------------------------------------------------------------------

CONTROLLER = """
import os, sys, time
from pathlib import Path
from marvel.tmux import PaneSpec, TmuxServer, call, server_environment

server = TmuxServer(Path(sys.argv[1]), "ws", environment=server_environment(os.environ))
server.open(start=True)
argv = ("sh", "-c", "seq 2000; exec sleep 1000")
spec = PaneSpec(uid="u", log_id="l", argv=argv, env={}, cwd="/")
pane = call(server, lambda done: server.create(spec, done))
for _ in range(int(sys.argv[2])):
    server.capture(pane.pane, "u", lambda answer: None, start=-500)
while server.wants_write():
    server.on_ready(False, True)
print(pane.pid, server.pid, flush=True)
time.sleep(60)
"""


def killed_controller(rig: Rig, unread: int) -> tuple[int, int]:
    """A controller that was killed with this many replies unread; the pids of its agent and server."""
    argv = [sys.executable, "-c", CONTROLLER, str(rig.socket), str(unread)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as controller:
        assert controller.stdout is not None
        agent, server = map(int, controller.stdout.readline().split())
        os.killpg(controller.pid, signal.SIGKILL)
    return agent, server


def test_a_killed_controller_takes_its_client_along_and_nothing_else(rig: Rig) -> None:
    agent, server = killed_controller(rig, unread=0)
    rig.until(lambda: rig.clients() == [])
    assert running(agent)
    assert listener(rig.socket) == server
    rig.open()
    assert (rig.server.pid, [pane.pid for pane in rig.panes().values()]) == (server, [agent])


def test_a_client_left_with_unread_replies_hangs_neither_opening_nor_shutdown(rig: Rig) -> None:
    agent, server = killed_controller(rig, unread=2000)
    rig.until(lambda: stale_clients(rig.socket))  # this is the trap; without it the test shows nothing
    (stale,) = stale_clients(rig.socket)
    rig.open()
    assert [pane.pid for pane in rig.panes().values()] == [agent]
    rig.until(lambda: not running(stale))
    assert stale_clients(rig.socket) == []
    rig.tmux("kill-pane", "-t", next(iter(rig.panes())))
    since = time.monotonic()
    assert rig.ask(rig.server.shutdown) is None
    assert time.monotonic() - since < 1
    assert not running(server)


def test_clients_of_living_controllers_are_left_alone(up: Rig) -> None:
    other = up.open(up.connect())
    up.open(third := up.connect())
    assert up.panes(other) == up.panes(third) == up.panes() == {}
    assert len(up.ups) == 3
    assert len(up.clients()) == 3


# --- ending ----------------------------------------------------------------------------------------


def test_close_leaves_the_server_and_fails_what_is_open(up: Rig) -> None:
    pane = waiting_pane(up)
    pid = up.server.pid
    answers: list[object] = []
    up.server.panes(answers.append)
    up.server.close()
    assert [isinstance(answer, Failed) and answer.reason for answer in answers] == ["lost"]
    assert (up.server.state, up.server.fileno(), up.server.deadline()) == ("down", None, None)
    assert running(pane.pid)
    assert listener(up.socket) == pid
    assert up.clients() == []
    up.server.close()
    assert up.downs == []


def test_shutdown_is_done_when_the_process_is_gone(up: Rig) -> None:
    pid = up.server.pid or 0
    assert up.ask(up.server.shutdown) is None
    assert not running(pid)
    assert (up.server.state, up.server.gone, up.downs) == ("down", True, [])
    up.open()
    assert up.server.pid != pid


@pytest.mark.parametrize("words", [("new-session", "-d"), ("split-window", "-t", "=ws:_keeper")])
def test_a_pane_that_somebody_made_anywhere_on_the_server_spares_it(up: Rig, words: tuple[str, ...]) -> None:
    up.tmux(*words, "sleep 1000")
    failed = up.ask(up.server.shutdown)
    assert isinstance(failed, Failed)
    assert failed.reason == "refused"
    assert up.server.state == "up"


def test_shutdown_does_not_wait_for_a_client_that_hangs(up: Rig) -> None:
    keeper = children(up.server.pid or 0)[0]
    other = up.open(up.connect())
    for pid in up.clients():
        os.kill(pid, signal.SIGSTOP)
    answers: list[object] = []
    up.server.shutdown(answers.append)
    up.until(lambda: not running(keeper))
    up.server.on_ready(True, False)
    assert answers == []
    up.skew += 4.1
    up.until(lambda: answers)
    assert answers == [None]
    other.close()


def test_shutdown_of_a_stopped_server_times_out_and_spares_it(up: Rig) -> None:
    pid = up.server.pid or 0
    assert up.panes() == {}  # nothing is on its way any more
    os.kill(pid, signal.SIGSTOP)
    answers: list[object] = []
    up.server.shutdown(answers.append)
    up.skew += 6
    up.until(lambda: answers)
    assert isinstance(answers[0], Failed)
    assert answers[0].reason == "timeout"
    os.kill(pid, signal.SIGCONT)
    assert up.panes() == {}


# --- one question ----------------------------------------------------------------------------------


def test_a_single_question_connects_by_itself(up: Rig) -> None:
    pane = waiting_pane(up)
    other = up.connect()
    found = call(other, other.panes)
    assert isinstance(found, tuple)
    assert [one.pid for one in found] == [pane.pid]
    other.close()
    nobody = TmuxServer(up.directory / "none", "ws", environment=BASE)
    answer = call(nobody, nobody.panes)
    assert isinstance(answer, Failed)
    assert "no tmux server is running" in answer.message
    nobody.close()


def test_texts_left_by_a_killed_controller_are_removed(rig: Rig) -> None:
    old, new, other = (rig.directory / name for name in ("s.paste-old", "s.paste-new", "other.paste-old"))
    for file in (old, new, other):
        file.touch()
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    rig.open()
    assert [file.exists() for file in (old, new, other)] == [False, True, True]


def test_a_callback_may_close_and_open_again(up: Rig) -> None:
    seen: list[object] = []

    def first(answer: object) -> None:
        seen.append(answer)
        up.server.close()
        up.server.open(start=True)

    up.server.panes(first)
    up.server.panes(seen.append)
    up.until(lambda: len(up.ups) == 2)
    assert seen == [(), Failed(reason="lost", message="the connection was closed")]
    assert up.panes() == {}
