"""aider: has no hooks; it only runs a command when it waits for input, which is a sign of life."""

import shlex

import msgspec

from marvel.runtimes.adapter import Adapter, LaunchPlan, Wish
from marvel.runtimes.values import has


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """A notification beats; the prompt is typed, since `--message` would end it after one turn."""
    flags: list[str] = []
    if not has(plan.argv, "--notifications-command"):
        touch = shlex.join(("touch", wish.place.beat))
        flags = ["--notifications", "--notifications-command", touch]
    template = wish.template
    return msgspec.structs.replace(
        plan, argv=(*plan.argv, *flags), typed_prompt=template.prompt or template.prompt_text
    )


AIDER = Adapter("aider", "none", prepare, signals="a sign of life whenever it waits for input")
