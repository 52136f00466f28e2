"""Claude Code: its status line gives heartbeat and context, its hooks the activity.

Both come from a settings file of the session's own, handed over with `--settings`; claude merges it with
the user's, which are never touched. The conversation's id is chosen by us, so that it can be resumed.
"""

import shlex
from collections.abc import Mapping
from typing import Any

import msgspec

from marvel.resources import Activity, Failure
from marvel.runtimes.adapter import ALIVE, Adapter, LaunchPlan, Login, Merge, Overlay, Signal, Wish
from marvel.runtimes.failures import activity_after
from marvel.runtimes.values import absent, has, number, text, version, without

STATUS_LINE = "MARVEL_STATUS_LINE"  # variable: the role's own status line, which ours runs
TICK_SECONDS = 5  # between status lines
HOOKS = (
    "SessionStart",
    "UserPromptSubmit",
    "PermissionRequest",
    "Notification",
    "Stop",
    "StopFailure",
    "PreCompact",
    "PostCompact",
    "SessionEnd",
)
TOOL_HOOKS = ("PreToolUse", "PostToolUse")  # many, so claude does not wait for them
PERCENT_SINCE = (2, 1, 132)  # earlier ones told wrong percentages
ENDED_TASKS = ("completed", "failed", "killed", "stopped", "cancelled")
FULL_PERCENT = 100.0
MILLISECONDS = 1000.0


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """The user's args, then settings, conversation, permissions and, on a fresh start, the prompt."""
    template, argv = wish.template, plan.argv
    overlays: dict[str, Overlay] = {}
    if wish.merges:
        argv, theirs = without(argv, "--settings")
        path, overlays = own_settings(wish, theirs)
        argv = (*argv, "--settings", path)
    args = argv[1:]
    flags = [*conversation(wish, args)]
    flags += absent(args, "--permission-mode", template.permissions)
    told = " ".join(part for part in (template.persona, template.identity) if part)
    flags += absent(args, "--append-system-prompt", told and f"You are {told}.")
    if template.dangerous_permissions and not has(args, "--dangerously-skip-permissions"):
        flags.append("--dangerously-skip-permissions")
    prompt = opening(wish)
    words = ("--", prompt) if prompt else ()
    return msgspec.structs.replace(plan, argv=(*argv, *flags, *words), overlays=overlays)


def opening(wish: Wish) -> str:
    """What it is told first: its prompt on a fresh start, the resume prompt after a resume."""
    template = wish.template
    return template.resume_prompt if wish.session.resumes else template.prompt or template.prompt_text


def conversation(wish: Wish, args: tuple[str, ...]) -> tuple[str, ...]:
    """`--resume` of the one before it in the slot, else a new id; nothing where the user chose."""
    if has(args, "--session-id", "--resume", "-r", "--continue", "-c"):
        return ()
    resumes = wish.session.resumes
    return ("--resume", resumes) if resumes else ("--session-id", conversation_id(wish.session.uid))


def conversation_id(uid: str) -> str:
    """A UUID that belongs to a session's uid (16 hex digits)."""
    digits = uid.rjust(16, "0")
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[15]}00-{digits[:12]}"


def own_settings(wish: Wish, theirs: str) -> tuple[str, dict[str, Overlay]]:
    """Return the path of the session's settings and what they are made of, with the role's `--settings`."""
    place = wish.place
    hook = {"type": "command", "command": shlex.join(place.report("claude-hook")), "timeout": 5}
    hooks: dict[str, Any] = {name: [{"hooks": [hook]}] for name in HOOKS}
    hooks |= {name: [{"matcher": "*", "hooks": [{**hook, "async": True}]}] for name in TOOL_HOOKS}
    line = {
        "type": "command",
        "command": shlex.join(place.report("claude-statusline")),
        "refreshInterval": TICK_SECONDS,
    }
    ours: dict[str, Any] = {"statusLine": line, "hooks": hooks}
    if wish.template.dangerous_permissions:
        ours["skipDangerousModePermissionPrompt"] = True
    overlay = Overlay(
        ours,
        base=(theirs,) if theirs else (),
        defaults={"tui": "default"},  # its full screen mode would leave no scrollback to capture
        displaced=((("statusLine", "command"), STATUS_LINE),),
    )
    path = f"{place.directory}/claude.json"
    return path, {path: overlay}


def parse(source: str, payload: dict[str, Any]) -> Signal | None:
    """A status line or a hook."""
    if not text(payload, "session_id"):
        return None
    if source == "claude-statusline":
        return _status_line(payload)
    if payload.get("agent_id") and text(payload, "hook_event_name") != "PermissionRequest":
        return ALIVE  # a sub-agent's turn is not the agent's, but its dialog is on the agent's screen
    activity, detail = _told(text(payload, "hook_event_name"), payload)
    failure: Failure = ""
    if text(payload, "hook_event_name") == "StopFailure":
        failure = _failure(text(payload, "error"))
        activity = activity_after(failure)
        detail = "login" if failure == "login" else text(payload, "error")
    model = payload.get("model")
    return Signal(
        activity=activity,
        detail=detail,
        failure=failure,
        agent_session_id=text(payload, "session_id"),
        model=text({"model": model}, "model"),
        background_tasks=_background_tasks(payload),
    )


