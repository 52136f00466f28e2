"""What a user may ask, as pure functions `(world, wish, now) → drafts`, or `Rejected` / `NotFound`.

Each is run by `store.record` inside the write transaction. What changes nothing returns no drafts.
"""

from marvel.commands.acts import (
    delete_endpoint,
    delete_session,
    delete_team,
    delete_workspace,
    kill,
    restart_session,
    restart_team,
    run,
    scale,
    stop_daemon,
)
from marvel.commands.apply import apply
from marvel.commands.capabilities import lacking, outside, teams_of
from marvel.commands.plan import Plan, Step, plan
from marvel.commands.shift import shift, shift_abort, shift_pause, shift_resume, shift_undo

__all__ = [
    "Plan",
    "Step",
    "apply",
    "delete_endpoint",
    "delete_session",
    "delete_team",
    "delete_workspace",
    "kill",
    "lacking",
    "outside",
    "plan",
    "restart_session",
    "restart_team",
    "run",
    "scale",
    "shift",
    "shift_abort",
    "shift_pause",
    "shift_resume",
    "shift_undo",
    "stop_daemon",
    "teams_of",
]
