"""What every tmux, real or fake, has to do with panes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tmux_rig import Rig

from marvel.tmux import Failed, Pane, PaneSpec

# A process that stays and whose own argv, environment and directory can be read in /proc.
WAITING = ("sh", "-c", "read x")

NASTY = [
    "",
    " ",
    "-x",
    "--",
    ";",
    "a;",
    "a\\;",
    "\\",
    "'",
    '"',
    "$HOME",
    "${HOME}",
    "$(id)",
    "`id`",
    "~",
    "~root",
    "#",
    "#{pane_id}",
    "##",
    "#(id)",
    "{ display-message }",
    "}",
    "%if",
    "%1",
    "=x:",
    "a\nb\n",
    "\r\n",
    "\t\x01\x1b[31m\x7f",
    "é 漢 🤖",
    "".join(chr(0xDC00 + byte) for byte in range(0x80, 0x100)),  # bytes that are not UTF-8
    "*?[a]",
    "!",
    "|&<>",
    "KEY=value",
    "marvel-yes",
    "%end 1 2 3",
]


def in_proc(pid: int, name: str) -> list[str]:
    data = Path(f"/proc/{pid}/{name}").read_bytes()
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def variables(pid: int) -> dict[str, str]:
    return dict(word.split("=", 1) for word in in_proc(pid, "environ"))


def test_a_created_pane_says_who_it_is(up: Rig) -> None:
    pane = up.create(*WAITING, uid="w-r-1")
    assert (pane.uid, pane.log_id, pane.dead, pane.exit_status, pane.signal) == (
        "w-r-1",
        "log-1",
        False,
        None,
        None,
    )
    assert up.panes() == {pane.pane: pane}
    up.until(lambda: in_proc(pane.pid, "cmdline") == list(WAITING))


def test_nasty_arguments_arrive_unchanged(up: Rig) -> None:
    argv = [*WAITING, *NASTY, "x" * 100_000]
    pane = up.create(*argv)
    up.until(lambda: in_proc(pane.pid, "cmdline") == argv)


@settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)
            | st.text("\\\"'$~#;{}%\n\r\t\x1b -=", max_size=12),
            max_size=6,
        ),
        min_size=3,
        max_size=6,
    )
)
def test_any_arguments_arrive_unchanged(up: Rig, batch: list[list[str]]) -> None:
    panes = [(up.create(*WAITING, *words), words) for words in batch]
    for pane, words in panes:
        up.until(lambda pane=pane, words=words: in_proc(pane.pid, "cmdline") == [*WAITING, *words])
    for pane, _ in panes:
        assert up.ask(lambda done, pane=pane: up.server.kill_pane(pane.pane, pane.uid, done)) is None


def test_nasty_values_of_variables_arrive_unchanged(up: Rig) -> None:
    env = {f"V{number}": value for number, value in enumerate(NASTY)} | {"BIG": "x" * 100_000}
    pane = up.create(*WAITING, env=env)
    up.until(lambda: in_proc(pane.pid, "cmdline") == list(WAITING))
    found = variables(pane.pid)
    assert {name: found.get(name) for name in env} == env


def test_a_nasty_directory_is_the_working_directory(up: Rig) -> None:
    names = [
        "#{pane_id}",
        "a b;",
        "$HOME",
        "~",
        "-x",
        "é\n#",
        "'\"\\",
        "#[fg=red]",
        "##[x",
        "a#[b#[",
        "%H",
        "\udcff",
    ]
    for number, name in enumerate(names):
        place = up.directory / name
        place.mkdir()
        pane = up.create(*WAITING, cwd=str(place), uid=f"d{number}")
        up.until(lambda pane=pane: in_proc(pane.pid, "cmdline") == list(WAITING))
        assert os.readlink(f"/proc/{pane.pid}/cwd") == str(place)


def test_a_pane_whose_window_a_hook_splits_is_made_and_stamped_once(up: Rig) -> None:
    up.tmux("set-hook", "-g", "after-new-window", "split-window -b 'sleep 1000'")
    pane = up.create(*WAITING, uid="u7", env={"MINE": "u7"})
    assert up.create(*WAITING, uid="u7", env={"MINE": "u7"}) == pane
    assert [one.uid for one in up.panes().values()].count("u7") == 1
    assert len(up.panes()) == 2
    up.until(lambda: variables(pane.pid or 0).get("MINE") == "u7")  # once it is exec'ed


def test_a_pane_that_was_made_and_never_stamped_is_found_by_its_environment(up: Rig) -> None:
    up.tmux("set-hook", "-g", "after-new-window", "split-window 'sleep 1000'")
    up.tmux("new-window", "-d", "-t", "ws:", "-n", "u8", "-c", "/", "-e", "MINE=u8", *WAITING)

    def given() -> list[Pane]:
        """The panes whose process has been exec'ed with that environment."""
        found = up.panes().values()
        return [one for one in found if one.pid and variables(one.pid).get("MINE") == "u8"]

    up.until(lambda: len(up.panes()) == 2 and given())
    (made,) = given()
    assert up.create(*WAITING, uid="u8", env={"MINE": "u8"}).pid == made.pid


