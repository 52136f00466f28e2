"""Which session a process acts for, by what the kernel says of it and of the processes above it.

A caller's own environment proves nothing: agent CLIs start their tools with a cleaned one, and anyone can
write one. What a process can't choose is who started it. So a caller belongs to a session when it, or a
process above it, is the process of that session's pane, is in that process's group or kernel session, or
was started with the session's uid together with its token. One function judges this for orders over the
socket, for commands that act in their own process, and for heartbeats.

Not recognised: a process that left its parent, its group and its kernel session and cleaned its
environment too. Containment (see the threat model) is for those.
"""

import contextlib
import os
import select
import socket
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from marvel.daemon.inherited import MAX_ANCESTORS
from marvel.daemon.processes import FIRST_PID, PATH_MARK, Process, environ_of, process_of, value_of
from marvel.daemon.tokens import Tokens
from marvel.resources import Session
from marvel.settings import is_of
from marvel.tmux.environment import named_in_path

SO_PEERPIDFD = 77  # Linux 6.5; not in Python's socket module yet
REMEMBER_SECONDS, MAX_REMEMBERED = 1.0, 256
ENDED = "the process that asked has ended"
UNKNOWN = "this session is no longer known"


class Claim(NamedTuple):
    """The session that a caller's environment names."""

    uid: str
    token: str


class Trace(NamedTuple):
    """One process of a chain, as it was found."""

    leaders: tuple[tuple[int, int | None], ...]  # pid, start: itself, its group's and its session's leader
    claim: Claim | None  # that it was started with, for this state directory


class Lineage(NamedTuple):
    """A caller and the processes above it, nearest first."""

    traces: tuple[Trace, ...] = ()
    problem: str = ""  # why the chain is not known to its end
    bound: str = ""  # uid of the session that it is known to be


class Origin(NamedTuple):
    """For whom a caller acts: a session, no one (`problem`), or else a person."""

    session: Session | None = None
    problem: str = ""

    @property
    def is_person(self) -> bool:
        """True if no session is involved."""
        return self.session is None and not self.problem


class Caller(NamedTuple):
    """Who asks, and as which session."""

    lineage: Lineage
    claim: Claim | None = None

    @property
    def is_marked(self) -> bool:
        """Whether anything names a session of this state directory, true or not."""
        return bool(self.claim or self.lineage.bound or any(trace.claim for trace in self.lineage.traces))

    def origin(self, sessions: Mapping[str, Session], tokens: Tokens) -> Origin:
        """For whom it acts, among the sessions that are known."""
        lineage = self.lineage
        if lineage.bound:
            session = sessions.get(lineage.bound)
            return Origin(session, lineage.problem) if session else Origin(problem=UNKNOWN)
        if (found := _of_panes(lineage, sessions)) is not None:
            return Origin(found)
        claims = [claim for trace in lineage.traces if (claim := trace.claim)]
        for claim in (*claims, *filter(None, [self.claim])):
            session = sessions.get(claim.uid)
            if session is not None and tokens.fits(claim.token, claim.uid):
                return Origin(session)
        if lineage.problem:
            return Origin(problem=lineage.problem)
        claim_made = self.claim or next(iter(claims), None)
        if claim_made is None:
            return Origin()
        session = sessions.get(claim_made.uid)
        return Origin(session, "MARVEL_TOKEN is not this session's") if session else Origin(problem=UNKNOWN)


def _of_panes(lineage: Lineage, sessions: Mapping[str, Session]) -> Session | None:
    """The session whose pane's process is in the chain, or leads a group or kernel session of it."""
    by_pid: dict[int, list[Session]] = {}
    for session in sorted(sessions.values(), key=lambda one: (one.alive, one.created_at), reverse=True):
        if session.pid is not None and session.pid >= FIRST_PID:
            by_pid.setdefault(session.pid, []).append(session)
    for trace in lineage.traces:
        for pid, start in trace.leaders:
            for session in by_pid.get(pid, ()):
                # While one of its group or kernel session is alive, the number of a leader that has ended is
                # nobody else's. So what an ended session left behind is still that session's.
                if start is None or start == session.pid_start or (session.alive and not session.pid_start):
                    return session
    return None


