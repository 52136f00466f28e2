"""Fields, names and references against each other; all problems at once, where they stand."""

import pytest

from marvel.errors import ManifestError
from marvel.manifest import read
from marvel.manifest.toml_text import locate

HEAD = '[workspace]\nname = "w"\n'


def told(text: str, *, force_large: bool = False) -> list[str]:
    try:
        read("-", stdin=text, force_large=force_large)
    except ManifestError as error:
        return error.problems
    return []


def role(text: str = "", *, team: str = "t", name: str = "r", **sections: str) -> str:
    """A team with one role; each section is text of several fields."""
    tables = "".join(f"[team.role.{key}]\n{value}\n" for key, value in sections.items())
    runtime = "" if "runtime" in sections else '[team.role.runtime]\ncommand = "x"\n'
    return f'[[team]]\nname = "{team}"\n[[team.role]]\nname = "{name}"\n{text}\n{tables}{runtime}'


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (
            role('prompt = "a"\nprompt_file = "{index}"'),
            "prompt_file: give either prompt or prompt_file, not both (line 8)",
        ),
        (
            role('backoff_initial = "2s"\nbackoff_max = "1s"'),
            "backoff_initial: must be at most backoff_max (1s), is 2s (line 7)",
        ),
        (
            role('backoff_initial = "5m"'),
            "backoff_initial: must be at most backoff_max (1m), is 5m (line 7)",
        ),
        (
            role("backoff_max = 0.5"),
            "backoff_max: must be at least backoff_initial (1s), is 500ms (line 7)",
        ),
        (
            role(healthcheck='command = ["x"]'),
            'healthcheck.command: only goes with type = "exec", the type is heartbeat (line 9)',
        ),
        (
            role(healthcheck='type = "process-alive"\ninterval = "3s"'),
            'healthcheck.interval: only goes with type = "exec", the type is process-alive (line 10)',
        ),
        (
            role(healthcheck='type = "exec"'),
            'healthcheck.command: is required by type = "exec" (line 8)',
        ),
        (
            role(healthcheck='type = "process-alive"\nstartup_timeout = "3s"'),
            "healthcheck.startup_timeout: waits for a first beat, process-alive has none (line 10)",
        ),
        (
            role(shift="max_surge = 0"),
            "shift.max_surge: must be at least 1 when max_unavailable is 0, or nothing can move (line 9)",
        ),
        (
            role(shift="max_surge = 0\nmax_unavailable = 0"),
            "shift.max_surge: must be at least 1 when max_unavailable is 0, or nothing can move (line 9)",
        ),
        (
            role(shift='handoff_timeout = "5s"'),
            "shift.handoff_timeout: only goes with handoff (line 9)",
        ),
        (
            role(shift='min_ready = "10m"'),
            "shift.min_ready: must be at most ready_timeout (5m), is 10m (line 9)",
        ),
        (
            role(runtime='command = "x"\nenv_from = ["A", "B"]\nenv = { B = "1" }'),
            'runtime.env_from[1]: "B" stands in env too, give it once (line 10)',
        ),
        (role(runtime='args = ["x"]'), "runtime: needs command or image (line 8)"),
    ],
)
def test_fields_that_contradict_each_other_are_one_problem(manifest: str, problem: str) -> None:
    assert told(HEAD + manifest) == [f"team[0].role[0].{problem}"]


@pytest.mark.parametrize(
    "manifest",
    [
        role('backoff_initial = "1m"\nbackoff_max = "1m"'),
        role(healthcheck='type = "process-alive"\ntimeout = "3s"\nfailure_threshold = 2'),
        role(healthcheck='type = "exec"\ncommand = ["x"]\ninterval = "3s"\nstartup_timeout = "1m"'),
        role(healthcheck=""),
        role(shift="max_surge = 0\nmax_unavailable = 1"),
        role('resume = false\nresume_prompt = "Continue."'),
        role("replicas = 0"),
        '[[team]]\nname = "empty"',
        "",
    ],
)
def test_what_may_be_meant_is_accepted(manifest: str) -> None:
    assert told(HEAD + manifest) == []


def test_a_contradiction_with_a_value_that_is_wrong_itself_is_not_told() -> None:
    assert len(told(HEAD + role('backoff_initial = "5m"\nbackoff_max = "x"'))) == 1
    assert len(told(HEAD + role(healthcheck='type = "exe"\ncommand = ["x"]'))) == 1
    assert len(told(HEAD + role(shift='handoff = 1\nhandoff_timeout = "5s"'))) == 1
    assert len(told(HEAD + role(healthcheck='type = "exec"\ncommand = "x"'))) == 1


def test_names_are_given_once() -> None:
    twice = '[[team.role]]\nname = "r"\n[team.role.runtime]\nimage = "x"\n'
    endpoint = '[[endpoint]]\nname = "e"\nteam = "t"\n'
    assert told(HEAD + role() + twice + role() + endpoint * 2) == [
        'team[0].role[1].name: "r" is already the name of team[0].role[0] (line 11)',
        'team[1].name: "t" is already the name of team[0] (line 15)',
        'endpoint[1].name: "e" is already the name of endpoint[0] (line 25)',
    ]


def test_roles_whose_sessions_would_have_the_same_names_are_refused() -> None:
    assert told(HEAD + role(team="a", name="b-c") + role(team="a-b", name="c")) == [
        "team[1].role[0].name: sessions would be named a-b-c-…, like those of role b-c of team a (line 13)"
    ]
    assert told(HEAD + role(team="a", name="b-c") + role(team="a-b", name="d")) == []