def test_a_pane_that_cannot_be_logged_runs_all_the_same(up: Rig) -> None:
    up.tmux("set-option", "-s", "command-alias[99]", "pipe-pane=set-option")
    spec = msgspec.structs.replace(up.spec(*WAITING), log=str(up.directory / "log"))
    pane = up.ask(lambda done: up.server.create(spec, done))
    assert isinstance(pane, Pane), pane
    assert pane.unlogged
    assert up.panes()[pane.pane].uid == spec.uid


@pytest.mark.parametrize(
    "command", ["list-panes", "load-buffer", "new-window", "display-message", "set-option"]
)
def test_what_a_hook_says_is_taken_for_no_answer(up: Rig, command: str) -> None:
    up.tmux("set-hook", "-g", f"after-{command}", "list-buffers ; list-windows -F 'marvel-server 1/1 @0'")
    pane = up.create("cat")
    assert list(up.panes()) == [pane.pane]
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, "hello", done)) is None
    up.until(lambda: "hello" in up.tmux("capture-pane", "-p", "-t", pane.pane))


def test_a_text_comes_through_a_directory_whose_name_is_a_format(tmp_path: Path) -> None:
    place = tmp_path / "x#Sy#{pane_id}#[z"
    place.mkdir()
    rig = Rig(place)
    try:
        rig.open()
        pane = rig.create("cat")
        assert rig.ask(lambda done: rig.server.paste(pane.pane, pane.uid, "hello", done)) is None
        rig.until(lambda: "hello" in rig.tmux("capture-pane", "-p", "-t", pane.pane))
    finally:
        rig.finish()


def test_tmux_keeps_no_record_of_what_it_was_told_and_passes_nothing_through(up: Rig) -> None:
    up.create(*WAITING, env={"TOKEN": "s3cr3t-of-a-test"})
    assert "s3cr3t-of-a-test" not in up.tmux("show-messages")
    assert up.tmux("show-options", "-wgqv", "allow-passthrough").strip() in (
        "off",
        "",
    )  # before 3.3 there is none


def test_one_element_is_a_program_and_not_shell_text(up: Rig) -> None:
    program = up.directory / "a=b; echo $HOME"
    program.write_text("#!/bin/sh\nexit 42\n")
    program.chmod(0o700)
    assert up.ended(up.create(str(program))).exit_status == 42
    assert up.ended(up.create("true")).exit_status == 0
    assert up.ended(up.create("exit 3")).exit_status == 127
    assert up.ended(up.create("")).exit_status == 127


def test_what_cannot_be_a_pane_is_refused(up: Rig) -> None:
    good = up.spec("true")
    bad = [
        PaneSpec(uid=good.uid, log_id="l", argv=(), env={}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="l", argv=("a\0b",), env={}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="l", argv=("a",), env={"A": "\0"}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="l", argv=("a",), env={"": "x"}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="l", argv=("a",), env={"A=B": "x"}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="l", argv=("a",), env={}, cwd="relative"),
        PaneSpec(uid="a b", log_id="l", argv=("a",), env={}, cwd="/"),
        PaneSpec(uid="#{pane_id}", log_id="l", argv=("a",), env={}, cwd="/"),
        PaneSpec(uid=good.uid, log_id="", argv=("a",), env={}, cwd="/"),
    ]
    for spec in bad:
        answer = up.ask(lambda done, spec=spec: up.server.create(spec, done))
        assert isinstance(answer, Failed), spec
        assert answer.reason == "refused"
    assert up.panes() == {}


