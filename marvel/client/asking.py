"""Orders to the running daemon: being warm, it carries them out much sooner than a process that has yet to
import the log. Imports nothing but what a lane of the command line can pay for.
"""

from __future__ import annotations

import os
import time

from marvel import errors
from marvel.client import Refused, request
from marvel.client.person import user
from marvel.errors import MarvelError
from marvel.settings import check_private

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from marvel.settings import Paths

PATIENCE_SECONDS = 1.0
KINDS = (errors.Rejected, errors.NotFound, errors.UsageError, errors.DaemonUnavailable)


def new_command() -> str:
    """An idempotency key: what is recorded under it is recorded once."""
    return os.urandom(8).hex()


def ask(
    where: Paths,
    name: str,
    arguments: dict[str, Any],
    command: str,
    environ: Mapping[str, str] = os.environ,
) -> str | None:
    """Have the daemon carry out an order; what to tell a person. None when there is no daemon, or it did not
    do it and never will: whoever asked does it himself, under the same command id.

    Raises MarvelError when the daemon refuses it, as the order itself would.
    """
    if not check_private(where.home):
        return None
    until = time.monotonic() + PATIENCE_SECONDS
    params = {"order": name, "arguments": arguments, "command": command, "actor": user(), "until": until}
    for key, variable in (("uid", "MARVEL_SESSION_UID"), ("token", "MARVEL_TOKEN")):
        if environ.get(variable):
            params[key] = environ[variable]
    try:
        answer = request(where.socket, "order", params, timeout=PATIENCE_SECONDS)
    except (FileNotFoundError, ConnectionRefusedError, Refused):
        return None  # nobody has it
    except OSError:
        time.sleep(max(0.0, until - time.monotonic()))  # from then on the daemon refuses it
        return None
    if not isinstance(answer, dict):
        return None
    if "refused" in answer:
        raise _error(**answer["refused"])
    return str(answer["said"])


def _error(kind: str, message: str, hint: str) -> MarvelError:
    """A refusal of the daemon's as the error it was there."""
    return next((one for one in KINDS if one.__name__ == kind), MarvelError)(message, hint=hint)
