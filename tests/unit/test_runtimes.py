"""How an agent's process is made from a role: pure plans."""

import msgspec
import pytest

from marvel.resources import HealthcheckSpec, RoleSpec, RuntimeSpec, Session, ShiftSpec, Template
from marvel.runtimes import ADAPTERS, LaunchPlan, Place, Wish, adapter_of, launch_plan

PLACE = Place(
    home="/state",
    socket="/state/marvel.sock",
    beat="/state/beats/u1",
    directory="/state/sessions/u1",
    token="secret",  # noqa: S106
    python="/usr/bin/python3",
)
SESSION = Session(
    position=1,
    workspace="demo",
    team="squad",
    role="agent",
    name="squad-agent-g2-3",
    uid="u1",
    generation=2,
    index=3,
    state="pending",
    created_at=1.0,
    image="",
    command="",
    predecessor="u0",
)


def planned(template: Template, role: RoleSpec | None = None) -> LaunchPlan:
    wish = Wish(session=SESSION, template=template, role=role, place=PLACE)
    return launch_plan(wish, adapter_of(template))


@pytest.mark.parametrize(
    ("runtime", "name"),
    [
        (RuntimeSpec(image="simulator"), "simulator"),
        (RuntimeSpec(command="bin/simulator"), "simulator"),
        (RuntimeSpec(command="/opt/simulator"), "simulator"),
        (RuntimeSpec(command="sleep"), "generic"),
        (RuntimeSpec(image="unheard-of", command="bin/simulator"), "generic"),
        (RuntimeSpec(image="simulator", command="sleep"), "simulator"),
    ],
)
def test_the_image_goes_before_the_commands_name_and_the_rest_is_generic(
    runtime: RuntimeSpec, name: str
) -> None:
    assert adapter_of(Template(runtime=runtime)).name == name


@pytest.mark.parametrize("image", ["claude", "codex", "gemini", "opencode", "forestage"])
@pytest.mark.parametrize("told", ["--dangerously-skip-permissions", "-x", "../../etc", "a b"])
def test_what_an_old_log_holds_as_an_id_is_no_argument_unless_it_looks_like_one(
    image: str, told: str
) -> None:
    template = Template(runtime=RuntimeSpec(image=image), prompt="Begin.")

    def argv(resumes: str) -> tuple[str, ...]:
        session = msgspec.structs.replace(SESSION, resumes=resumes)
        wish = Wish(session=session, template=template, role=None, place=PLACE)
        return launch_plan(wish, adapter_of(template)).argv

    assert argv(told) == argv("")
    honest = "019aa1b2-7c3d-7e4f-8a5b-0c1d2e3f4a5b"
    assert honest in argv(honest)


def test_a_generic_argv_is_passed_on_as_it_is() -> None:
    args = ("-c", 'echo "$(id -u) ; #{pane_id}"', "", "größe", "{other}", "--", "a\nb")
    plan = planned(Template(runtime=RuntimeSpec(command="/bin/sh", args=args, cwd="/srv"), prompt="Go."))
    assert plan.argv == ("/bin/sh", *args)
    assert (plan.cwd, plan.typed_prompt, plan.stand_in, plan.files) == ("/srv", "Go.", (), {})


def test_placeholders_are_filled_in_where_promised_and_nowhere_else() -> None:
    runtime = RuntimeSpec(
        command="run-{index}",
        args=("{name}", "{team}-{role}", "{index}{index}", "{{index}}", "{workspace}"),
        cwd="/srv/{index}",
        env={"{index}": "{name}"},
    )
    plan = planned(Template(runtime=runtime, prompt="You are {name}."))
    assert plan.argv == ("run-{index}", "squad-agent-g2-3", "squad-agent", "33", "{index}", "{workspace}")
    assert plan.cwd == "/srv/3"
    assert plan.env["{index}"] == "squad-agent-g2-3"
    assert plan.typed_prompt == "You are squad-agent-g2-3."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{{name}}"),
        ("{{name}", "{squad-agent-g2-3"),
        ("{name}}", "squad-agent-g2-3}"),
        ("{{x}} {} {{ {{}} { name }", "{{x}} {} {{ {{}} { name }"),
        ("{index}{{index}}{index}", "3{index}3"),
    ],
)
def test_a_placeholder_in_two_braces_is_itself_and_other_braces_stay(text: str, expected: str) -> None:
    assert planned(Template(prompt=text)).typed_prompt == expected


