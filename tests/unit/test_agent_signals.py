"""What real agents' payloads mean, and that nothing of their contents gets past the reporter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marvel import reporter
from marvel.runtimes import Signal, parse
from marvel.runtimes.activity import Told, derive

FIXTURES = Path(__file__).parents[1] / "fixtures" / "agents"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))
WAITING = ("waiting", None)
# activity, and context % where one is told
EXPECTED: dict[str, tuple[str, float | None]] = {
    "claude-hook-Notification-idle_prompt": ("idle", None),
    "claude-hook-Notification-permission_prompt": WAITING,
    "claude-hook-PermissionRequest": WAITING,
    "claude-hook-PostCompact": ("working", None),
    "claude-hook-PostToolUse": ("working", None),
    "claude-hook-PreCompact": ("compacting", None),
    "claude-hook-PreToolUse": ("working", None),
    "claude-hook-SessionStart-resume": ("idle", None),
    "claude-hook-SessionStart-startup": ("idle", None),
    "claude-hook-Stop": ("idle", None),
    "claude-hook-Stop-background": ("idle", None),
    "claude-hook-Notification-agent_needs_input": WAITING,
    "claude-hook-StopFailure-authentication_failed": WAITING,
    "claude-hook-StopFailure-billing_error": ("idle", None),
    "claude-hook-StopFailure-invalid_request": ("idle", None),
    "claude-hook-StopFailure-rate_limit": ("limited", None),
    "claude-hook-StopFailure-server_error": ("idle", None),
    "claude-statusline-listed-busy": ("working", 3.0),
    "claude-statusline-listed-idle": ("idle", 3.0),
    "claude-hook-UserPromptSubmit": ("working", None),
    "claude-statusline-used": ("", 15.0),
    "codex-hook-PermissionRequest": WAITING,
    "codex-hook-PostToolUse": ("working", None),
    "codex-hook-PreToolUse": ("working", None),
    "codex-hook-SessionStart": ("idle", None),
    "codex-hook-Stop": ("idle", None),
    "codex-hook-UserPromptSubmit": ("working", None),
    "codex-notify-agent-turn-complete": ("idle", None),
    "codex-rollout-task_complete": ("idle", None),
    "codex-rollout-task_complete-401": WAITING,
    "codex-rollout-task_complete-429": ("limited", None),
    "codex-rollout-task_complete-500": ("idle", None),
    "codex-rollout-task_complete-503": ("idle", None),
    "codex-rollout-task_complete-error": ("limited", None),
    "codex-rollout-task_complete-too-long": ("idle", None),
    "codex-rollout-task_started": ("working", None),
    "codex-rollout-turn_aborted": ("idle", None),
    "codex-rollout-token_count": ("", 100 * 30020 / 258400),
    "gemini-hook-AfterAgent": ("idle", None),
    "gemini-hook-AfterModel": ("", 100 * 30020 / 1_048_576),
    "gemini-hook-AfterTool": ("working", None),
    "gemini-hook-BeforeAgent": ("working", None),
    "gemini-hook-BeforeTool": ("working", None),
    "gemini-hook-Notification-ToolPermission": WAITING,
    "gemini-hook-SessionStart": ("idle", None),
    "opencode-sse-permission.asked": WAITING,
    "opencode-sse-session.error-401": WAITING,
    "opencode-sse-session.error-aborted": ("idle", None),
    "opencode-sse-session.error-too-long": ("idle", None),
    "opencode-sse-session.idle": ("idle", None),
    "opencode-sse-session.status-busy": ("working", None),
    "opencode-sse-session.status-idle": ("idle", None),
    "opencode-sse-session.status-retry": ("limited", None),
}

FAILURES = {
    "claude-hook-StopFailure-authentication_failed": "login",
    "claude-hook-StopFailure-billing_error": "credit",
    "claude-hook-StopFailure-invalid_request": "request",
    "claude-hook-StopFailure-rate_limit": "limit",
    "claude-hook-StopFailure-server_error": "server",
    "codex-rollout-task_complete-401": "login",
    "codex-rollout-task_complete-429": "limit",
    "codex-rollout-task_complete-500": "server",
    "codex-rollout-task_complete-503": "server",
    "codex-rollout-task_complete-error": "limit",
    "codex-rollout-task_complete-too-long": "too-long",
    "opencode-sse-session.error-401": "login",
    "opencode-sse-session.error-too-long": "too-long",
}


def payload(name: str) -> tuple[str, dict[str, Any]]:
    source = "-".join(name.split("-")[:2])
    return source, json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_payload_means_what_the_agent_did(name: str) -> None:
    source, given_payload = payload(name)
    signal = parse(source, given_payload)
    assert signal is not None
    activity, percent = EXPECTED.get(name, ("", None))
    assert (signal.activity, signal.context_percent) == (activity, pytest.approx(percent))
    assert signal.failure == FAILURES.get(name, "")


def test_only_background_tasks_that_go_on_are_counted_and_only_by_who_lists_them() -> None:
    told = {
        name: parse(*payload(f"claude-hook-{name}")) for name in ("Stop", "Stop-background", "PreToolUse")
    }
    assert [signal and signal.background_tasks for signal in told.values()] == [0, 1, None]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_reporter_keeps_says_the_same(name: str) -> None:
    source, given_payload = payload(name)
    assert parse(source, reporter.reduced(given_payload)) == parse(source, given_payload)


@pytest.mark.parametrize("name", NAMES)
def test_the_reporter_drops_prompts_commands_and_answers(name: str) -> None:
    _, given_payload = payload(name)
    kept = json.dumps(reporter.reduced(given_payload))
    for said in ("MOCK-REPLY", "hello USE", "python3 -c", "touch ", "curl", "/home/dev"):
        assert said not in kept


def test_an_older_claude_tells_no_percentage() -> None:
    source, told = payload("claude-statusline-used")
    signal = parse(source, {**told, "version": "2.1.100"})
    assert signal is not None
    assert signal.context_percent is None


def test_a_sub_agents_turn_is_only_a_sign_of_life() -> None:
    source, told = payload("claude-hook-Stop")
    assert parse(source, {**told, "agent_id": "a1"}) == Signal()
    asks = {**told, "hook_event_name": "PermissionRequest", "tool_name": "Bash", "agent_id": "a1"}
    asked = parse(source, asks)
    assert asked is not None
    assert (asked.activity, asked.detail) == ("waiting", "permission: Bash")


def test_a_retry_tells_when_the_limit_ends() -> None:
    signal = parse(*payload("opencode-sse-session.status-retry"))
    assert signal is not None
    assert signal.resets_at == pytest.approx(1795356076.676)


def test_a_codex_turn_that_hit_its_limit_is_limited_and_tells_its_context() -> None:
    _, stop = payload("codex-hook-Stop")
    records = [payload(f"codex-rollout-{name}")[1] for name in ("token_count", "task_complete-error")]
    signal = parse("codex-hook", reporter.reduced({**stop, "rollout": records}))
    assert signal is not None
    assert signal.activity == "limited"
    assert signal.context_percent == pytest.approx(11.6, abs=0.1)


def test_a_turn_that_failed_for_want_of_credit_or_room_is_known_by_its_words() -> None:
    _, record = payload("codex-rollout-task_complete-error")
    error = {
        "codex_error_info": "usage_limit_exceeded",
        "message": "Quota exceeded. Check your billing details.",
    }
    signal = parse("codex-rollout", {**record, "payload": {"type": "task_complete", "error": error}})
    assert signal is not None
    assert (signal.activity, signal.failure) == ("idle", "credit")
    _, told = payload("opencode-sse-session.error-401")
    data = {"message": "Your credit balance is too low", "statusCode": 400}
    told["properties"]["error"] = {"name": "APIError", "data": data}
    signal = parse("opencode-sse", told)
    assert signal is not None
    assert (signal.activity, signal.failure) == ("idle", "credit")


def test_a_prompt_that_is_too_long_for_claude_is_named_by_the_reporter() -> None:
    source, told = payload("claude-hook-StopFailure-invalid_request")
    assert reporter.is_too_long(told)
    assert not reporter.is_too_long(told | {"error_details": "400", "last_assistant_message": "API Error"})
    signal = parse(source, told | {"error": "prompt_too_long"})
    assert signal is not None
    assert signal.failure == "too-long"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(reporter.KEPT)), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(st.sampled_from([*reporter.SOURCES, "unknown"]), values)
def test_hostile_payloads_never_raise_and_never_carry_control_characters(source: str, told: Any) -> None:
    signal = parse(source, reporter.reduced(told))
    if signal is not None:
        assert (signal.detail + signal.model + signal.agent_session_id).isprintable()
        assert signal.context_percent is None or 0 <= signal.context_percent <= 100


def test_a_late_report_does_not_change_the_activity() -> None:
    idle = Told(2.0, Signal(activity="idle"))
    late = Told(1.0, Signal(activity="working", context_percent=40.0))
    assert derive(idle, late, "") == (idle, Signal(context_percent=40.0))


def test_a_sign_of_life_tells_nothing_of_the_activity() -> None:
    idle = Told(2.0, Signal(activity="idle"))
    assert derive(idle, Told(3.0, Signal()), "") == (idle, Signal())


def test_the_freshest_evidence_wins() -> None:
    working = Told(3.0, Signal(activity="working"))
    assert derive(Told(2.0, Signal(activity="idle")), working, "") == (working, working.signal)


@pytest.mark.parametrize("conversation", ["", "mine"])
def test_what_is_said_of_another_conversation_is_only_a_sign_of_life(conversation: str) -> None:
    told = Told(3.0, Signal(activity="idle", about="a title's"))
    assert derive(None, told, conversation) == (None, Signal())
    assert derive(None, told, "a title's") == (told, told.signal)


def listed(status: str, since: float) -> Signal:
    """What claude's list of its sessions says, as its status line reports it."""
    entry = {"status": status, "statusUpdatedAt": since * 1000}
    signal = parse("claude-statusline", {"session_id": "c", "listed": entry})
    assert signal is not None
    return signal


