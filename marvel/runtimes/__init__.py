"""One file per agent CLI: how its process is made from a role. Nothing here starts anything.

An adapter is chosen by `image`, else by the command's base name, else it is `generic`. To add one, write
`runtimes/<name>.py` with an `Adapter` and name it in `ADAPTERS`.
"""

from marvel.resources import Template
from marvel.runtimes.adapter import Adapter, LaunchPlan, Place, Wish
from marvel.runtimes.generic import GENERIC
from marvel.runtimes.launch import launch_plan
from marvel.runtimes.simulator import SIMULATOR

ADAPTERS: dict[str, Adapter] = {"generic": GENERIC, "simulator": SIMULATOR}

__all__ = ["ADAPTERS", "Adapter", "LaunchPlan", "Place", "Wish", "adapter_of", "launch_plan"]


def adapter_of(template: Template) -> Adapter:
    """The adapter of a template."""
    runtime = template.runtime
    name = runtime.image or runtime.command.rpartition("/")[2]
    return ADAPTERS.get(name, GENERIC)
