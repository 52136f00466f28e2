"""Any CLI: its argv as it is, our environment, and the prompt typed once it runs."""

import msgspec

from marvel.runtimes.adapter import Adapter, LaunchPlan, Wish


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """The role's own argv; the prompt is typed."""
    template = wish.template
    return msgspec.structs.replace(plan, typed_prompt=template.prompt or template.prompt_text)


GENERIC = Adapter("generic", "once-seen", prepare, signals="what it sends by itself")