def test_the_text_of_a_prompt_file_is_typed_where_there_is_no_prompt() -> None:
    code = 'print(f"Hello {name}") with {{role}} and {x} and {}'
    assert planned(Template(prompt_text=code)).typed_prompt == code
    assert planned(Template(prompt="own", prompt_text="file")).typed_prompt == "own"


@pytest.mark.parametrize("name", [*ADAPTERS, "anything"])
def test_a_private_prompt_is_typed_and_in_no_argument(name: str) -> None:
    template = Template(runtime=RuntimeSpec(image=name), prompt_text="swordfish")
    wish = Wish(session=SESSION, template=template, role=None, place=PLACE, private_prompt=True)
    plan = launch_plan(wish, adapter_of(template))
    assert "swordfish" not in " ".join((*plan.argv, *plan.env.values(), *plan.stand_in))
    assert plan.typed_prompt == "swordfish"
    assert plan.files[PLACE.private_prompt] == b""


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode"])
def test_what_is_typed_to_a_resumed_agent_is_not_the_private_prompt(name: str) -> None:
    template = Template(runtime=RuntimeSpec(image=name), prompt_text="swordfish", resume_prompt="Continue.")
    session = msgspec.structs.replace(SESSION, resumes="4f0c1f6e-0000-4000-8000-000000000000")
    wish = Wish(session=session, template=template, role=None, place=PLACE, private_prompt=True)
    plan = launch_plan(wish, adapter_of(template))
    assert "swordfish" not in repr(plan)
    assert "Continue." in (*plan.argv, plan.typed_prompt)


def test_an_agent_is_told_who_it_is_and_a_role_can_not_say_otherwise() -> None:
    runtime = RuntimeSpec(command="x", env={"MARVEL_TOKEN": "forged", "MINE": "1"})
    assert planned(Template(runtime=runtime)).env == {
        "MINE": "1",
        "MARVEL_HOME": "/state",
        "MARVEL_SOCKET": "/state/marvel.sock",
        "MARVEL_SESSION": "squad-agent-g2-3",
        "MARVEL_SESSION_UID": "u1",
        "MARVEL_WORKSPACE": "demo",
        "MARVEL_TEAM": "squad",
        "MARVEL_ROLE": "agent",
        "MARVEL_GENERATION": "2",
        "MARVEL_INDEX": "3",
        "MARVEL_TOKEN": "secret",
        "MARVEL_BEAT": "/state/beats/u1",
        "MARVEL_HEARTBEAT_SECONDS": "10",
    }


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (HealthcheckSpec(timeout=30.0), "10"),
        (HealthcheckSpec(timeout=1.0), "0.333333"),
        (HealthcheckSpec(type="process-alive", timeout=1.0), "10"),
        (None, "10"),
    ],
)
def test_beats_are_asked_for_three_times_a_timeout(check: HealthcheckSpec | None, seconds: str) -> None:
    plan = planned(Template(), RoleSpec(name="agent", healthcheck=check))
    assert plan.env["MARVEL_HEARTBEAT_SECONDS"] == seconds


def test_a_handoff_names_the_own_file_and_the_predecessors() -> None:
    plan = planned(Template(), RoleSpec(name="agent", shift=ShiftSpec(handoff="Write it down.")))
    assert plan.env["MARVEL_HANDOFF"] == "/state/sessions/u1/handoff.md"
    assert plan.env["MARVEL_HANDOFF_FROM"] == "/state/sessions/u0/handoff.md"


def test_the_simulator_is_this_marvels_own_unless_a_file_of_that_name_exists() -> None:
    own = (
        *("--name", "squad-agent-g2-3", "--workspace", "demo", "--team", "squad", "--role", "agent"),
        *("--generation", "2", "--socket", "/state/marvel.sock", "--script", "s.lua"),
    )
    built_in = ("/usr/bin/python3", "-P", "-m", "marvel.simulator", "--tick", "50", *own)
    runtime = RuntimeSpec(image="simulator", args=("--tick", "50"), script="s.lua")
    plan = planned(Template(runtime=runtime))
    assert (plan.argv, plan.stand_in) == (built_in, ())
    runtime = RuntimeSpec(command="bin/simulator", args=("--tick", "50"), script="s.lua")
    plan = planned(Template(runtime=runtime))
    assert (plan.argv, plan.stand_in) == (("bin/simulator", "--tick", "50", *own), built_in)