def lineage_of(pid: int, home: str) -> Lineage:
    """A process of this machine and all above it, as /proc shows them now.

    What can't be looked at is a problem, as what has ended is: nobody is a person for that.
    """
    traces: list[Trace] = []
    try:
        return _lineage(pid, home, traces)
    except OSError as error:
        return Lineage(tuple(traces), f"the processes above it can't be looked at: {error.strerror}")


def _lineage(pid: int, home: str, traces: list[Trace]) -> Lineage:
    starts: dict[int, int | None] = {}  # of what was looked at: a chain has few leaders
    below: Process | None = None
    while pid > 0:
        process = process_of(pid)
        if process is None and below is not None:  # its parent ended meanwhile: it has another
            again = process_of(below.pid)
            if again is None or again.start != below.start or again.parent == pid:
                return Lineage(tuple(traces), ENDED)
            pid = again.parent
            continue
        if process is None or len(traces) >= MAX_ANCESTORS:
            return Lineage(tuple(traces), ENDED if process is None else "too many processes are above it")
        traces.append(_trace(process, home, starts))
        below, pid = process, process.parent
    return Lineage(tuple(traces))


def _trace(process: Process, home: str, starts: dict[int, int | None]) -> Trace:
    starts[process.pid] = process.start
    for leader in (process.group, process.session):
        if leader not in starts:
            found = process_of(leader)
            starts[leader] = found.start if found else None
    leaders = dict.fromkeys((process.pid, process.group, process.session))
    return Trace(tuple((pid, starts[pid]) for pid in leaders), _claim_in(environ_of(process.pid), home))


def _claim_in(environ: bytes, home: str) -> Claim | None:
    uid, token, socket_path, directory = (
        os.fsdecode(value_of(environ, f"\0{name}=".encode()))
        for name in ("MARVEL_SESSION_UID", "MARVEL_TOKEN", "MARVEL_SOCKET", "MARVEL_HOME")
    )
    path = os.fsdecode(value_of(environ, PATH_MARK))
    if not uid and f":{home}/sessions/{named_in_path(path)}/bin" in path:  # a pane that an agent opened
        uid, socket_path, directory = named_in_path(path), "", home
    if not uid or not is_of(home, uid, socket_path, directory):
        return None
    return Claim(uid, token)


class Lineages:
    """The lineages of those who connect. One that sends many heartbeats is looked at once in a while."""

    def __init__(self, home: str, clock: Callable[[], float]) -> None:
        self._home = home
        self._clock = clock  # monotonic
        self._found: dict[tuple[int, int], tuple[float, Lineage]] = {}  # by pid and start: when, what

    def of(self, peer: socket.socket) -> Lineage:
        """The lineage of the process that opened a connection.

        A process of a pid namespace that is not below ours has no pid here (0). No agent of ours is one.
        """
        pid, _uid, _gid = credentials(peer)
        if pid == 0:
            return Lineage()
        with contextlib.ExitStack() as stack:
            handle = _handle_of(peer)
            if handle is not None:
                stack.callback(os.close, handle)
            found = self._look(pid)
            if handle is not None and _has_ended(handle):  # the number may be another's by now
                return Lineage(problem=ENDED)
            return found

    def _look(self, pid: int) -> Lineage:
        process, now = process_of(pid), self._clock()
        if process is None:
            return Lineage(problem=ENDED)
        key = process.pid, process.start
        at, found = self._found.get(key, (-REMEMBER_SECONDS, None))
        if found is None or now >= at + REMEMBER_SECONDS:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            found = lineage_of(pid, self._home)
            self._found[key] = now, found
        return found


def credentials(peer: socket.socket) -> tuple[int, int, int]:
    """The pid, uid and gid of the process that opened a connection."""
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, gid = struct.unpack("3i", found)
    return pid, uid, gid


def _handle_of(peer: socket.socket) -> int | None:
    """A pidfd of the peer; None where the kernel has none to give (before 6.5, or it has ended)."""
    try:
        found = peer.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD, struct.calcsize("i"))
    except OSError:
        return None
    return int(struct.unpack("i", found)[0])


def _has_ended(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))


LineageOf = Callable[[], Lineage]  # of whoever is at the other end of a connection
