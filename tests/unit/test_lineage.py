"""Whose a caller is: judged from what was found of its process, and of those above it."""

import os
import socket
from pathlib import Path

import pytest

from marvel.daemon import lineage
from marvel.daemon.lineage import ENDED, UNKNOWN, Caller, Claim, Lineage, Lineages, Origin, Trace, lineage_of
from marvel.daemon.tokens import Tokens
from marvel.settings import Paths, is_of
from tests.given import Story, role, with_fields

HOME = "/h"


@pytest.fixture
def tokens(paths: Paths) -> Tokens:
    return Tokens(paths.token_key)


def test_a_process_above_or_a_leader_is_proof_and_a_name_alone_is_none(tokens: Tokens) -> None:
    story = Story(role(replicas=2)).run()
    mine, other = story.slot(0), story.slot(1)
    sessions = {one.uid: one for one in (with_fields(mine, pid=500, pid_start=7), other)}
    mine = sessions[mine.uid]
    stolen = Claim(other.uid, tokens.of(other.uid))
    shell = Trace(((10, 1), (900, 2)), None)

    def origin(*traces: Trace, claim: Claim | None = None, problem: str = "") -> Origin:
        return Caller(Lineage(traces, problem), claim).origin(sessions, tokens)

    above = Trace(((500, 7),), None)
    assert origin(shell).is_person
    assert origin(shell, above) == Origin(mine)
    assert origin(Trace(((10, 1),), stolen), above, claim=stolen) == Origin(mine)
    assert origin(Trace(((10, 1), (500, None)), None)) == Origin(mine)  # its leader has ended
    assert origin(Trace(((500, 8),), None)).is_person  # the number is another's by now
    assert origin(shell, problem=ENDED) == Origin(problem=ENDED)
    assert origin(above, problem=ENDED) == Origin(mine)
    assert origin(Trace(((10, 1),), stolen)) == Origin(other)
    assert origin(shell, claim=stolen) == Origin(other)
    unproven = origin(shell, claim=Claim(other.uid, "forged"))
    assert (unproven.session, bool(unproven.problem)) == (other, True)
    assert origin(shell, claim=Claim("nobody", "")) == Origin(problem=UNKNOWN)
    assert Caller(Lineage(bound=mine.uid)).origin(sessions, tokens) == Origin(mine)
    assert Caller(Lineage(bound="nobody")).origin(sessions, tokens) == Origin(problem=UNKNOWN)


def test_what_an_ended_session_left_behind_is_still_that_sessions(tokens: Tokens) -> None:
    story = Story(role()).run()
    pid, uid = story.slot(0).pid, story.slot(0).uid
    story.crash(0)
    assert pid is not None
    caller = Caller(Lineage((Trace(((10, 1), (pid, None)), None),)))
    found = caller.origin(story.world.sessions, tokens).session
    assert found is not None
    assert found.uid == uid
    assert not found.alive


def test_the_chain_reaches_the_first_process_and_names_what_each_was_started_with() -> None:
    found = lineage_of(os.getpid(), HOME)
    assert not found.problem
    assert found.traces[0].leaders[0][0] == os.getpid()
    assert found.traces[1].leaders[0][0] == os.getppid()
    assert lineage_of(2**22 + 1, HOME).problem == ENDED


def test_a_chain_that_is_too_long_is_no_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MAX_ANCESTORS", 1)
    assert "too many" in lineage_of(os.getpid(), HOME).problem


@pytest.mark.parametrize(
    ("socket_path", "directory", "belongs"),
    [
        ("/h/marvel.sock", "/h", True),
        ("/h/marvel.sock", "/elsewhere", True),  # the socket decides
        ("/h/sessions/u/marvel.sock", "/h", True),
        ("/h/sessions/x/marvel.sock", "/h", False),
        ("/elsewhere/marvel.sock", "/h", False),
        ("", "/h", True),
        ("", "/elsewhere", False),
        ("", "", True),
    ],
)
def test_an_environment_is_of_a_state_directory_by_its_socket(
    socket_path: str, directory: str, belongs: bool
) -> None:
    assert is_of(HOME, "u", socket_path, directory) is belongs


def test_a_peer_is_looked_at_through_its_connection(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        client.connect(str(tmp_path / "s"))
        with listening.accept()[0] as peer:
            lineages = Lineages(HOME, lambda: 0.0)
            assert lineages.of(peer).traces[0].leaders[0][0] == os.getpid()
            assert lineages.of(peer) is lineages.of(peer)  # looked at once in a second


def test_a_peer_that_has_ended_is_nobody(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        if (child := os.fork()) == 0:
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(tmp_path / "s"))
            os._exit(0)
        with listening.accept()[0] as peer:
            os.waitpid(child, 0)
            assert Lineages(HOME, lambda: 0.0).of(peer).problem == ENDED