def _background_tasks(payload: dict[str, Any]) -> int | None:
    """How many tasks of its own go on; None where a hook does not list them."""
    tasks = payload.get("background_tasks")
    if not isinstance(tasks, list):
        return None
    return sum(1 for task in tasks if text(task, "status") not in ENDED_TASKS)


def _status_line(payload: dict[str, Any]) -> Signal:
    known = version(text(payload, "version"))
    percent = number(payload, "context_window", "used_percentage") if known >= PERCENT_SINCE else None
    resets = [
        number(payload, "rate_limits", window, "resets_at")
        for window in ("five_hour", "seven_day")
        if (number(payload, "rate_limits", window, "used_percentage") or 0.0) >= FULL_PERCENT
    ]
    activity, ends = _listed(payload)
    since = number(payload, "listed", "statusUpdatedAt")
    return Signal(
        activity=activity,
        detail=text(payload, "listed", "waitingFor") if activity == "waiting" else "",
        instead_of=ends,
        no_dialog=not activity,
        since=None if since is None else since / MILLISECONDS,
        context_percent=percent if percent is None else min(percent, FULL_PERCENT),
        agent_session_id=text(payload, "session_id"),
        model=text(payload, "model", "id"),
        cost_usd=number(payload, "cost", "total_cost_usd"),
        resets_at=max((at for at in resets if at is not None), default=None),
    )


def _listed(payload: dict[str, Any]) -> tuple[Activity, tuple[Activity, ...]]:
    """Return what claude's own list of its sessions says, and which known activities that ends.

    A person's "No" and Escape run no hook.
    """
    match text(payload, "listed", "status"):
        case "idle":
            return "idle", ("working", "waiting", "compacting")
        case "waiting":
            return "waiting", ("working",)
        case "busy":
            return "working", ("waiting",)
        case _:
            return "", ()


def _told(event: str, payload: dict[str, Any]) -> tuple[Activity, str]:
    match event:
        case "SessionStart":
            return ("", "") if payload.get("source") == "compact" else ("idle", "")
        case "UserPromptSubmit" | "PreToolUse" | "PostToolUse":
            return "working", ""
        case "PermissionRequest":
            return "waiting", f"permission: {text(payload, 'tool_name') or 'a tool'}"
        case "Notification":
            return _notified(text(payload, "notification_type"))
        case "Stop":
            return "idle", ""
        case "PreCompact":
            return "compacting", ""
        case "PostCompact":
            return ("working" if payload.get("trigger") == "auto" else "idle"), ""
        case _:
            return "", ""


def _notified(kind: str) -> tuple[Activity, str]:
    """`idle_prompt` reminds of an empty composer after 60 s: nothing is open that a text could answer."""
    match kind:
        case "permission_prompt":
            return "waiting", "permission"
        case "agent_needs_input":  # any dialog, also that of auto mode without its safety check
            return "waiting", "permission or a choice"
        case "elicitation_dialog":
            return "waiting", "question"
        case "idle_prompt":
            return "idle", ""
        case _:
            return "", ""


def _failure(error: str) -> Failure:
    match error:
        case "rate_limit":
            return "limit"
        case "authentication_failed":
            return "login"
        case "billing_error":
            return "credit"
        case "prompt_too_long":  # the reporter's word: claude calls it invalid_request
            return "too-long"
        case "overloaded" | "server_error" | "max_output_tokens" | "unknown" | "":
            return "server"
        case _:
            return "request"


def trust(cwd: str, env: Mapping[str, str]) -> Merge:
    """Where claude notes that its trust dialog was answered for a directory."""
    directory = env.get("CLAUDE_CONFIG_DIR") or env.get("HOME", "")
    return Merge(f"{directory}/.claude.json", ("projects", cwd, "hasTrustDialogAccepted"), True)


SIGNALS = "heartbeat, context, model and cost from its status line, activity and limits from its hooks"
LOGIN = Login(
    (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
    ),
    ("$CLAUDE_CONFIG_DIR/.credentials.json", "$HOME/.claude/.credentials.json"),
)
DIALOGS = (
    ("Do you trust the files", "trust"),
    ("Is this a project you created or one you trust", "trust"),
    ("Yes, I trust this folder", "trust"),
    ("Select login method", "login"),
    ("Please run /login", "login"),
    ("Not logged in", "login"),
    ("Choose the text style", "first start"),
    ("Do you want to use this API key", "API key"),
)
KEEPS = ("$CLAUDE_CONFIG_DIR", "$HOME/.claude", "$HOME/.claude.json")
CLAUDE = Adapter(
    "claude",
    "once-seen",
    prepare,
    parse,
    sources=("claude-hook", "claude-statusline"),
    resumes=True,
    first_signal="start",
    minimum=(2, 1, 97),
    keeps=KEEPS,
    signals=SIGNALS,
    login=LOGIN,
    trust=trust,
    dialogs=DIALOGS,
)
