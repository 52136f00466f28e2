"""What an error of the operating system says about what was looked at: that it is gone, or nothing.

Unknown is not gone: only ENOENT and ESRCH mean that something is not there. Everything else (no permission
for a moment, a disk or a file system that does not answer, no descriptor left to look with) changes nothing
and is tried again. Some of these errors also name what the machine is short of.
"""

import errno
import os

GONE = frozenset({errno.ENOENT, errno.ESRCH})

# It may be there or not: nothing may follow from these.
UNKNOWN = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.ESTALE,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
        errno.EINTR,
        errno.ETIMEDOUT,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EREMOTEIO,
    }
)

SHORT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE})

_SHORT_OF = {
    errno.EMFILE: "open files (the limit of one process)",
    errno.ENFILE: "open files (the limit of the system)",
    errno.ENOMEM: "memory",
    errno.EAGAIN: "processes",
    errno.ENOSPC: "disk space",
    errno.EDQUOT: "disk space (the quota)",
}
_IN_A_FORK = {errno.ENOSPC: "pseudo-terminals", errno.ENOENT: "pseudo-terminals"}  # no file is written there


def is_gone(error: OSError) -> bool:
    """True if an error says that what was looked at is not there."""
    return error.errno in GONE


def is_unknown(error: OSError) -> bool:
    """True if an error says nothing about what was looked at."""
    return error.errno in UNKNOWN


def shortage(error: OSError) -> str:
    """Return what the machine is short of, as an error says; empty when it says something else."""
    short_of = _SHORT_OF.get(error.errno or 0)
    return f"the machine is short of {short_of}" if short_of else ""


def shortage_in(message: str) -> str:
    """Return the same for the message of a program that could not start another one, such as tmux."""
    names = {**_SHORT_OF, **_IN_A_FORK} if "fork failed" in message else _SHORT_OF
    for number, short_of in names.items():
        if message.endswith(os.strerror(number)):
            return f"the machine is short of {short_of}"
    return ""
