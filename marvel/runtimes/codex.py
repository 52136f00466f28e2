"""Codex CLI: hooks and notify come through `-c`; context and limits from its own record of the turn.

It has no periodic beat, and its SessionStart fires at the first turn. After a turn that a limit or a person
ended it runs no hook (seen on 0.169.0): only its record tells, so the daemon reads on in it.
"""

import json
import shlex
from typing import Any

import msgspec

from marvel.resources import Activity, Failure
from marvel.runtimes.adapter import Adapter, LaunchPlan, Login, Signal, Wish
from marvel.runtimes.claude import opening
from marvel.runtimes.failures import activity_after, failure_of
from marvel.runtimes.inline import inline, settings_of
from marvel.runtimes.values import at, beginning, has, number, percent, text

HOOKS = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Stop",
    "SessionEnd",
)
FULL_PERCENT = 100.0
FAILURES: dict[str, Failure] = {
    "usage_limit_exceeded": "limit",
    "context_window_exceeded": "too-long",
    "unauthorized": "login",
    "bad_request": "request",
}
WORKING = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "task_started")


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """`codex [resume ID] ARGS`, then what reports to us, then the prompt."""
    template, session = wish.template, wish.session
    command, *args = plan.argv
    flags = [f for f in ("--no-alt-screen", "--dangerously-bypass-hook-trust") if not has(args, f)]
    if template.permissions and not has(args, "-s", "--sandbox"):
        flags += ["-s", template.permissions]
    bypass = "--dangerously-bypass-approvals-and-sandbox"
    if template.dangerous_permissions and not has(args, bypass):
        flags.append(bypass)
    hook = {"hooks": [{"type": "command", "command": shlex.join(wish.place.report("codex-hook"))}]}
    own = _own_hooks(args)
    for name in HOOKS:  # the last value of a key counts, so the user's own are said again
        flags += ["-c", f"hooks.{name}={inline([*own.get(name, []), hook])}"]
    if template.runtime.trust_workspace:
        flags += ["-c", f'projects.{json.dumps(plan.cwd)}.trust_level="trusted"']
    if not any(word.startswith("notify=") for word in args):
        flags += ["-c", f"notify={json.dumps(list(wish.place.report('codex-notify')))}"]
    again = ("resume", session.resumes) if session.resumes else ()
    prompt = opening(wish)
    argv = (command, *args, *flags, *again, *(("--", prompt) if prompt else ()))
    return msgspec.structs.replace(plan, argv=argv)


def _own_hooks(args: list[str]) -> dict[str, list[Any]]:
    """The hooks that a user set himself, by event: `-c hooks.Stop=[…]` or `-c hooks={Stop=[…]}`."""
    found: dict[str, list[Any]] = {}
    for key, value in settings_of(args, "-c", "--config"):
        if key == "hooks" and isinstance(value, dict):
            found |= {name: hooks for name, hooks in value.items() if isinstance(hooks, list)}
        elif key.startswith("hooks.") and isinstance(value, list):
            found[key.removeprefix("hooks.")] = value
    return found


def parse(source: str, payload: dict[str, Any]) -> Signal | None:
    """A hook with the tail of the rollout, one record of a rollout, or a notification."""
    match source:
        case "codex-notify":  # turns that only make a title notify too, of a thread of their own
            thread = text(payload, "thread-id")
            ended = text(payload, "type") == "agent-turn-complete" and thread
            return Signal(activity="idle", about=thread) if ended else None
        case "codex-rollout":
            return _folded(payload) if "rollout" in payload else _record(payload)
        case _:
            return _hook(payload)


def _hook(payload: dict[str, Any]) -> Signal | None:
    event = text(payload, "hook_event_name")
    if event not in HOOKS or not text(payload, "session_id"):
        return None
    activity: Activity = ""
    detail = ""
    if event in WORKING:
        activity = "working"
    elif event == "PermissionRequest":
        activity, detail = "waiting", f"permission: {text(payload, 'tool_name') or 'a tool'}"
    elif event in ("Stop", "SessionStart"):
        activity = "idle"
    recorded = _folded(payload)
    failed = event == "Stop" and bool(recorded.failure)
    if failed:
        activity, detail = recorded.activity, recorded.detail
    return Signal(
        activity=activity,
        detail=detail,
        failure=recorded.failure if failed else "",
        context_percent=recorded.context_percent,
        agent_session_id=text(payload, "session_id"),
        model=text(payload, "model"),
        resets_at=recorded.resets_at if activity == "limited" else None,
    )


def _folded(payload: dict[str, Any]) -> Signal:
    """What several records say together: of each thing the last that is told."""
    records = payload.get("rollout")
    whole = Signal()
    for record in records if isinstance(records, list) else []:
        told = _record(record) or Signal()
        if told.activity:
            whole = msgspec.structs.replace(
                whole, activity=told.activity, detail=told.detail, failure=told.failure
            )
        if told.context_percent is not None:
            whole = msgspec.structs.replace(whole, context_percent=told.context_percent)
        if told.resets_at is not None:
            whole = msgspec.structs.replace(whole, resets_at=told.resets_at)
    return whole


def _record(record: Any) -> Signal | None:
    match text(record, "payload", "type"):
        case "token_count":
            info = at(record, "payload", "info")
            used = number(info, "last_token_usage", "total_tokens")
            return Signal(
                context_percent=percent(used, number(info, "model_context_window")),
                resets_at=_resets_at(record),
            )
        case "task_started":
            return Signal(activity="working")
        case "task_complete":
            return _completed(at(record, "payload", "error"))
        case "turn_aborted":  # by a person
            return Signal(activity="idle")
        case _:
            return None


def _completed(error: Any) -> Signal:
    """Return what the end of a turn says: why one failed is a word, or a word with an HTTP status."""
    if not isinstance(error, dict):
        return Signal(activity="idle")
    info = error.get("codex_error_info")
    word = next(iter(info), "") if isinstance(info, dict) else text(error, "codex_error_info")
    failure = FAILURES.get(word) or failure_of(number(info, word, "http_status_code"), word)
    if failure == "limit" and "billing" in text(error, "message"):
        failure = "credit"
    detail = "login" if failure == "login" else beginning(word)
    return Signal(activity=activity_after(failure), detail=detail, failure=failure)


def _resets_at(record: Any) -> float | None:
    """When the last of the used-up limits ends."""
    limits = [at(record, "payload", "rate_limits", name) for name in ("primary", "secondary")]
    spent = [limit for limit in limits if (number(limit, "used_percent") or 0.0) >= FULL_PERCENT]
    return max((when for limit in spent if (when := number(limit, "resets_at"))), default=None)


CODEX = Adapter(
    "codex",
    "none",
    prepare,
    parse,
    sources=("codex-hook", "codex-notify", "codex-rollout"),
    record="codex-rollout",
    resumes=True,
    first_signal="turn",
    minimum=(0, 160),
    keeps=("$CODEX_HOME", "$HOME/.codex"),
    signals="activity, context, limits, model from its hooks and record, from its first turn on; no beat",
    login=Login(("OPENAI_API_KEY", "CODEX_API_KEY"), ("$CODEX_HOME/auth.json", "$HOME/.codex/auth.json")),
    dialogs=(
        ("Do you trust the contents of this directory", "trust"),
        ("Trust this folder?", "trust"),
        ("Do you want to work with this", "trust"),
        ("Sign in with ChatGPT", "login"),
        ("Provide your own API key", "login"),
        ("Hooks need review", "hook trust"),
    ),
)
