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
from marvel.settings import check_private, is_of

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from marvel.settings import Paths

PATIENCE_SECONDS = 1.0
SILENCE_SECONDS = 10.0  # a daemon that did not answer is not asked again for so long
KINDS = (errors.Rejected, errors.NotFound, errors.UsageError, errors.DaemonUnavailable)


_silent: dict[str, float] = {}  # by socket: until when. One command may be many orders


def new_command() -> str:
    """An idempotency key: what is recorded under it is recorded once."""
    return os.urandom(8).hex()


def whoami(where: Paths, environ: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """For whom the daemon takes this process: `uid` of a session or empty, `problem`; None when it can't say.

    It sees more than this process: one in a pid namespace of its own can't look above that.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    match _answer(where, "whoami", identity(environ, where.home), until):
        case {"uid": str(uid), "problem": str(problem)}:
            return {"uid": uid, "problem": problem}
        case _:
            return None


def identity(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """The session of a state directory that an environment names, as the daemon reads it; empty for none."""
    uid = environ.get("MARVEL_SESSION_UID", "")
    if not uid or not is_of(home, uid, environ.get("MARVEL_SOCKET", ""), environ.get("MARVEL_HOME", "")):
        return {}
    return {"uid": uid, "token": environ.get("MARVEL_TOKEN", "")}


def _answer(where: Paths, method: str, params: dict[str, Any], until: float) -> Any:
    """What the daemon answers until then; None when there is none, or it did not do it and never will."""
    now = time.monotonic()
    if _silent.get(where.socket, now) > now or not check_private(where.home):
        return None
    try:
        return request(where.socket, method, params, timeout=until - now)
    except (FileNotFoundError, ConnectionRefusedError, Refused):
        return None  # nobody has it
    except OSError:
        _silent[where.socket] = until + SILENCE_SECONDS
        time.sleep(max(0.0, until - time.monotonic()))  # from then on the daemon refuses it
        return None


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
    until = time.monotonic() + PATIENCE_SECONDS
    params = {"order": name, "arguments": arguments, "command": command, "actor": user(), "until": until}
    match _answer(where, "order", {**params, **identity(environ, where.home)}, until):
        case {"said": str(said)}:
            return said
        case {"refused": {"kind": kind, "message": str(message), "hint": str(hint)}}:
            # as the error it was there
            raise next((one for one in KINDS if one.__name__ == kind), MarvelError)(message, hint=hint)
        case _:  # another version's: whatever it did, it did under this command id
            return None
