"""aider: has no hooks; it only runs a command when it waits for input, which is a sign of life.

Its prompt is typed: `--message` would end it after one turn, and `--load` takes commands of one line each,
whose conversation aider does not keep.
"""

import shlex

import msgspec

from marvel.runtimes.adapter import Adapter, LaunchPlan, Wish
from marvel.runtimes.values import has

QUESTIONS = ("gitignore", "show-release-notes", "check-update")  # that it asks at a start, unless told not to


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """The user's args, a heartbeat by its notification, and no questions at the start."""
    flags = [f"--no-{name}" for name in QUESTIONS if not has(plan.argv, f"--{name}", f"--no-{name}")]
    if not has(plan.argv, "--notifications-command"):
        touch = shlex.join(("touch", wish.place.beat))
        flags += ["--notifications", "--notifications-command", touch]
    template = wish.template
    return msgspec.structs.replace(
        plan, argv=(*plan.argv, *flags), typed_prompt=template.prompt or template.prompt_text
    )


AIDER = Adapter("aider", "none", prepare, signals="a sign of life whenever it waits for input")
