"""What a process that was started with a cleaned environment finds of its session's above it. Light."""

import contextlib
import os
from collections.abc import Mapping

from marvel.daemon.processes import environ_of, process_of

MAX_ANCESTORS = 4096  # of one process; a chain that is longer is not a person's


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """An environment with what a cleaned one lacks of its session's, from the nearest process that has it.

    Codex starts MCP servers without any of it, gemini without the token.
    """
    pid, uid = os.getppid(), own.get("MARVEL_SESSION_UID", "")
    with contextlib.suppress(OSError):  # what can't be looked at gives nothing
        for _ in range(MAX_ANCESTORS):
            found = _marvel_variables(environ_of(pid))
            if "MARVEL_TOKEN" in found and uid in ("", found.get("MARVEL_SESSION_UID")):
                return {**found, **own}
            process = process_of(pid)
            if process is None or process.parent == 0:
                break
            pid = process.parent
    return dict(own)


def _marvel_variables(environ: bytes) -> dict[str, str]:
    pairs = (os.fsdecode(entry).partition("=") for entry in environ.split(b"\0"))
    return {name: value for name, equals, value in pairs if equals and name.startswith("MARVEL_")}
