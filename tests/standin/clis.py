"""The real agent CLIs: where they are, and what makes one run against the stand-in, without login."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

MODEL = "claude-sonnet-4-5"


class Setting(NamedTuple):
    """A user's own configuration of a CLI, in a home of its own: what its role is to have."""

    env: dict[str, str]
    args: tuple[str, ...] = ()


class Cli(NamedTuple):
    """One agent CLI, and what it tells."""

    name: str
    set_up: Callable[[Path, Path, str], Setting]  # the user's home, the project, the stand-in's URL
    at_limits: Literal["tells", "tells until when", "silent"]
    joins: bool = False  # what it queued while it worked becomes one text, with empty lines in between

    @property
    def binary(self) -> str | None:
        """`MARVEL_TEST_<NAME>`, else what is in PATH."""
        return os.environ.get(self.variable) or shutil.which(self.name)

    @property
    def variable(self) -> str:
        return f"MARVEL_TEST_{self.name.upper()}"


def claude(user: Path, project: Path, url: str) -> Setting:
    """Onboarding done; the folder is trusted by `trust_workspace`."""
    (user / ".claude.json").write_text(json.dumps({"hasCompletedOnboarding": True, "theme": "dark"}))
    return Setting(
        {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_AUTH_TOKEN": "stand-in",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        }
    )


def codex(user: Path, project: Path, url: str) -> Setting:
    """A provider of its own that needs no key."""
    home = user / "codex"
    home.mkdir()
    (home / "config.toml").write_text(f"""
model = "gpt-5-codex"
model_provider = "standin"
check_for_update_on_startup = false
[model_providers.standin]
name = "standin"
base_url = "{url}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
""")
    return Setting({"CODEX_HOME": str(home)}, ("-a", "on-request", "-s", "read-only"))


def gemini(user: Path, project: Path, url: str) -> Setting:
    """A key for the stand-in; a named model spares the call that would choose one."""
    (user / ".gemini").mkdir()
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    }
    (user / ".gemini" / "settings.json").write_text(json.dumps(settings))
    env = {"GEMINI_API_KEY": "stand-in", "GOOGLE_GEMINI_BASE_URL": url}
    return Setting(env, ("--model", "gemini-2.5-pro"))


def opencode(user: Path, project: Path, url: str) -> Setting:
    """The provider anthropic, moved to the stand-in; shell commands are asked about."""
    provider = {
        "options": {"baseURL": f"{url}/v1", "apiKey": "stand-in"},
        "models": {MODEL: {"name": "stand-in", "limit": {"context": 200_000, "output": 8_000}}},
    }
    config = {
        "autoupdate": False,
        "share": "disabled",
        "model": f"anthropic/{MODEL}",
        "small_model": f"anthropic/{MODEL}",
        "permission": {"bash": "ask"},
        "provider": {"anthropic": provider},
    }
    (user / "opencode.json").write_text(json.dumps(config))
    env = {"OPENCODE_CONFIG": str(user / "opencode.json"), "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    return Setting(env)


CODEX = Cli("codex", codex, "tells until when")
CLIS = (
    Cli("claude", claude, "tells"),  # until when only to subscribers, in its status line
    CODEX,
    Cli("gemini", gemini, "silent", joins=True),  # runs no hook while it tries again
    Cli("opencode", opencode, "tells until when"),
)
