"""opencode: its event stream tells what it does. Whoever reads the stream reports its events.

marvel does not read the stream yet, so it promises no heartbeat: a session is judged by its process.
"""

from typing import Any

import msgspec

from marvel.resources import Activity
from marvel.runtimes.adapter import ALIVE, Adapter, LaunchPlan, Signal, Wish
from marvel.runtimes.claude import opening
from marvel.runtimes.values import absent, has, number, text

MILLISECONDS = 1000.0
STATUS: dict[str, Activity] = {"busy": "working", "idle": "idle", "retry": "limited"}


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """Its args, the conversation it goes on with, and the prompt."""
    args = plan.argv[1:]
    resumes = wish.session.resumes
    flags = () if has(args, "-s", "-c", "--continue") else absent(args, "--session", resumes)
    return msgspec.structs.replace(plan, argv=(*plan.argv, *flags, *absent(args, "--prompt", opening(wish))))


def parse(source: str, payload: dict[str, Any]) -> Signal | None:
    """One event of the stream."""
    session = text(payload, "properties", "sessionID")
    match text(payload, "type"):
        case "server.connected" | "server.heartbeat":
            return ALIVE
        case "session.status":
            status = text(payload, "properties", "status", "type")
            at = number(payload, "properties", "status", "next")
            return Signal(
                activity=STATUS.get(status, ""),
                agent_session_id=session,
                detail="retry" if status == "retry" else "",
                resets_at=at / MILLISECONDS if at and status == "retry" else None,
            )
        case "session.idle":
            return Signal(activity="idle", agent_session_id=session)
        case "permission.asked":
            return Signal(activity="waiting", agent_session_id=session, detail="permission")
        case "permission.replied":
            return Signal(activity="working", agent_session_id=session)
        case "message.updated":
            return Signal(agent_session_id=session, model=text(payload, "properties", "info", "modelID"))
        case _:
            return None


OPENCODE = Adapter(
    "opencode", "none", prepare, parse, sources=("opencode-sse",), resumes=True, minimum=(1, 18)
)
