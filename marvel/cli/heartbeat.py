"""`marvel heartbeat`: one beat from inside a session, which finds itself through its environment.

The fast lane reads argv itself; what it does not know (another way to say what to tell, `--help`) is
Typer's, which knows the same options and comes back to `beat`.
"""

from __future__ import annotations

import os

from marvel.client import Refused, from_environment, heartbeat
from marvel.errors import DaemonUnavailable, Rejected, UsageError

FROM = "--from"
OPTIONS = {"--context": "context", "--state": "state"}
TIMEOUT_SECONDS = 1.0  # an agent waits no longer for us


def fast(argv: list[str]) -> int | None:
    """Do `marvel heartbeat ARGV`; None when something in it is not for the fast lane."""
    given: dict[str, str] = {}
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == FROM and not given:
            source = value if equals else next(rest, "")
            return report(source, *rest)
        if name not in OPTIONS:
            return None
        found = value if equals else next(rest, None)
        if found is None:
            return None
        given[OPTIONS[name]] = found
    return beat(given.get("context"), given.get("state"))


def report(source: str, *payload: str) -> int:
    """What the reporter does with an agent's own payload: always 0, and silent."""
    from marvel.reporter import main

    return main([source, *payload[:1]])


def beat(context: str | None, state: str | None) -> int:
    """Send one beat. Raises UsageError, Rejected (the daemon said no) and DaemonUnavailable."""
    told = from_environment(os.environ)
    if "socket_path" not in told or "uid" not in told:
        from marvel.daemon.inherited import environment  # a cleaned environment is rare

        told = from_environment(environment(os.environ))
    path = told.pop("socket_path", None)
    if path is None or not ("uid" in told or "session_key" in told):
        raise UsageError(
            "this is not inside a marvel session: MARVEL_SOCKET and MARVEL_SESSION_UID are not set",
            hint="marvel run CMD starts a session",
        )
    try:
        heartbeat(path, **told, context_percent=_percent(context), state=state, timeout=TIMEOUT_SECONDS)
    except Refused as refusal:
        raise Rejected(f"heartbeat refused: {refusal}") from refusal
    except OSError as error:
        why = error.strerror or str(error)
        raise DaemonUnavailable(
            f"no daemon took the heartbeat: {path}: {why}", hint="marvel daemon status"
        ) from error
    return 0


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise UsageError(f"--context must be a number from 0 to 100, is {text!r}")
    return value
