"""Which part of the daemon's environment a tmux server, and so each agent, gets."""

from __future__ import annotations

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


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without tmux's own variables, marvel's, and the marks of an enclosing agent session."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(_PREFIXES) and name not in NESTED_SESSION_MARKERS
    }