def test_creating_twice_makes_one_pane(up: Rig) -> None:
    first = up.create(*WAITING, uid="same")
    assert up.create(*WAITING, uid="same") == first
    assert list(up.panes()) == [first.pane]


def test_exit_statuses_are_told(up: Rig) -> None:
    panes = {
        status: up.create("sh", "-c", f"exit {status}") for status in (0, 1, 2, 7, 126, 127, 128, 137, 255)
    }
    up.until(lambda: all(pane.dead for pane in up.panes().values()))
    found = up.panes()
    assert {found[pane.pane].exit_status for pane in panes.values()} == set(panes)
    assert all(found[pane.pane].exit_status == status for status, pane in panes.items())
    assert all(found[pane.pane].signal is None for pane in panes.values())


def test_signals_are_told_by_name(up: Rig) -> None:
    for name in ("KILL", "TERM", "HUP", "SEGV", "ABRT"):
        pane = up.create("sh", "-c", f"ulimit -c 0; kill -s {name} $$")
        end = up.ended(pane)
        assert (end.exit_status, end.signal) == (None, name if up.names_signals() else None)


def test_two_hundred_quick_ends_all_have_their_status(up: Rig) -> None:
    made: list[Pane | Failed] = []
    for _ in range(200):
        up.server.create(up.spec("sh", "-c", "exit 7"), made.append)
    up.until(lambda: len(made) == 200)
    up.until(lambda: all(pane.dead for pane in up.panes().values()))
    assert [pane.exit_status for pane in up.panes(dead_only=True).values()] == [7] * 200


def test_two_hundred_panes_asked_for_at_once_come_in_order(up: Rig) -> None:
    made: list[Pane | Failed] = []
    specs = [up.spec("sleep", "1000") for _ in range(200)]
    for spec in specs:
        up.server.create(spec, made.append)
    up.until(lambda: len(made) == 200)
    panes = [pane for pane in made if isinstance(pane, Pane)]
    assert [pane.uid for pane in panes] == [spec.uid for spec in specs]
    numbers = [int(pane.pane[1:]) for pane in panes]
    assert numbers == sorted(numbers)
    assert set(up.panes()) == {pane.pane for pane in panes}


def test_only_dead_panes_are_listed_on_request(up: Rig) -> None:
    up.create("sleep", "1000")
    dead = up.ended(up.create("true"))
    assert up.panes(dead_only=True) == {dead.pane: dead}


def test_a_killed_pane_is_gone(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    other = up.create("sleep", "1000")
    assert up.ask(lambda done: up.server.kill_pane(pane.pane, pane.uid, done)) is None
    assert list(up.panes()) == [other.pane]
    again = up.ask(lambda done: up.server.kill_pane(pane.pane, pane.uid, done))
    assert isinstance(again, Failed)
    assert again.reason == "gone"


def test_a_pane_with_another_stamp_is_left_alone(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    requests = [
        lambda done: up.server.kill_pane(pane.pane, "other", done),
        lambda done: up.server.capture(pane.pane, "other", done),
        lambda done: up.server.send_keys(pane.pane, "other", ["C-c"], done),
        lambda done: up.server.paste(pane.pane, "other", "x", done),
        lambda done: up.server.kill_pane("%999", pane.uid, done),
        lambda done: up.server.kill_pane(pane.pane, "", done),
        lambda done: up.server.kill_pane(f"{pane.pane} ; kill-server", pane.uid, done),
        lambda done: up.server.kill_pane(pane.pane, "#{@marvel_uid}", done),
    ]
    for request in requests:
        answer = up.ask(request)
        assert isinstance(answer, Failed)
        assert answer.reason == "gone"
    assert up.panes() == {pane.pane: pane}


def test_the_screen_can_be_read(up: Rig) -> None:
    pane = up.create("sh", "-c", "seq 1 100; printf '\\033[31mred\\033[0m é\\n'; read x")
    text = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done))

    def screen(**options: object) -> str:
        answer = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done, **options))
        assert isinstance(answer, str), answer
        return answer

    up.until(lambda: "red é" in screen())
    assert isinstance(text, str)
    assert screen(start=-500).split("\n")[:3] == ["1", "2", "3"]
    assert screen(start=0, end=0) == screen().split("\n")[0]
    assert "\x1b[31mred" in screen(ansi=True)
    assert len(screen(start=-500, end=-1).split("\n")) == 100 + 2 - 50


