"""opencode: serves a stream of events on a port that we give it; the daemon reads it.

The stream beats every ten seconds and tells busy, idle, retry, permissions and tokens of *all*
conversations: those of sub-agents too, which have a parent. Only one without makes itself the agent's own.
"""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import quote

import msgspec

from marvel.resources import Activity
from marvel.runtimes.adapter import ALIVE, Adapter, LaunchPlan, Login, Signal, Stream, Wish
from marvel.runtimes.claude import opening
from marvel.runtimes.failures import activity_after, failure_of
from marvel.runtimes.served import HOST
from marvel.runtimes.values import absent, at, has, number, option, percent, text

MAX_SESSIONS = 100  # that may be at work in one opencode
PASSWORD = "OPENCODE_SERVER_PASSWORD"  # noqa: S105  the variable's name
USER = "opencode"
MILLISECONDS = 1000.0
STATUS: dict[str, Activity] = {"busy": "working", "idle": "idle", "retry": "limited"}
MODELS, STATUSES, PERMISSIONS = "/config/providers", "/session/status", "/permission"
TOKENS = (("input",), ("output",), ("reasoning",), ("cache", "read"), ("cache", "write"))


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """Its args, where it serves its events and to whom, its conversation, and the prompt."""
    args, place = plan.argv[1:], wish.place
    port = option(args, "--port") or (str(place.port) if place.port else "")
    flags = [*absent(args, "--port", port)]
    if port:
        flags += absent(args, "--hostname", HOST)
    if not has(args, "-s", "-c", "--continue"):
        flags += absent(args, "--session", wish.session.resumes)
    if wish.template.dangerous_permissions and not has(args, "--auto"):
        flags.append("--auto")
    goes_on = has([*args, *flags], "--session", "-s", "-c", "--continue")
    if not goes_on:
        flags += absent(args, "--prompt", opening(wish))
    # Without a password every user of this machine could enter. The token itself is for marvel alone.
    password = plan.env.get(PASSWORD) or hashlib.sha256(f"{USER}:{place.token}".encode()).hexdigest()
    served = {"port": int(port) if port.isdecimal() else 0, "authorization": _basic(password)}
    return msgspec.structs.replace(
        plan,
        argv=(*plan.argv, *flags),
        env={**plan.env, PASSWORD: password},
        files={place.stream: json.dumps(served).encode()},
        typed_prompt=opening(wish) if goes_on else "",  # with a conversation it sends no `--prompt`
    )


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


def say(conversation: str, text: str) -> tuple[str, bytes]:
    """Return the request that adds a message to a conversation; opencode queues it while it works."""
    body = {"parts": [{"type": "text", "text": text}]}
    return f"/session/{quote(conversation, safe='')}/prompt_async", json.dumps(body).encode()


def known(path: str, answer: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is learnt when the stream opens: how large models are, and what the stream told before."""
    if path == MODELS:
        return {"windows": _windows(answer)}, []
    if path == STATUSES and isinstance(answer, dict):
        told = [_status(session, status) for session, status in list(answer.items())[:MAX_SESSIONS]]
        return {}, told or [_status("", {"type": "idle"})]
    if path == PERMISSIONS and isinstance(answer, list):
        return {}, [{"type": "permission.asked", "properties": asked} for asked in answer[:MAX_SESSIONS]]
    return {}, []


def _status(session: str, status: Any) -> dict[str, Any]:
    return {"type": "session.status", "properties": {"sessionID": session, "status": status}}


def _windows(answer: Any) -> dict[str, float]:
    """Tokens that fit, by `provider/model`."""
    found = {}
    providers = at(answer, "providers")
    for provider in providers if isinstance(providers, list) else []:
        models = at(provider, "models")
        for name, model in models.items() if isinstance(models, dict) else ():
            size = number(model, "limit", "context")
            if size:
                found[f"{text(provider, 'id')}/{name}"] = size
    return found


def parse(source: str, payload: dict[str, Any]) -> Signal | None:
    """One event of the stream."""
    about = text(payload, "properties", "sessionID")
    match text(payload, "type"):
        case "server.connected" | "server.heartbeat":
            return ALIVE
        case "session.created" | "session.updated":
            return _conversation(about, at(payload, "properties", "info"))
        case "session.status":
            return _activity(about, at(payload, "properties", "status"))
        case "session.idle":
            return Signal(activity="idle", about=about)
        case "session.error":
            return _failed(about, at(payload, "properties", "error"))
        case "permission.asked":  # a sub-agent's question needs a person too
            what = text(payload, "properties", "permission") or "a tool"
            return Signal(activity="waiting", detail=f"permission: {what}")
        case "question.asked":
            return Signal(activity="waiting", detail="question")
        case "permission.replied" | "question.replied" | "question.rejected":
            return Signal(activity="working")
        case "message.updated":
            return _message(about, payload)
        case _:
            return None


def _conversation(about: str, info: Any) -> Signal:
    """A conversation without a parent is the agent's own from now on; its sub-agents' cost is its own too."""
    cost = number(info, "cost")
    if text(info, "parentID"):
        return Signal(cost_usd=cost, cost_counter=about)
    model = text(info, "model", "id")
    return Signal(agent_session_id=about, cost_usd=cost, cost_counter=about, model=model)


def _activity(about: str, status: Any) -> Signal:
    kind = text(status, "type")
    next_try = number(status, "next") if kind == "retry" else None
    return Signal(
        activity=STATUS.get(kind, ""),
        about=about,
        detail="retry" if kind == "retry" else "",
        resets_at=next_try / MILLISECONDS if next_try else None,
    )


def _failed(about: str, error: Any) -> Signal:
    name = text(error, "name")
    if name == "MessageAbortedError":  # by a person
        return Signal(activity="idle", about=about)
    failure = failure_of(number(error, "data", "statusCode"), f"{name} {text(error, 'data', 'message')}")
    if name == "ProviderAuthError":
        failure = "login"
    detail = "login" if failure == "login" else name
    return Signal(activity=activity_after(failure), about=about, detail=detail, failure=failure)


def _message(about: str, payload: dict[str, Any]) -> Signal:
    info = at(payload, "properties", "info")
    model = text(info, "modelID")
    used = sum(number(info, "tokens", *names) or 0.0 for names in TOKENS)
    window = number(payload, "windows", f"{text(info, 'providerID')}/{model}")
    return Signal(about=about, model=model, context_percent=percent(used, window) if used else None)


OPENCODE = Adapter(
    "opencode",
    "from-start",
    prepare,
    parse,
    sources=("opencode-sse",),
    stream=Stream("opencode-sse", "/event", (MODELS, STATUSES, PERMISSIONS), known, say),
    resumes=True,
    first_signal="start",
    minimum=(1, 0),
    keeps=(
        "$OPENCODE_CONFIG",
        "$HOME/.local/share/opencode",
        "$HOME/.local/state/opencode",
        "$HOME/.config/opencode",
        "$HOME/.cache/opencode",
    ),
    signals="heartbeat, activity, limits, context and model from its own event stream",
    login=Login(
        ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "OPENCODE_CONFIG"),
        ("$XDG_DATA_HOME/opencode/auth.json", "$HOME/.local/share/opencode/auth.json"),
    ),
)
