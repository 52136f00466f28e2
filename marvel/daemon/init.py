"""Is the init of a container whose command is the daemon.

Process 1 has two duties that no other has: every process whose parent has ended becomes its child and has to
be waited for, and all processes end with it. So a daemon that finds itself to be process 1 goes on in a
child, and process 1 only waits and passes signals on: nothing can take the status of a program that the
daemon runs. TERM means that the container stops, so the daemon then ends its agents, as `marvel stop` does.
"""

import contextlib
import os
import signal
from typing import NoReturn

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_process_1() -> bool:
    """As process 1, go on in a child; return whether this is that child. Process 1 does not come back."""
    if os.getpid() != 1:
        return False
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until there is somebody to pass them on to
    child = os.fork()
    if child != 0:
        _reap(child)
    os.setsid()  # Ctrl-C comes by way of process 1, once
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    return True


def _reap(child: int) -> NoReturn:
    """Wait for everybody, until the daemon has ended; then end as it did, and with it the container."""

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    ended, status = 0, 0
    while ended != child:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)
