"""The limit of open files is raised for the daemon and its servers, not for what runs for others."""

import os
import resource
import subprocess
import sys

import pytest

from marvel.tmux import filelimit
from marvel.tmux.filelimit import FileLimit, raise_for

SHOW = (sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])")


@pytest.fixture
def low() -> int:
    """A soft limit below the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < hard <= 256:
        pytest.skip("the hard limit is as low")
    return 256 if soft != 256 else 255


def test_a_program_gets_the_limit_that_the_daemon_was_given(low: int) -> None:
    limit = FileLimit(low)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with limit.given():
        shown = subprocess.run(SHOW, capture_output=True, text=True, check=True).stdout
    assert int(shown) == low
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


@pytest.mark.parametrize("with_prlimit", [True, False])
def test_below_a_server_with_another_limit_an_agent_gets_that_of_the_daemon_too(
    low: int, with_prlimit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_prlimit:
        monkeypatch.setattr(filelimit, "_PRLIMIT", None)
    elif filelimit._PRLIMIT is None:
        pytest.skip("no prlimit here")
    argv = FileLimit(low).argv_under(os.getpid(), SHOW)
    assert int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout) == low
    assert FileLimit().argv_under(os.getpid(), SHOW) == SHOW


def test_a_server_has_the_given_limit_until_its_panes_need_more(low: int) -> None:
    code = "import os, sys\nfor n in range(int(sys.argv[1])): os.dup(0)\nprint(flush=True)\ninput()"
    for count, raised in ((1, False), (100, True)):
        argv = [sys.executable, "-c", code, str(count)]
        server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            raise_for(server.pid)
            FileLimit(low).fit(server.pid)
            assert (resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0] != low) is raised
        finally:
            server.communicate("\n")
