"""What /proc and pidfds tell about agents' processes.

Every process that an agent starts inherits `MARVEL_SESSION_UID`. One look through /proc therefore finds
all that belongs to a session, also what left its process group. Where an environment was cleaned, the group
and the kernel's session of the pane's process tell, and who is whose child; what was found once stays found.
A pid is only signalled after a second look that it is still the process that was found.

A number alone proves nothing. The pid of a pane's process counts while that process carries the uid or is one
that was found earlier, by its start time; once it has ended its group and kernel session keep the number.

Every function here raises OSError when it could not look: no descriptor left, no memory, /proc not mounted.
Nothing may follow from that. Only what is not there at two looks of different kinds is gone.
"""

import contextlib
import errno
import os
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from marvel.tmux.environment import named_in_path

UID_VARIABLE, HOME_VARIABLE = "MARVEL_SESSION_UID", "MARVEL_HOME"
UID_MARK = f"\0{UID_VARIABLE}=".encode()
PATH_MARK = b"\0PATH="
FIRST_PID = 2  # that can be an agent's: 0 is everybody without a leader, and 1 is the system


ENDED = (b"Z", b"X")  # states of a process that has ended


class Process(NamedTuple):
    """One process as /proc shows it."""

    pid: int
    parent: int
    group: int
    start: int  # clock ticks since boot
    session: int = 0  # of the kernel: the pid of its leader, as every pane's process is one


def look_at(pid: int) -> Process | None:
    """Return a process; None when it is gone (a zombie is gone). Raises OSError when that can't be told."""
    return _read(pid, ENDED)


def process_of(pid: int) -> Process | None:
    """The same, also for one whose main thread has ended: its other threads may have children."""
    return _read(pid, ENDED[1:])


def _read(pid: int, gone: tuple[bytes, ...]) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return _parsed(pid, file.read(), gone)
    except (FileNotFoundError, ProcessLookupError):
        if _exists(pid):
            raise
    return None


def _parsed(pid: int, stat: bytes, gone: tuple[bytes, ...]) -> Process | None:
    """A line of /proc/PID/stat; None in a state that counts as gone."""
    fields = stat.rpartition(b")")[2].split()
    if fields[0] in gone:
        return None
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[19]), int(fields[3]))


def _exists(pid: int) -> bool:
    """Whether the kernel knows a process, whatever /proc shows of it."""
    if pid <= 0:  # no process, but to kill() a group
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pids() -> list[str]:
    """The processes that /proc shows, which must be more than none. Raises OSError."""
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    if str(os.getpid()) not in names:
        raise OSError(errno.EIO, "does not show this process: it is not mounted here", "/proc")
    return names


def belonging_to(
    sessions: Mapping[str, int | None],
    *,
    variable: str = UID_VARIABLE,
    others: Collection[int] = (),
    known: Mapping[str, Iterable[Process]] | None = None,
) -> dict[str, list[Process]]:
    """All processes of the given sessions (uid → pid of its pane's process), in one look through /proc.

    A session without processes is not in the result. `variable` is what marks its processes. `others`
    are pids that surely belong to somebody else; a thousand of them would be most of the look. `known` are
    what earlier looks found: a parent that has ended since must not hide its children. Raises OSError.
    """
    mark = f"\0{variable}=".encode()
    by_uid = {uid.encode(): uid for uid in sessions}
    leader: dict[int, str] = {
        pid: uid for uid, pid in sessions.items() if pid is not None and pid >= FIRST_PID
    }
    found: dict[int, Process] = {}
    claimed: dict[int, str] = {}
    starts = {(one.pid, one.start): uid for uid, ones in (known or {}).items() for one in ones}
    passed_over = {str(os.getpid()), *map(str, others)}
    for name in _pids():
        if name in passed_over:
            continue
        process = _look_at_listed(int(name))
        if process is None:
            continue
        found[process.pid] = process
        uid = by_uid.get(owner_of(environ_of(process.pid), mark)) or starts.get((process.pid, process.start))
        if uid is not None:
            claimed[process.pid] = uid
    _claim_groups(found, claimed, leader)
    _claim_children(found, claimed)
    result: dict[str, list[Process]] = {}
    for pid, uid in claimed.items():
        result.setdefault(uid, []).append(found[pid])
    return result


def _look_at_listed(pid: int) -> Process | None:
    """A process that /proc has just listed; None for one that ended since, or that others hide from us."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return _parsed(pid, file.read(), ENDED)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def uids_of(home: str) -> set[str]:
    """The sessions of a state directory that any process belongs to, in one look through /proc.

    Raises OSError.
    """
    found = set()
    marks = [os.fsencode(text) for text in (f"\0{HOME_VARIABLE}={home}\0", f":{home}/sessions/")]
    for name in _pids():
        if int(name) == os.getpid():
            continue
        environ = environ_of(int(name))
        if any(mark in environ for mark in marks) and look_at(int(name)):
            found.add(owner_of(environ, UID_MARK).decode(errors="replace"))
    return found - {""}


def send(processes: Iterable[Process], number: int) -> None:
    """Signal each process that is still the one that was found. Raises OSError when it can't be looked at."""
    for process in processes:
        with _held(process.pid) as handle:
            now = look_at(process.pid)
            if now is None or now.start != process.start:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if handle is None:  # no descriptor left for one: the look was a moment ago
                    os.kill(process.pid, number)
                else:
                    signal.pidfd_send_signal(handle, number)


@contextlib.contextmanager
def _held(pid: int) -> Iterator[int | None]:
    """A pidfd, so that the number can't become another's meanwhile; None where none can be had."""
    try:
        handle = open_handle(pid)
    except OSError:
        handle = None
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def open_handle(pid: int) -> int | None:
    """Return a pidfd; None when there is no such process. Raises OSError when that can't be told."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def environ_of(pid: int) -> bytes:
    """A process's environment as it was started with, a NUL before each variable; empty when it is gone, or
    another user's. Raises OSError when it can't be read for another reason.
    """
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"\0" + file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def owner_of(environ: bytes, mark: bytes) -> bytes:
    """What a variable says a process belongs to; else, of sessions, what its PATH says."""
    value = value_of(environ, mark)
    if value or mark != UID_MARK or b"/sessions/" not in environ:
        return value
    return os.fsencode(named_in_path(os.fsdecode(value_of(environ, PATH_MARK))))


def value_of(environ: bytes, mark: bytes) -> bytes:
    """The value of a variable (`\\0NAME=`); empty when there is none."""
    _, found, rest = environ.partition(mark)
    return rest.partition(b"\0")[0] if found else b""


def _claim_groups(found: dict[int, Process], claimed: dict[int, str], leader: dict[int, str]) -> None:
    """The groups and kernel sessions that main processes lead, unless the number is another's by now."""
    leads = {pid: uid for pid, uid in leader.items() if pid not in found or claimed.get(pid) == uid}
    for process in found.values():
        uid = leads.get(process.group) or leads.get(process.session)
        if uid is not None:
            claimed.setdefault(process.pid, uid)


def _claim_children(found: dict[int, Process], claimed: dict[int, str]) -> None:
    """Children of a session's processes are the session's too, however deep."""
    children: dict[int, list[int]] = {}
    for process in found.values():
        children.setdefault(process.parent, []).append(process.pid)
    waiting = list(claimed)
    while waiting:
        parent = waiting.pop()
        for child in children.get(parent, ()):
            if child not in claimed:
                claimed[child] = claimed[parent]
                waiting.append(child)
