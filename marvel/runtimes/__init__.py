"""One file per agent CLI: how its process is made from a role. Nothing here starts anything.

An adapter is chosen by `image`, else by the command's base name, else it is `generic`. To add one, write
`runtimes/<name>.py` with an `Adapter` and name it in `ADAPTERS`.
"""

from typing import Any

from marvel.resources import HeartbeatMode, Promise, Template
from marvel.runtimes.adapter import Adapter, LaunchPlan, Place, Signal, Unlaunchable, Wish
from marvel.runtimes.aider import AIDER
from marvel.runtimes.claude import CLAUDE
from marvel.runtimes.codex import CODEX
from marvel.runtimes.forestage import FORESTAGE
from marvel.runtimes.gemini import GEMINI
from marvel.runtimes.generic import GENERIC
from marvel.runtimes.launch import launch_plan
from marvel.runtimes.opencode import OPENCODE
from marvel.runtimes.simulator import SIMULATOR

ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (GENERIC, SIMULATOR, CLAUDE, CODEX, GEMINI, OPENCODE, AIDER, FORESTAGE)
}
PARSERS = {source: adapter.parse for adapter in ADAPTERS.values() for source in adapter.sources}

__all__ = [
    "ADAPTERS",
    "Adapter",
    "LaunchPlan",
    "Place",
    "Signal",
    "Unlaunchable",
    "Wish",
    "adapter_named",
    "adapter_of",
    "launch_plan",
    "parse",
    "promise_of",
    "reports_start",
]


def adapter_of(template: Template) -> Adapter:
    """The adapter of a template."""
    return adapter_named(template.runtime.image, template.runtime.command)


def adapter_named(image: str, command: str) -> Adapter:
    """The adapter of an image, else of a command's base name, else generic."""
    return ADAPTERS.get(image or command.rpartition("/")[2], GENERIC)


def reports_start(adapter: Adapter, heartbeat: HeartbeatMode) -> bool:
    """Whether an agent reports its start by itself, so that its silence means that it is not ready."""
    return adapter.first_signal == "start" or heartbeat == "from-start"


def promise_of(template: Template) -> Promise:
    """What controllers may expect of a template's sessions."""
    adapter = adapter_of(template)
    prompted = bool(template.prompt or template.prompt_text)
    tells = adapter.first_signal == "start" or (adapter.first_signal == "turn" and prompted)
    return Promise(adapter.heartbeat, adapter.resumes, tells)


def parse(source: str, payload: Any) -> Signal | None:
    """What a payload says; None for what is unknown or about something else. Never raises."""
    reader = PARSERS.get(source)
    return reader(source, payload) if reader is not None and isinstance(payload, dict) else None