@pytest.mark.parametrize(
    ("known", "status", "then"),
    [
        ("working", "idle", "idle"),  # Escape
        ("waiting", "idle", "idle"),  # "No"
        ("waiting", "busy", "working"),  # "Yes"
        ("working", "waiting", "waiting"),  # a dialog that no hook told of
        ("idle", "busy", "idle"),
        ("limited", "idle", "limited"),
    ],
)
def test_claudes_own_list_ends_what_its_hooks_do_not(known: Any, status: str, then: str) -> None:
    before = Told(2.0, Signal(activity=known))
    after, signal = derive(before, Told(9.0, listed(status, 5.0)), "c")
    assert after is not None
    assert after.signal.activity == then
    assert signal.activity == ("" if then == known else then)


def test_claudes_own_list_is_as_old_as_its_entry() -> None:
    before = Told(6.0, Signal(activity="working"))
    after, signal = derive(before, Told(9.0, listed("idle", 5.0)), "c")
    assert (after, signal.activity) == (before, "")


def test_a_failed_turn_stays_so_though_claude_lists_itself_as_idle() -> None:
    before = Told(2.0, Signal(activity="waiting", failure="login"))
    assert derive(before, Told(9.0, listed("idle", 5.0)), "c")[0] == before


def test_a_status_line_after_a_dialog_is_proof_that_it_was_answered() -> None:
    before = Told(2.0, Signal(activity="waiting", detail="permission: Bash"))
    line = parse("claude-statusline", {"session_id": "c"})
    assert line is not None
    assert derive(before, Told(2.5, line), "c")[1].activity == ""
    assert derive(before, Told(4.0, line), "c")[1].activity == "working"
    failed = Told(2.0, Signal(activity="waiting", failure="login"))
    assert derive(failed, Told(4.0, line), "c")[1].activity == ""
