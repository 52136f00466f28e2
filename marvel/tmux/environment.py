"""Which part of the daemon's environment a tmux server, and so each agent, gets."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PREFIXES = ("TMUX", "MARVEL_")

# What an agent CLI sets for its children. Inherited, it makes an agent believe that it runs inside
# another one's session. API keys and provider settings are not among them: they must get through.
NESTED_SESSION_MARKERS = frozenset(
    {
        "CLAUDECODE",
        "CLAUDE_CODE_ENTRYPOINT",
        "CLAUDE_CODE_SSE_PORT",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_CHILD_SESSION",
        "CLAUDE_CODE_EXECPATH",
        "CODEX_SANDBOX",
        "CODEX_SANDBOX_NETWORK_DISABLED",
        "GEMINI_CLI",
    }
)


# A pane that an agent opens on marvel's tmux server is a child of that server. Of the environment of whoever
# asked for it, tmux gives it PATH and nothing else, so an agent's PATH ends with a directory that names it.
_NAMES = re.compile(r".*/sessions/([A-Za-z0-9_-]{1,128})/bin", re.DOTALL)


def marked_path(path: str, directory: str) -> str:
    """PATH for an agent whose session has this directory."""
    return path if ":" in directory else f"{path}:{directory}/bin"


def named_in_path(path: str) -> str:
    """The session that a PATH names; empty when it names none."""
    return next((found[1] for entry in reversed(path.split(":")) if (found := _NAMES.fullmatch(entry))), "")


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without tmux's own variables, marvel's, and the marks of an enclosing agent session.

    A daemon that an agent started makes servers that are everybody's, so the agent's PATH loses its mark.
    """
    clean = {
        name: value
        for name, value in environ.items()
        if not name.startswith(_PREFIXES) and name not in NESTED_SESSION_MARKERS
    }
    if "PATH" in clean:
        entries = clean["PATH"].split(":")
        clean["PATH"] = ":".join(entry for entry in entries if not _NAMES.fullmatch(entry))
    return clean