def test_an_endpoint_leads_to_a_team_and_role_of_the_manifest() -> None:
    def endpoint(target: str) -> list[str]:
        return told(f'{HEAD}{role(team="squad", name="agent")}[[endpoint]]\nname = "e"\n{target}')

    assert endpoint('team = "squad"\nrole = "agent"') == []
    assert endpoint('team = "sqaud"') == [
        'endpoint[0].team: no team "sqaud" in this manifest, did you mean squad? (line 12)'
    ]
    assert endpoint('team = "squad"\nrole = "x"') == ['endpoint[0].role: no role "x" in team squad (line 13)']


def test_an_endpoint_to_a_name_that_was_refused_is_not_told_besides() -> None:
    endpoint = '[[endpoint]]\nname = "e"\nteam = "squad"\nrole = "agent"'
    assert len(told(HEAD + role(team="Squad", name="agent") + endpoint)) == 1
    assert len(told(HEAD + role(team="squad", name="Agent") + endpoint)) == 1
    assert len(told("team = 3\n" + HEAD + endpoint)) == 1


def test_more_than_a_thousand_replicas_must_be_meant() -> None:
    large = HEAD + role("replicas = 400", team="a") + role("replicas = 601", team="b")
    assert told(large) == [
        "team[1].role[0].replicas: 1001 replicas in all, more than 1000 need --force-large (line 14)"
    ]
    assert told(large, force_large=True) == []
    assert told(HEAD + role("replicas = 1000")) == []


@pytest.mark.parametrize("force_large", [False, True])
def test_a_billion_replicas_are_one_clear_problem(force_large: bool) -> None:
    assert told(HEAD + role("replicas = 1_000_000_000"), force_large=force_large) == [
        "team[0].role[0].replicas: must be at most 100000, is 1000000000 (line 7)"
    ]


def test_both_spellings_at_once_are_refused() -> None:
    text = '[workspace]\nname = "w"\n[[team]]\nname = "t"\n[[teams]]\nname = "u"\n'
    assert told(text) == ["teams: give either team or teams, not both"]
    yaml = "---\nworkspace: {name: w}\nteams: []\nteam: []\n"
    assert told(yaml) == ["teams: give either team or teams, not both (line 3)"]


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
[workspace]
name = "a-name-of-thirty-one-characters"
color = "red"

[[endpoint]]
name = "svc"
team = "nobody"

[[team]]
name = "squad"
  [[team.role]]
  name = "agent"
  prompt = \"\"\"
  [[team]]
  replicas = -2
  \"\"\"
  replicas = -1
  backoff_initial = "1h"
    [team.role.runtime]
    args = [
      "a", # ]
      3,
    ]
    env = { A = "]", B = 1 }
    [team.role.shift]
    max_surge = -1
  [[team.role]]
  name = "agent"
  stop.grace = "-1s"
  runtime = { command = "x", arg = [] }
  # comment
  [[team.role]]
  [team.role."runtime"]
  command = ''
[[team]]
"name" = 'squad'
"""
    assert told(text) == [
        "workspace.name: must be at most 30 characters, has 31 (line 2)",
        "workspace.color: unknown key (line 3)",
        'endpoint[0].team: no team "nobody" in this manifest (line 7)',
        "team[0].role[0].replicas: must be at least 0, is -1 (line 17)",
        "team[0].role[0].backoff_initial: must be at most backoff_max (1m), is 1h (line 18)",
        "team[0].role[0].runtime: needs command or image (line 19)",
        "team[0].role[0].runtime.args[1]: must be a string, is 3, write it in quotes",
        "team[0].role[0].runtime.env.B: must be a string, write the value in quotes (line 24)",
        "team[0].role[0].shift.max_surge: must be at least 0, is -1 (line 26)",
        'team[0].role[1].name: "agent" is already the name of team[0].role[0] (line 28)',
        'team[0].role[1].stop.grace: must be at least 0, is "-1s" (line 29)',
        "team[0].role[1].runtime.arg: unknown key, did you mean args? (line 30)",
        "team[0].role[2].name: is required (line 32)",
        "team[0].role[2].runtime.command: must not be empty (line 34)",
        'team[1].name: "squad" is already the name of team[0] (line 36)',
    ]


def test_yaml_problems_have_lines_and_the_keys_as_written() -> None:
    text = """\
---
workspace:
  name: w
teams:
- name: t
  roles:
  - name: r
    replicas: no
    runtime:
      args:
      - 3
"""
    assert told(text) == [
        "teams[0].roles[0].replicas: must be an integer, is false (line 8)",
        "teams[0].roles[0].runtime: needs command or image (line 9)",
        "teams[0].roles[0].runtime.args[0]: must be a string, is 3, write it in quotes (line 11)",
    ]


def test_thousands_of_problems_are_bounded() -> None:
    problems = told(HEAD + "".join(f"key{index} = 1\n" for index in range(20_000)))
    assert len(problems) == 201
    assert problems[-1] == "and 19800 more problems"


def test_lines_of_windows_files_are_right() -> None:
    text = '[workspace]\r\nname = """\r\nx"""\r\n[[team]]\r\nname = 3\r\n'
    assert locate(text).of(("team", 0, "name")) == 5
