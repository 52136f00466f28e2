"""How each agent CLI is started: the user's args first, then ours, and no flag twice."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest

from marvel.controllers.restarts import budget_of, judge, resumed
from marvel.resources import Role, RoleSpec, RuntimeSpec, Session, StopOrder, Template
from marvel.runtimes import LaunchPlan, Place, Wish, adapter_of, launch_plan

PLACE = Place(home="/h", socket="/h/s", beat="/h/b", directory="/h/d", token="t", python="/py")  # noqa: S106
SESSION = Session(
    position=1,
    workspace="w",
    team="t",
    role="r",
    name="t-r-g1-0",
    uid="0123456789abcdef",
    generation=1,
    index=0,
    state="running",
    created_at=1.0,
    started_at=10.0,
    image="",
    command="",
)
ENDED = msgspec.structs.replace(SESSION, state="failed", agent_session_id="conversation")


def planned(image: str, *args: str, resumes: str = "", **fields: Any) -> LaunchPlan:
    template = Template(runtime=RuntimeSpec(image=image, command="z", args=args), prompt="the job", **fields)
    session = msgspec.structs.replace(SESSION, resumes=resumes)
    wish = Wish(session=session, template=template, role=None, place=PLACE)
    return launch_plan(wish, adapter_of(template))


def test_claude_gets_settings_a_conversation_of_its_own_and_its_prompt() -> None:
    plan = planned("claude", "--model", "sonnet", permissions="plan")
    assert plan.argv[:5] == ("z", "--model", "sonnet", "--settings", "/h/d/claude.json")
    assert plan.argv[5] == "--session-id"
    assert plan.argv[7:] == ("--permission-mode", "plan", "--", "the job")
    settings = plan.overlays["/h/d/claude.json"].ours
    assert settings["statusLine"]["command"] == "/py -IS /h/report.py claude-statusline"
    assert "StopFailure" in settings["hooks"]


@pytest.mark.parametrize("args", [("--settings", "mine.json"), ("--settings=mine.json",)])
@pytest.mark.parametrize("image", ["claude", "forestage"])
def test_settings_of_a_role_are_merged_with_those_of_the_session(image: str, args: tuple[str, ...]) -> None:
    given = ("--", *args) if image == "forestage" else args
    plan = planned(image, *given)
    assert [word for word in plan.argv if word.startswith("--settings")] == ["--settings"]
    assert plan.overlays[plan.argv[plan.argv.index("--settings") + 1]].base == ("mine.json",)


def test_a_resumed_claude_gets_its_conversation_and_the_resume_prompt() -> None:
    argv = planned("claude", resumes="abc").argv
    assert argv[argv.index("--resume") + 1] == "abc"
    assert "--session-id" not in argv
    assert argv[-1] == "Continue."


@pytest.mark.parametrize("flag", ["--settings=mine", "--permission-mode=plan", "--session-id=u", "--resume"])
def test_a_flag_the_user_set_for_claude_is_not_added_again(flag: str) -> None:
    argv = planned("claude", flag, permissions="default").argv
    assert not any(word == flag.partition("=")[0] for word in argv[2:])


def test_forestage_hands_claudes_flags_on_after_two_dashes() -> None:
    argv = planned("forestage", persona="naomi", resumes="abc").argv
    ours, theirs = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    assert ours[ours.index("--persona") + 1] == "naomi"
    assert theirs == ("--settings", "/h/d/claude.json", "--resume", "abc")


def test_codex_reports_through_its_own_configuration_flags() -> None:
    argv = planned("codex").argv
    assert any(word.startswith("hooks.Stop=") for word in argv)
    assert argv[-2:] == ("--", "the job")
    assert planned("codex", resumes="abc").argv[-4:] == ("resume", "abc", "--", "Continue.")


OWN = '[{matcher="x",hooks=[{type="command",command="mine \\"x\\"",timeout=5,async=false}]}]'


@pytest.mark.parametrize(
    "args",
    [
        ("-c", f"hooks.Stop={OWN}"),
        ("--config", f"hooks.Stop={OWN}"),
        (f"-chooks.Stop={OWN}",),
        (f"--config=hooks.Stop={OWN}",),
        ("-c", f"hooks={{Stop={OWN}}}"),
    ],
)
def test_hooks_the_user_set_for_codex_run_before_ours(args: tuple[str, ...]) -> None:
    argv = planned("codex", *args).argv
    assert argv[1 : len(args) + 1] == args
    [stop] = [word.partition("=")[2] for word in argv[len(args) + 1 :] if word.startswith("hooks.Stop=")]
    first, ours = tomllib.loads(f"value = {stop}")["value"]
    assert first == tomllib.loads(f"value = {OWN}")["value"][0]
    assert ours["hooks"][0]["command"] == "/py -IS /h/report.py codex-hook"
    [other] = [word for word in argv if word.startswith("hooks.SessionStart=")]
    assert "mine" not in other


@pytest.mark.parametrize(
    "setting", ["hooks.Stop=", "hooks.Stop=[", "hooks.Stop=1", "hooks=[]", "hooks", "=", ""]
)
def test_a_setting_that_is_no_hook_is_left_to_codex(setting: str) -> None:
    argv = planned("codex", "-c", setting).argv
    assert argv[1:3] == ("-c", setting)
    [stop] = [word for word in argv[3:] if word.startswith("hooks.Stop=")]
    assert len(tomllib.loads(f"value = {stop.partition('=')[2]}")["value"]) == 1


def test_gemini_runs_as_one_process_with_settings_of_its_own() -> None:
    plan = planned("gemini")
    assert plan.env["GEMINI_CLI_NO_RELAUNCH"] == "true"
    [(path, overlay)] = plan.overlays.items()
    assert "AfterAgent" in overlay.ours["hooks"]
    assert plan.mirror is not None
    assert path == f"{plan.mirror.path}/settings.json"
    assert plan.mirror.path == f"{plan.after['GEMINI_CLI_HOME']}/.gemini"
    assert plan.argv[-2:] == ("--prompt-interactive", "the job")


def test_opencode_and_aider_get_their_prompts_each_in_its_way() -> None:
    assert planned("opencode").argv == ("z", "--prompt", "the job")
    assert planned("opencode").typed_prompt == ""
    assert planned("aider").typed_prompt == "the job"


def test_aider_asks_nothing_at_its_start_unless_the_user_wants_it_to() -> None:
    asked = ["--no-gitignore", "--no-show-release-notes", "--no-check-update"]
    assert [word for word in planned("aider").argv if word.startswith("--no-")] == asked
    own = planned("aider", "--gitignore", "--no-check-update").argv
    assert [word for word in own if word.startswith("--no-")] == [
        "--no-check-update",
        "--no-show-release-notes",
    ]


@pytest.mark.parametrize(
    ("args", "resumes", "argv", "typed"),
    [
        ((), "ses", ("z", "--session", "ses"), "Continue."),
        (("--continue",), "", ("z", "--continue"), "the job"),
        (("-s", "mine"), "ses", ("z", "-s", "mine"), "Continue."),
    ],
)
def test_opencode_is_typed_to_where_it_goes_on_with_a_conversation(
    args: tuple[str, ...], resumes: str, argv: tuple[str, ...], typed: str
) -> None:
    plan = planned("opencode", *args, resumes=resumes)
    assert (plan.argv, plan.typed_prompt) == (argv, typed)


def test_a_refill_goes_on_with_the_conversation_of_the_one_before_it() -> None:
    assert resumed(Template(), ENDED) == "conversation"


@pytest.mark.parametrize("reason", ["killed", "restarted"])
def test_what_a_person_ended_comes_back_fresh(reason: str) -> None:
    assert resumed(Template(), msgspec.structs.replace(ENDED, reason=reason)) == ""


def test_a_resume_that_came_to_nothing_is_not_tried_again() -> None:
    silent = msgspec.structs.replace(ENDED, agent_session_id="", resumes="gone")
    assert resumed(Template(), silent) == ""
    lost = msgspec.structs.replace(silent, reason="tmux-server-lost")
    assert resumed(Template(), lost) == "gone"


def test_no_resume_where_the_role_wants_none() -> None:
    assert resumed(Template(resume=False), ENDED) == ""


def test_a_budget_is_used_up_by_time_or_by_money() -> None:
    assert budget_of(RoleSpec(name="r"), SESSION) is None
    assert budget_of(RoleSpec(name="r", max_runtime=60.0), SESSION) == ("max_runtime", 60.0, 70.0)
    dear = msgspec.structs.replace(SESSION, cost_usd=5.0)
    assert budget_of(RoleSpec(name="r", max_cost_usd=5.0), dear) == ("max_cost_usd", 5.0, 0.0)


def test_what_its_budget_ended_is_left_until_a_person_acts() -> None:
    order = StopOrder(reason="budget", at=1.0, deadline=2.0, state="failed")
    spent = msgspec.structs.replace(ENDED, reason="budget", stop=order)
    spec = RoleSpec(name="r", max_runtime=60.0)
    role = Role(position=1, workspace="w", team="t", name="r", uid="u", created_at=1.0, spec=spec, replicas=1)
    assert judge(spent, role, 100.0).act == "leave"
    assert judge(msgspec.structs.replace(spent, restart_requested=True), role, 100.0).act == "start"
