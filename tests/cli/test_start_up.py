"""What a start costs, who may read, and how everything that goes wrong ends."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cli_terminal import Terminal

import marvel as package
from marvel.cli import get as get_module
from marvel.cli.errors import bounded
from marvel.errors import MarvelError
from marvel.settings import Paths
from marvel.store.query import Reader, daemon_note
from marvel.store.revisions import HEAD

# What `marvel get` may import, with what these import. Think before you add: each is 0.2 to 60 ms.
BUDGET = "sqlite3, time, gc, fcntl, _json, __future__"
NAMES = "print('\\n'.join(sys.modules))"
GET = f"import sys; from marvel.__main__ import run; run(sys.argv[1:]); {NAMES}"


def process(*argv: str, home: Path, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """A marvel of its own; `-c CODE` as first argument runs that instead."""
    start = argv if argv[0] == "-c" else ("-m", "marvel", *argv)
    return subprocess.run(
        [sys.executable, *start],
        env={**os.environ, "MARVEL_HOME": str(home)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("get sessions >&-", 0),
        ("get sessions nosuch 2>&-", 4),
        ("doctor >&- || true", 0),  # what it finds is the machine's
        ("replay --speed 1000 >&-", 1),
        ("events >&- 2>&-", 0),
        ("work - <&-", 1),
        ("mcp <&-", 0),
    ],
)
def test_closed_streams_are_nobody_s_fault(marvel: Terminal, line: str, status: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m marvel {line}', sys.executable],
        env={**os.environ, "MARVEL_HOME": str(marvel.home / "new")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "internal error" not in done.stderr
    assert done.returncode == status


@pytest.mark.parametrize(
    "line", ["get sessions", "get sessions -o wide --state running", "get teams", "get e"]
)
def test_the_fast_lane_imports_nothing_beyond_its_budget(marvel: Terminal, line: str) -> None:
    allowed = set(process("-c", f"import sys, {BUDGET}; {NAMES}", home=marvel.home).stdout.splitlines())
    done = process("-c", GET, *line.split(), home=marvel.home)
    loaded = set(done.stdout[done.stdout.index("sys\n") :].splitlines())
    assert "marvel.store.query" in loaded
    assert {name for name in loaded - allowed if name.partition(".")[0] != "marvel"} == set()


def test_the_simulator_starts_without_typer_or_the_log(marvel: Terminal) -> None:
    code = f"import sys\nfrom marvel.__main__ import run\ntry: run(['simulator', '--help'])\nfinally: {NAMES}"
    loaded = process("-c", code, home=marvel.home).stdout.splitlines()
    assert "marvel.simulator.agent" in loaded
    assert not {"typer", "sqlite3", "sqlalchemy", "msgspec", "structlog"} & set(loaded)


def test_help_of_the_whole_imports_no_command(marvel: Terminal) -> None:
    loaded = process("-c", GET, "--help", home=marvel.home).stdout.splitlines()
    assert not {"rich", "sqlalchemy", "msgspec", "structlog", "marvel.cli.reading"} & set(loaded)


@pytest.mark.parametrize("line", ["describe demo/squad", "why demo/squad", "events", "export demo"])
def test_who_only_reads_pays_nothing_for_writing(marvel: Terminal, line: str) -> None:
    code = f"import sys; from marvel.__main__ import run\ntry: run(sys.argv[1:])\nfinally: {NAMES}"
    loaded = process("-c", code, *line.split(), home=marvel.home).stdout.splitlines()
    assert "marvel.store.query" in loaded
    assert not {"sqlalchemy", "alembic", "structlog", "marvel.store.log"} & set(loaded)


@pytest.mark.parametrize("line", ["--help", "-h", "", "get --help", "describe --help", "events --help"])
def test_help_is_no_failure(marvel: Terminal, line: str) -> None:
    assert marvel(line).startswith("Usage: marvel")


@pytest.mark.parametrize("line", ["version", "--version"])
def test_the_version_is_told(marvel: Terminal, line: str) -> None:
    assert marvel(line) == f"marvel {package.__version__}\n"


def test_the_console_module_works_and_says_what_it_has_to_on_stderr(marvel: Terminal) -> None:
    done = process("get", "sessions", "--no-headers", home=marvel.home)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 6)
    missing = process("get", "sessions", "demo/nobody", home=marvel.home)
    assert (missing.returncode, missing.stdout) == (4, "")
    assert missing.stderr.splitlines()[-2:] == [
        "error: no such session or team: demo/nobody",
        "hint: marvel get sessions lists what there is",
    ]


@pytest.mark.parametrize("line", ["get sessions", "events", "--help"])
def test_a_reader_who_leaves_early_is_no_drama(marvel: Terminal, line: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = process(*line.split(), home=marvel.home, stdout=writer)
    os.close(writer)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr.splitlines() == [line for line in done.stderr.splitlines() if "no daemon" in line]


@pytest.mark.parametrize("line", ["get sessions", "events", "--help", "version"])
def test_a_full_disk_under_the_output_is_told(marvel: Terminal, line: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = process(*line.split(), home=marvel.home, stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "hint: is the disk full?"


def test_a_terminal_that_knows_few_letters_gets_question_marks(marvel: Terminal) -> None:
    code = "import sys; sys.stdout.reconfigure(encoding='latin-1'); from marvel.__main__ import main; main()"
    done = process("-c", code, "events", home=marvel.home)
    assert (done.returncode, "review ? squad/reviewer" in done.stdout) == (0, True)


def test_an_interrupt_ends_like_any_other_program(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert bounded(interrupted) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_one_line_and_a_traceback_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> int:
        numbers: dict[str, int] = {}
        return numbers["nothing"]

    assert bounded(broken) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "error: internal error: KeyError: 'nothing'"
    assert said[1].startswith("hint: ")
    monkeypatch.setenv("MARVEL_DEBUG", "1")
    assert bounded(broken) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_message_of_several_lines_stays_one_and_can_not_move_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused() -> int:
        raise MarvelError("two problems\n  one \x1b[2J\n  two", hint="mend them")

    assert bounded(refused) == 1
    assert capsys.readouterr().err == "error: two problems\n  one ?[2J\n  two\nhint: mend them\n"


def test_a_state_directory_that_is_open_to_others_is_refused(marvel: Terminal) -> None:
    marvel.home.chmod(0o755)
    assert "is open to others (mode 0755)" in marvel.error("get sessions", 1)


@pytest.mark.parametrize("name", ["plain", "a b", "odd?#%&=é", "percent%41"])
def test_a_log_in_an_oddly_named_directory_is_read(marvel: Terminal, tmp_path: Path, name: str) -> None:
    home = marvel.home.rename(tmp_path / name)
    with Reader(Paths(str(home))) as reader:
        assert len(reader.rows("teams")) == 2


def test_a_reader_can_not_write(marvel: Terminal) -> None:
    with Reader(Paths(str(marvel.home))) as reader, pytest.raises(MarvelError, match="is read-only"):
        reader._all("DELETE FROM teams")


def test_a_log_of_a_newer_marvel_is_refused_by_readers_too(marvel: Terminal) -> None:
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("UPDATE alembic_version SET version_num = '9999'")
    log.close()
    assert f"has schema 9999, newer than this marvel's {HEAD}" in marvel.error("get sessions", 1)


def test_a_database_without_tables_yet_is_an_empty_world(empty: Terminal) -> None:
    empty.home.mkdir(mode=0o700)
    sqlite3.connect(empty.home / "marvel.db").close()
    (empty.home / "marvel.db").touch()
    assert empty("get sessions -o json") == "[]\n"


def test_a_row_that_is_no_json_is_told(marvel: Terminal) -> None:
    with sqlite3.connect(marvel.home / "marvel.db") as log:
        log.execute("UPDATE sessions SET data = '{\"name\": '")
    log.close()
    assert "can't be read" in marvel.error("get sessions", 1)


def test_a_daemon_is_known_by_its_lock_and_not_by_what_it_left_behind(marvel: Terminal) -> None:
    paths = Paths(str(marvel.home))
    assert daemon_note(paths) is None
    Path(paths.lock).write_text(json.dumps({"pid": 12, "since": 1.0, "run_id": "r"}))
    assert daemon_note(paths) is None
    with open(paths.lock, "r+", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert daemon_note(paths) == {"pid": 12, "since": 1.0, "run_id": "r"}
        assert marvel.full("get sessions")[1] == ""
        Path(paths.lock).write_text("garbage")
        assert daemon_note(paths) == {}


def test_lines_for_people_are_coloured_only_where_colours_are_wanted(
    marvel: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in marvel("get sessions")
    monkeypatch.setattr(get_module, "is_coloured", lambda: True)
    assert "\x1b[32mrunning\x1b[0m" in marvel("get sessions")


def test_no_color_is_obeyed_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from marvel.cli.table import is_coloured

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert is_coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not is_coloured()


def test_a_heartbeat_starts_without_typer_or_the_log(marvel: Terminal) -> None:
    inside = "import os, sys\nos.environ.update(MARVEL_SOCKET='/nowhere', MARVEL_SESSION_UID='u')"
    start = f"{inside}\nfrom marvel.__main__ import run\ntry: run(['heartbeat'])\nexcept Exception: pass"
    loaded = process("-c", f"{start}\n{NAMES}", home=marvel.home).stdout.splitlines()
    assert "marvel.client" in loaded
    assert not {"typer", "sqlite3", "sqlalchemy", "msgspec", "structlog"} & set(loaded)


@pytest.mark.parametrize(
    "line",
    ["scale demo/x --role r --replicas 3", "shift demo/x", "run sleep 1", "kill demo/x", "restart demo/x"],
)
def test_an_order_that_a_daemon_carries_out_imports_neither_typer_nor_the_log(
    marvel: Terminal, line: str
) -> None:
    code = (
        "import sys, marvel.client\n"
        "marvel.client.request = lambda *_, **__: {'said': ''}\n"
        f"from marvel.__main__ import run\nrun(sys.argv[1:])\n{NAMES}"
    )
    loaded = process("-c", code, *line.split(), home=marvel.home).stdout.splitlines()
    assert "marvel.cli.order" in loaded
    heavy = {"typer", "click", "sqlite3", "sqlalchemy", "msgspec", "structlog", "typing", "subprocess"}
    assert not heavy & set(loaded)
