"""The simulated agent that comes with marvel. `bin/simulator` means it too, where no such file exists."""

import msgspec

from marvel.runtimes.adapter import Adapter, LaunchPlan, Wish


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """The role's args, then what tells the simulator who it is."""
    session, place = wish.session, wish.place
    script = wish.template.runtime.script
    own = (
        "--name", session.name,
        "--workspace", session.workspace,
        "--team", session.team,
        "--role", session.role,
        "--generation", str(session.generation),
        "--socket", place.socket,
        *(("--script", script) if script else ()),
    )  # fmt: skip
    # -P: a directory named marvel in the agent's cwd must not be imported in its place.
    command, *args = plan.argv
    built_in = (place.python, "-P", "-m", "marvel.simulator", *args, *own)
    if "/" not in command:
        return msgspec.structs.replace(plan, argv=built_in)
    return msgspec.structs.replace(plan, argv=(command, *args, *own), stand_in=built_in)


SIMULATOR = Adapter(
    "simulator", "from-start", prepare, first_signal="start", signals="heartbeat, context and activity"
)
