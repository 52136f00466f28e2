"""Limits of this machine, and of some processes, that are nearly used up."""

import contextlib
import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path

NEARLY = 0.9  # of a limit
LITTLE_DISK_BYTES = 16 * 1024 * 1024
LITTLE_MEMORY_BYTES = 64 * 1024 * 1024
KERNEL = Path("/proc/sys/kernel")


def nearly_used_up(processes: Mapping[str, int], home: str) -> list[str]:
    """Return each of them: open files of some processes (name → pid), ptys, processes, disk and memory.

    What can't be looked at is left out.
    """
    found: list[str] = []
    for name, pid in processes.items():
        with contextlib.suppress(OSError, ValueError):
            found += _open_files(name, pid)
    for look in (_terminals, _processes, _memory, lambda: _disk(home)):
        with contextlib.suppress(OSError, ValueError):
            found += look()
    return found


def _open_files(name: str, pid: int) -> Iterator[str]:
    soft, _hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    count = len(os.listdir(f"/proc/{pid}/fd"))
    if soft != resource.RLIM_INFINITY and count >= NEARLY * soft:
        yield f"{count} of {soft} open files of {name} (pid {pid})"


def _terminals() -> Iterator[str]:
    count, limit = _number(KERNEL / "pty/nr"), _number(KERNEL / "pty/max")
    if count >= NEARLY * limit:
        yield f"{count} of {limit} pseudo-terminals"


def _processes() -> Iterator[str]:
    """Of the system, and of the control group that this process is in."""
    tasks = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    limit = min(_number(KERNEL / "pid_max"), _number(KERNEL / "threads-max"))
    if tasks >= NEARLY * limit:
        yield f"{tasks} of {limit} processes and threads of this machine"
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, _, path = line.split(":", 2)
        group = Path("/sys/fs/cgroup") / path.lstrip("/")
        most = (group / "pids.max").read_text().strip() if number == "0" else "max"
        if most != "max" and (count := _number(group / "pids.current")) >= NEARLY * int(most):
            yield f"{count} of {most} processes and threads of the control group {path}"


def _memory() -> Iterator[str]:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, size = line.partition(":")
        if name == "MemAvailable" and (free := int(size.split()[0]) * 1024) < LITTLE_MEMORY_BYTES:
            yield f"memory, {free // 1024} KiB are left"


def _disk(home: str) -> Iterator[str]:
    found = os.statvfs(home)
    free = found.f_bavail * found.f_frsize
    if free < LITTLE_DISK_BYTES:
        yield f"the disk of {home}, {free // 1024} KiB are left"
    elif found.f_files and not found.f_favail:
        yield f"the disk of {home}, no inodes are left"


def _number(file: Path) -> int:
    return int(file.read_text())
