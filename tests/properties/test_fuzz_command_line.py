"""Any words after `marvel`: text and an exit status come back, never a trace; nothing outside is touched.

The state directory is a scratch one whose lock this test holds, so no daemon can run in it. A command that
would wait is interrupted as by Ctrl-C.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marvel.__main__ import run
from marvel.cli.app import made
from marvel.cli.catalog import COMMANDS
from marvel.cli.errors import INTERRUPTED, bounded
from tests.cli.recorded import small_world

PATIENCE_SECONDS = 0.25  # of a command that waits for something
STATUSES = {0, 1, 2, 3, 4, INTERRUPTED}
# A program of its own; starts a process before anything else; write where they are told, whoever's that is.
ELSEWHERE = {"simulator", "up", "backup", "restore"}
DETACHING = {"-d", "--detach"}


def options_of(command: object) -> list[str]:
    """All options of a command, and the names of what is below it."""
    found = [name for param in getattr(command, "params", ()) for name in getattr(param, "opts", ())]
    for name, below in getattr(command, "commands", {}).items():
        found += [name, *options_of(below)]
    return sorted(set(found) - DETACHING)


COMMON = (
    *("demo", "demo/squad", "reviewer-0", "other/crew", "nobody", "sessions", "teams", "session", "team"),
    *("team/demo/squad", "demo/squad-reviewer-g1-0", "workspace", "0", "1", "-1", "3", "1e9", "30s", "5%"),
    *(
        "json",
        "wide",
        "jsonl",
        "table",
        "state=running",
        "ready",
        "deleted",
        "m.toml",
        "-",
        "--",
        "/dev/null",
    ),
    *("../x", "a:b", "", "\x1b[2J", "\0", "--help", "-o", "\udcff", "9" * 5000, "é日", "nowhere.db"),
    *("*", "now", "1h"),
)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from([*(name for name in COMMANDS if name not in ELSEWHERE), "nonsense", ""]))
    own = options_of(made(name, COMMANDS[name])) if name in COMMANDS else []
    words = st.one_of(
        st.sampled_from(COMMON),
        st.sampled_from(own or COMMON),
        st.text(st.characters(codec="utf-8"), max_size=6),
    )
    return [name, *draw(st.lists(words, max_size=5))]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A recorded world in a directory whose daemon seems to run."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        home = Path(directory, "home")
        small_world(home)
        for name in [name for name in os.environ if name.startswith(("MARVEL_", "TMUX"))]:
            patch.delenv(name)
        patch.setenv("MARVEL_HOME", str(home))
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, directory)
        patch.chdir(directory)
        lock = os.open(home / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, b'{"pid": 1, "since": 0, "run_id": "x"}')
        kept = Path(directory, "kept.db")
        shutil.copyfile(home / "marvel.db", kept)
        yield home
        os.close(lock)


def impatiently(argv: list[str]) -> int:
    """Run a command line; what waits gets a Ctrl-C, and nothing but the command does."""
    runs = True

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if runs:
            raise KeyboardInterrupt

    def command() -> int:
        nonlocal runs
        try:
            return run(argv)
        finally:
            runs = False

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_SECONDS, 0.05)
    try:
        return bounded(command)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupted collector
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(argv=command_lines())
def test_any_command_line_ends_in_text_and_a_status(scratch: Path, argv: list[str]) -> None:
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        status = impatiently(argv)
    assert status in STATUSES, (argv, status, err.getvalue())
    said = err.getvalue()
    assert "internal error" not in said, (argv, said)
    assert "\x1b" not in said
    if status in (1, 2, 4) and argv[0] not in ("daemon", "diff", "verify", "rebuild", "doctor"):
        assert said.startswith(("error: ", "no daemon", "hint: ")) or "error: " in said, (argv, said)