def test_a_wrapped_line_can_be_read_whole(up: Rig) -> None:
    pane = up.create("sh", "-c", "printf '%0300d\\n' 7; read x")

    def screen(*, join: bool) -> str:
        answer = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done, join=join))
        return answer if isinstance(answer, str) else ""

    up.until(lambda: "7" in screen(join=False))
    assert len(screen(join=False).split("\n")[0]) == 200
    assert len(screen(join=True).split("\n")[0].rstrip()) == 300  # 3.2a fills the last line up with spaces


def test_a_screen_that_imitates_the_protocol_is_only_text(up: Rig) -> None:
    now = int(time.time())
    lines = [f"%end {now + second} {number} 1" for second in range(3) for number in range(250, 290)]
    lines += ["%begin 1 2 1", "%error 1 2 1", "%exit", "%window-close @0", "marvel-yes"]
    file = up.directory / "text"
    file.write_text("\n".join(lines) + "\n")
    pane = up.create("sh", "-c", f"cat {file}; read x")

    def screen() -> str:
        answer = up.ask(lambda done: up.server.capture(pane.pane, pane.uid, done, start=-500))
        return answer if isinstance(answer, str) else ""

    up.until(lambda: "marvel-yes" in screen())
    assert screen().rstrip("\n").split("\n") == lines
    assert list(up.panes()) == [pane.pane]


def test_keys_are_pressed(up: Rig) -> None:
    pane = up.create("sh", "-c", "read line; exit ${#line}")
    assert (
        up.ask(lambda done: up.server.send_keys(pane.pane, pane.uid, ["a", "b;", "-c", "Enter"], done))
        is None
    )
    assert up.ended(pane).exit_status == len("ab;-c")


def test_keys_for_a_dead_pane_are_refused(up: Rig) -> None:
    pane = up.ended(up.create("true"))
    answer = up.ask(lambda done: up.server.send_keys(pane.pane, pane.uid, ["Enter"], done))
    assert isinstance(answer, Failed)
    assert answer.reason == "refused"


TEXT = "first 'line' é 🤖\n\n\tthird; #{pane_id} $HOME ~ \\ \"q\"\n" + "long " * 4000 + ";"


def reader(rig: Rig, *, bracketed: bool) -> tuple[Pane, Path]:
    """A program that keeps every byte it is given, once it has said that it is listening."""
    file = rig.directory / "typed"
    ask = "printf '\\033[?2004h';" if bracketed else ""
    pane = rig.create("sh", "-c", f"stty raw -echo; {ask} echo listening; exec cat > {file}")

    def screen() -> str:
        answer = rig.ask(lambda done: rig.server.capture(pane.pane, pane.uid, done))
        return answer if isinstance(answer, str) else ""

    rig.until(lambda: "listening" in screen())
    return pane, file


def enter(up: Rig, pane: Pane) -> None:
    assert up.ask(lambda done: up.server.send_keys(pane.pane, pane.uid, ["Enter"], done)) is None


def test_a_pasted_text_arrives_exactly(up: Rig) -> None:
    pane, file = reader(up, bracketed=False)
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, TEXT, done)) is None
    enter(up, pane)
    up.until(lambda: file.read_bytes().endswith(b"\r"))
    assert file.read_bytes() == TEXT.encode() + b"\r"
    assert sorted(path.name for path in up.directory.iterdir()) == ["s", "typed"]


def test_a_paste_is_bracketed_and_cannot_break_out(up: Rig) -> None:
    pane, file = reader(up, bracketed=True)
    text = "a\x1b[201~b\x9b201~c"
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, text, done)) is None
    enter(up, pane)
    up.until(lambda: file.read_bytes().endswith(b"\r"))
    assert file.read_bytes() == b"\x1b[200~a[201~b201~c\x1b[201~\r"


