"""Python's time of day, moved by as many seconds as the file $FAULT_CLOCK says: a clock that was set.

The machine's own clock belongs to everybody on it; this one only to the processes of one try.
"""

import os
import time

_true_time = time.time


def _moved_time() -> float:
    try:
        with open(os.environ["FAULT_CLOCK"], encoding="ascii") as file:
            return _true_time() + float(file.read())
    except (OSError, KeyError, ValueError):
        return _true_time()


time.time = _moved_time
