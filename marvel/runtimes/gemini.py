"""Gemini CLI: hooks from a settings file of the session's own. One process instead of two.

It has no option for the settings of one session, and takes the system's only from a file that belongs to
root, as all directories above it. So it gets a home of the session's own, in which all but the settings are
links to the user's.

It runs no hook while it tries again after a 429 (seen on 0.61.0: nine refusals in 200 s): it stays `working`.
"""

import shlex
from typing import Any

import msgspec

from marvel.resources import Activity
from marvel.runtimes.adapter import ALIVE, Adapter, LaunchPlan, Login, Mirror, Overlay, Signal, Wish
from marvel.runtimes.claude import conversation_id, opening
from marvel.runtimes.values import has, number, percent, text

HOOKS = ("SessionStart", "BeforeAgent", "AfterAgent", "AfterModel", "BeforeTool", "AfterTool", "Notification")
HOMES = ("$GEMINI_CLI_HOME/.gemini", "$HOME/.gemini")  # where it keeps all that is the user's
DIRECTORIES = ("tmp", "history")  # of conversations
FILES = ("oauth_creds.json", "google_accounts.json", "installation_id", "trustedFolders.json", "state.json")
WINDOW_TOKENS = 1_048_576  # of every gemini-2 and later
TIMEOUT_MS = 5000


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """The launcher that ignores HUP and TERM is switched off; the prompt starts the conversation."""
    home = f"{wish.place.directory}/gemini"
    hook = {"type": "command", "command": shlex.join(wish.place.report("gemini-hook")), "timeout": TIMEOUT_MS}
    overlay = Overlay(
        {"hooks": {name: [{"hooks": [hook]}] for name in HOOKS}},
        base=tuple(f"{directory}/settings.json" for directory in HOMES),
    )
    args = plan.argv[1:]
    flags: list[str] = []
    if not has(args, "--session-id", "--resume", "-r"):
        resumes = wish.session.resumes
        flags += ["--resume", resumes] if resumes else ["--session-id", conversation_id(wish.session.uid)]
    if wish.template.dangerous_permissions and not has(args, "--yolo", "-y", "--approval-mode"):
        flags.append("--yolo")
    elif wish.template.permissions and not has(args, "--approval-mode", "--yolo", "-y"):
        flags += ["--approval-mode", wish.template.permissions]
    if wish.template.runtime.trust_workspace and not has(args, "--skip-trust"):
        flags.append("--skip-trust")
    prompt = opening(wish)
    if prompt and not has(args, "-i", "--prompt-interactive"):
        flags += ["--prompt-interactive", prompt]
    env = {"GEMINI_CLI_NO_RELAUNCH": "true", **plan.env}
    plan = msgspec.structs.replace(plan, argv=(*plan.argv, *flags), env=env)
    if not wish.merges:
        return plan
    mirror = Mirror(f"{home}/.gemini", HOMES, DIRECTORIES, FILES)
    return msgspec.structs.replace(
        plan,
        overlays={f"{mirror.path}/settings.json": overlay},
        mirror=mirror,
        after={"GEMINI_CLI_HOME": home},
    )


def parse(source: str, payload: dict[str, Any]) -> Signal | None:
    """A hook. PreCompress comes every turn and SessionEnd up to three times: signs of life."""
    if not text(payload, "session_id"):
        return None
    activity: Activity = ""
    detail, context = "", None
    match text(payload, "hook_event_name"):
        case "BeforeAgent" | "BeforeTool" | "AfterTool":
            activity = "working"
        case "AfterAgent" | "SessionStart":
            activity = "idle"
        case "Notification" if text(payload, "notification_type") == "ToolPermission":
            activity, detail = "waiting", "permission"
        case "AfterModel":
            used = number(payload, "llm_response", "usageMetadata", "totalTokenCount")
            context = percent(used, WINDOW_TOKENS)
        case _:
            return ALIVE
    return Signal(
        activity=activity,
        detail=detail,
        context_percent=context,
        agent_session_id=text(payload, "session_id"),
        model=text(payload, "llm_request", "model"),
    )


GEMINI = Adapter(
    "gemini",
    "none",
    prepare,
    parse,
    sources=("gemini-hook",),
    resumes=True,
    first_signal="start",
    minimum=(0, 60),
    commands_when_idle=True,  # seen on 0.61.0: it queues other texts, and leaves these in its composer
    keeps=("$HOME/.gemini",),
    signals="activity, context and model from its hooks; no heartbeat while idle, and no limits",
    login=Login(
        ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"),
        ("$HOME/.gemini/oauth_creds.json",),
    ),
    dialogs=(
        ("Do you trust the files in this folder", "trust"),
        ("Do you trust this folder", "trust"),
        ("Confirm folder trust", "trust"),
        ("How would you like to authenticate", "login"),
        ("Waiting for auth", "login"),
        ("Enter Gemini API Key", "login"),
    ),
)
