"""Where an agent serves its stream, as the launch noted it in the session's directory."""

import contextlib
import json
from typing import NamedTuple

from marvel.settings import session_file

MAX_NOTE_BYTES = 4096
HOST = "127.0.0.1"


class Served(NamedTuple):
    """Where an agent serves, and the header that authorizes a request."""

    port: int
    authorization: str


def served_at(path: str) -> Served | None:
    """Return what the launch noted; None where nothing is served."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        with open(path, "rb", opener=session_file) as file:
            note = json.loads(file.read(MAX_NOTE_BYTES))
        port, authorization = note["port"], note["authorization"]
        if isinstance(port, int) and 0 < port < 65536 and isinstance(authorization, str):
            return Served(port, authorization)
    return None