def test_a_paste_leaves_copy_mode_first(up: Rig) -> None:
    pane, file = reader(up, bracketed=True)
    up.tmux("copy-mode", "-t", pane.pane)
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, "a\nb", done)) is None
    enter(up, pane)
    up.until(lambda: file.read_bytes().endswith(b"\r"))
    assert file.read_bytes() == b"\x1b[200~a\nb\x1b[201~\r"


def test_an_empty_paste_types_nothing(up: Rig) -> None:
    pane, file = reader(up, bracketed=False)
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, "", done)) is None
    assert up.ask(lambda done: up.server.paste(pane.pane, pane.uid, "\x1b", done)) is None
    enter(up, pane)
    up.until(file.read_bytes)
    assert file.read_bytes() == b"\r"


def test_a_paste_into_a_dead_pane_is_refused_and_harmless(up: Rig) -> None:
    pane = up.ended(up.create("true"))
    before = up.server.identity
    for _ in range(3):
        answer = up.ask(lambda done: up.server.paste(pane.pane, pane.uid, TEXT, done))
        assert isinstance(answer, Failed)
        assert answer.reason == "refused"
    assert up.panes() == {pane.pane: pane}
    assert up.server.identity == before
    assert up.tmux("list-buffers") == ""


def test_a_paste_without_end_is_refused(up: Rig) -> None:
    pane = up.create(*WAITING)
    answer = up.ask(lambda done: up.server.paste(pane.pane, pane.uid, "x" * 2_000_000, done))
    assert isinstance(answer, Failed)
    assert answer.reason == "refused"


def test_panes_of_others_are_listed_and_never_killed(up: Rig) -> None:
    ours = up.create("sleep", "1000")
    theirs = up.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", "sleep 1000").strip()
    split = up.tmux("split-window", "-d", "-t", ours.pane, "-P", "-F", "#{pane_id}", "sleep 1000").strip()
    found = up.panes()
    assert {pane: found[pane].uid for pane in found} == {ours.pane: ours.uid, theirs: "", split: ""}
    for pane in (theirs, split):
        answer = up.ask(lambda done, pane=pane: up.server.kill_pane(pane, ours.uid, done))
        assert isinstance(answer, Failed)
        assert answer.reason == "gone"
    assert up.create("sleep", "1000", uid=ours.uid).pane == ours.pane
    assert up.ask(lambda done: up.server.kill_pane(ours.pane, ours.uid, done)) is None
    assert sorted(up.panes()) == sorted([theirs, split])


def test_a_stamp_that_is_garbage_is_not_ours(up: Rig) -> None:
    pane = up.tmux("new-window", "-d", "-P", "-F", "#{pane_id}", "sleep 1000").strip()
    for stamp in ("a b", "x|y|z", "a\nb", "%end 1 2 3", ""):
        up.tmux("set-option", "-p", "-t", pane, "@marvel_uid", stamp)
        assert up.panes()[pane].uid == ""


def test_moved_and_renamed_panes_are_still_found(up: Rig) -> None:
    pane = up.create("sleep", "1000")
    up.tmux("rename-window", "-t", pane.pane, "mine")
    up.tmux("new-session", "-d", "-s", "elsewhere", "sleep 1000")
    up.tmux("move-window", "-s", pane.pane, "-t", "elsewhere:")
    up.tmux("link-window", "-s", pane.pane, "-t", "ws:")
    assert up.panes()[pane.pane] == pane
    assert up.ask(lambda done: up.server.kill_pane(pane.pane, pane.uid, done)) is None
    assert pane.pane not in up.panes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_killed_from_outside_is_a_dead_pane(up: Rig, number: signal.Signals) -> None:
    pane = up.create("sleep", "1000")
    up.until(lambda: in_proc(pane.pid, "cmdline") == ["sleep", "1000"])
    os.kill(pane.pid, number)
    dead = up.ended(pane)
    assert dead.exit_status is None
    assert dead.signal == (number.name.removeprefix("SIG") if up.names_signals() else None)
