"""Files → manifests: what is accepted, where paths lead, what is said of files that are none."""

import os
from pathlib import Path

import pytest

from marvel.errors import ManifestError, MarvelError
from marvel.manifest import missing_commands, read, read_all
from marvel.resources import EndpointSpec, HealthcheckSpec

DEMO = """
[workspace]
name = "demo"
[[team]]
name = "squad"
  [[team.role]]
  name = "agent"
  replicas = 3
    [team.role.runtime]
    image = "simulator"
    command = "bin/simulator"
    args = ["--tick", "3000"]
    [team.role.healthcheck]
    type = "heartbeat"
    timeout = "30s"
    failure_threshold = 3
  [[team.role]]
  name = "supervisor"
  replicas = 1
    [team.role.runtime]
    image = "simulator"
    command = "bin/simulator"
    script = "scripts/chaos.lua"
[[endpoint]]
name = "agent-svc"
team = "squad"
"""

REVIEW = """
[workspace]
name = "my-project"

[[team]]
name = "review-squad"

  [[team.role]]
  name = "reviewer"
  replicas = 3

    [team.role.runtime]
    command = "/usr/local/bin/forestage"
    args = ["--persona", "dune/reviewer"]

    [team.role.healthcheck]
    type = "heartbeat"
    timeout = "30s"
    failure_threshold = 3

  [[team.role]]
  name = "supervisor"
  replicas = 1
  restart_policy = "always"

    [team.role.runtime]
    command = "/usr/local/bin/forestage"
    args = ["--persona", "dune/supervisor"]
"""

YAML = """
workspace: {name: demo}
teams:
  - name: squad
    roles:
      - name: agent
        replicas: 3
        runtime:
          image: simulator
          command: bin/simulator
          args: ["--tick", "3000"]
        healthcheck: {type: heartbeat, timeout: 30s, failure_threshold: 3}
      - name: supervisor
        runtime: {image: simulator, command: bin/simulator, script: scripts/chaos.lua}
endpoints:
  - name: agent-svc
    team: squad
"""

MINIMAL = '[workspace]\nname = "w"\n[[team]]\nname = "t"\n[[team.role]]\nname = "r"\n[team.role.runtime]\n'


def problems(text: str, **options: object) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read("-", stdin=text, **options)  # type: ignore[arg-type]
    return caught.value.problems


def test_the_demo_manifest_is_accepted() -> None:
    manifest = read("-", stdin=DEMO, directory=Path("/srv/demo"))
    agent, supervisor = manifest.teams[0].roles
    assert (manifest.workspace, manifest.teams[0].name) == ("demo", "squad")
    assert (agent.replicas, supervisor.replicas) == (3, 1)
    assert agent.template.runtime.command == "/srv/demo/bin/simulator"
    assert agent.template.runtime.args == ("--tick", "3000")
    assert agent.template.runtime.cwd == "/srv/demo"
    assert agent.healthcheck == HealthcheckSpec(type="heartbeat", timeout=30.0, failure_threshold=3)
    assert supervisor.healthcheck is None
    assert supervisor.template.runtime.script == "/srv/demo/scripts/chaos.lua"
    assert manifest.endpoints == (EndpointSpec(name="agent-svc", team="squad"),)


def test_the_review_manifest_is_accepted() -> None:
    reviewer, supervisor = read("-", stdin=REVIEW).teams[0].roles
    assert reviewer.template.runtime.command == "/usr/local/bin/forestage"
    assert reviewer.template.runtime.image == ""
    assert supervisor.restart_policy == "always"


def test_yaml_with_plural_keys_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text(YAML)
    (tmp_path / "demo.toml").write_text(DEMO)
    assert read(str(tmp_path / "demo.yaml")) == read(str(tmp_path / "demo.toml"))


@pytest.mark.parametrize(
    "text", [YAML, "---\n" + YAML, YAML.replace("teams:", "team:").replace("roles:", "role:")]
)
def test_yaml_on_standard_input_is_recognised(text: str) -> None:
    assert read("-", stdin=text) == read("-", stdin=DEMO)


def test_every_field_of_the_surface_is_read(tmp_path: Path) -> None:
    (tmp_path / "review.md").write_text("Review.")
    text = MINIMAL.replace(
        "[team.role.runtime]",
        'restart_policy = "on-failure"\nmax_restarts = 4\nbackoff_initial = "500ms"\nbackoff_max = 90\n'
        'permissions = "plan"\ndangerous_permissions = true\npersona = "p"\nidentity = "i"\n'
        'capabilities = ["scale", "kill"]\nprompt_file = "review.md"\nresume = false\nresume_prompt = "Go."\n'
        'max_runtime = "8h"\nmax_cost_usd = 5\nstart_interval = "1h30m"\nlog_output = true\n'
        '[team.role.stop]\nsignal = "SIGINT"\ngrace = 0\nkeys = ["C-c"]\n'
        '[team.role.shift]\nmax_surge = 0\nmax_unavailable = 1\non_change = "manual"\ncontext_percent = 80\n'
        'max_age = "2d"\nhandoff = "Write."\nhandoff_timeout = "5s"\n[team.role.runtime]\nimage = "claude"\n'
        'env = { KEY = "value" }\nenv_from = ["TOKEN"]\nenv_file = ".env"\ntrust_workspace = true\n'
        'ready_pattern = "^> $"\nready_delay = "3s"\n',
    )
    role = read("-", stdin=text, directory=tmp_path).teams[0].roles[0]
    assert (role.restart_policy, role.max_restarts, role.backoff_initial, role.backoff_max) == (
        "on-failure",
        4,
        0.5,
        90,
    )
    assert (role.max_runtime, role.max_cost_usd, role.start_interval, role.log_output) == (
        28_800,
        5.0,
        5_400,
        True,
    )
    assert role.capabilities == ("scale", "kill")
    assert (role.stop.signal, role.stop.grace, role.stop.keys) == ("INT", 0.0, ("C-c",))
    assert (role.shift.max_surge, role.shift.context_percent, role.shift.max_age) == (0, 80.0, 172_800)
    template = role.template
    assert (template.permissions, template.persona, template.identity) == ("plan", "p", "i")
    assert (template.resume, template.resume_prompt, template.dangerous_permissions) == (False, "Go.", True)
    assert (template.prompt_file, template.prompt_text) == (str(tmp_path / "review.md"), "Review.")
    assert (template.runtime.env, template.runtime.env_from) == ({"KEY": "value"}, ("TOKEN",))
    assert (template.runtime.image, template.runtime.command) == ("claude", "")
    assert template.runtime.env_file == str(tmp_path / ".env")
    assert (template.runtime.ready_pattern, template.runtime.ready_delay) == ("^> $", 3.0)


def test_an_exec_probe_waits_five_seconds_by_default() -> None:
    text = MINIMAL + 'command = "x"\n[team.role.healthcheck]\ntype = "exec"\ncommand = ["./probe", "a/b"]\n'
    check = read("-", stdin=text, directory=Path("/srv")).teams[0].roles[0].healthcheck
    assert check == HealthcheckSpec(type="exec", timeout=5.0, command=("/srv/probe", "a/b"))


def test_paths_resolve_against_the_manifest_then_against_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    for directory, name in ((there, "both"), (here, "both"), (here, "here-only")):
        (directory / "bin").mkdir(parents=True, exist_ok=True)
        (directory / "bin" / name).touch()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", "/home/someone")
    expected = {
        "bin/both": f"{there}/bin/both",
        "bin/here-only": f"{here}/bin/here-only",
        "bin/neither": f"{there}/bin/neither",
        "~/bin/x": "/home/someone/bin/x",
        "plain": "plain",
        "/abs/../x": "/x",
    }
    for command, path in expected.items():
        (there / "m.toml").write_text(f'{MINIMAL}command = "{command}"')
        runtime = read("../there/m.toml").teams[0].roles[0].template.runtime
        assert runtime.command == path
        assert runtime.cwd == str(there)


def test_paths_with_placeholders_are_resolved_as_text_and_not_read() -> None:
    text = MINIMAL + 'command = "x"\ncwd = "../wt-{index}"\nargs = ["{\\"a\\": {index}}", "{idx}"]\n'
    template = read("-", stdin=text, directory=Path("/srv/a")).teams[0].roles[0].template
    assert template.runtime.cwd == "/srv/wt-{index}"
    assert template.runtime.args == ('{"a": {index}}', "{idx}")


def test_a_prompt_file_whose_path_has_a_placeholder_is_not_left_out_in_silence(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "[team.role.runtime]", 'prompt_file = "for-{role}"\n[team.role.runtime]\nimage = "x"'
    )
    with pytest.raises(ManifestError, match="placeholders do not expand in it"):
        read("-", stdin=text, directory=tmp_path)
    (tmp_path / "for-{role}").write_text("You are {name}.")
    template = read("-", stdin=text, directory=tmp_path).teams[0].roles[0].template
    assert template.prompt_text == "You are {name}."


def test_a_prompt_file_that_cannot_be_read_is_a_problem_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "large").write_bytes(b"x" * (256 * 1024 + 1))
    (tmp_path / "latin").write_bytes(b"\xe9")
    (tmp_path / "nul").write_bytes(b"\0")
    os.mkfifo(tmp_path / "fifo")
    said = {
        "missing": "no such file",
        "dir": "is a directory",
        "large": "must be at most 256 KiB",
        "latin": "must be UTF-8 text",
        "nul": "must not contain a NUL byte",
        "fifo": "not a regular file",
    }
    for name, words in said.items():
        text = MINIMAL.replace(
            "[team.role.runtime]", f'prompt_file = "{name}"\n[team.role.runtime]\nimage = "x"'
        )
        assert problems(text, directory=tmp_path) == [
            f"team[0].role[0].prompt_file: {words}: {tmp_path}/{name} (line 7)"
        ]


def test_a_file_that_is_no_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_bytes(b"\xff" * 10_000_000)
    for source, words in {
        "none.toml": "no such file",
        ".": "is a directory",
        "large.toml": "larger than 1 MiB",
        "a\0b": "no such file",
    }.items():
        with pytest.raises(MarvelError) as caught:
            read(f"{tmp_path}/{source}")
        assert str(caught.value) == f"{tmp_path}/{source}: {words}"


def test_an_unreadable_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(MarvelError, match=r"loop.toml: can't be read: Too many levels"):
        read(f"{tmp_path}/loop.toml")


def test_standard_input_must_have_something() -> None:
    with pytest.raises(MarvelError, match="nothing on standard input"):
        read("-")
    with pytest.raises(MarvelError, match="larger than 1 MiB"):
        read("-", stdin="#" * 2_000_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty, a manifest begins with [workspace]"),
        (b" \n\n", "is empty, a manifest begins with [workspace]"),
        (b"a = '\xff'", "must be UTF-8 text (byte 6 is not)"),
        (b"a = 1\nb = '\0'", "must not contain a NUL byte (line 2)"),
        (b"a = 1\nb = ", "not valid TOML: Invalid value (at end of document)"),
        (b"a = 1\n[[a]]\n", "not valid TOML: "),
        (b"workspace:\n  name: x\n", "a YAML manifest is called *.yaml"),
        (b"a = " + b"[" * 100_000, "not valid TOML: nested too deeply"),
        (b"a = " + b"{a=" * 100_000, "not valid TOML: nested too deeply"),
        (b"a." * 200_000, "not valid TOML: nested too deeply"),
        (b"x = {y = 1, " + b"a." * 200_000 + b"a = 1}", "not valid TOML: nested too deeply"),
        (b"\n".join(b"a%d." % n + b"a." * 900 + b"a = 1" for n in range(500)), "nested too deeply"),
        (b"a = " + b"9" * 5_000, "not valid TOML: "),
    ],
)
def test_bad_toml_is_one_problem_with_its_place(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "m.toml").write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        read(str(tmp_path / "m.toml"))
    [problem] = caught.value.problems
    assert words in problem
    assert len(problem) < 300


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [1", "not valid YAML: "),
        (
            "a: &x 1\nb: *x",
            "anchors and aliases are not supported, write the value out (at line 1, column 4)",
        ),
        ("a: *x", "anchors and aliases are not supported"),
        ("a: 1\nb: 1\na: 2", 'key "a" stands twice in one mapping (at line 3, column 1)'),
        ("? [a]\n: 1", "a key must be plain text"),
        ("a: !!python/object/apply:os.system [ls]", 'tag "tag:yaml.org,2002:python/object/apply:o…" is not'),
        ("a: !!python/name:os.system x", 'tag "tag:yaml.org,2002:python/name:os.system" is not supported'),
        ("a: 1\n---\nb: 2", "one document per file (at line 2, column 1)"),
        ("- a\n- b", "must be a mapping with workspace and teams, is a list"),
        ("# nothing", "workspace: is required"),
        ("a: " + "[" * 100_000, "nest"),
        ("a: " + "[" * 50, "nested too deeply (at line 1, column 36)"),
        ("a: 2024-99-99", "can't be read"),
        ("a: " + "1" * 1_000_000, "a number of more than 100 characters"),
        ("a: 0x" + "f" * 1_000_000, "a number of more than 100 characters"),
        ('a: "\\UFFFFFFFF"', "not valid YAML: "),
        ("a: b: c", "not valid YAML: mapping values are not allowed"),
    ],
)
def test_bad_yaml_is_a_problem_with_its_place(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "m.yml").write_text(content)
    with pytest.raises(ManifestError) as caught:
        read(str(tmp_path / "m.yml"))
    assert any(words in problem for problem in caught.value.problems)


@pytest.mark.parametrize("value", ["1:30", "190:20:30", "1:30.5", "1" + ":59" * 100_000])
def test_a_number_of_base_60_is_text(tmp_path: Path, value: str) -> None:
    (tmp_path / "m.yaml").write_text(f"workspace: {{name: {value}}}\nteams: [{{name: {value}}}]")
    with pytest.raises(ManifestError) as caught:
        read(str(tmp_path / "m.yaml"))
    texts = ("workspace.name: must be lower-case letters", "workspace.name: must be at most 30 characters")
    assert caught.value.problems[0].startswith(texts)


def test_dots_in_texts_are_no_depth(tmp_path: Path) -> None:
    dots = "." * 5_000
    text = DEMO.replace("replicas = 3", f'replicas = 3\n  prompt = """\n{dots}\n"""  # {dots}')
    (tmp_path / "m.toml").write_text(text.replace('"--tick"', f'"{dots}"'))
    assert read(str(tmp_path / "m.toml")).teams[0].roles[0].template.prompt.strip() == dots


def test_several_files_of_one_workspace_are_merged(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(MINIMAL + 'command = "x"\n')
    (tmp_path / "b.toml").write_text(
        '[workspace]\nname = "w"\n[[endpoint]]\nname = "e"\nteam = "t"\nrole = "r"\n'
    )
    (tmp_path / "c.toml").write_text(DEMO)
    merged, demo = read_all([str(tmp_path / name) for name in ("a.toml", "b.toml", "c.toml")])
    assert (merged.workspace, len(merged.teams), len(merged.endpoints)) == ("w", 1, 1)
    assert demo.workspace == "demo"
    assert problems((tmp_path / "b.toml").read_text()) == [
        'endpoint[0].team: no team "t" in this manifest (line 5)'
    ]


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(MINIMAL + 'command = "x"\n')
    (tmp_path / "b.toml").write_text(MINIMAL + 'command = ""\n')
    (tmp_path / "c.toml").write_text("?")
    with pytest.raises(ManifestError) as caught:
        read_all(["a.toml", "b.toml", "c.toml", "d.toml"])
    assert caught.value.problems[:3] == [
        'b.toml: team[0].name: "t" is already the name of team[0] of a.toml (line 4)',
        "b.toml: team[0].role[0].runtime.command: must not be empty (line 8)",
        "c.toml: not valid TOML: Invalid statement (at line 1, column 1)",
    ]
    assert caught.value.problems[3:] == ["d.toml: no such file"]
    assert str(caught.value).startswith("4 manifests: 4 problems\n")


def test_commands_that_are_not_there_are_listed(tmp_path: Path) -> None:
    (tmp_path / "there").touch(mode=0o755)
    (tmp_path / "plain").touch(mode=0o644)
    text = '[workspace]\nname = "w"\n[[team]]\nname = "squad"\n'
    for index, runtime in enumerate(
        (
            'command = "there"',
            'command = "forestage"',
            'image = "claude"',
            'image = "simulator"',
            'command = "bin/simulator"',
            'command = "./plain"',
            'command = "./none"',
            'command = "there --model x"',
            'image = "there"\ncommand = "./."',
        )
    ):
        text += f'[[team.role]]\nname = "r{index}"\n[team.role.runtime]\n{runtime}\n'
    manifest = read("-", stdin=text, directory=tmp_path)
    assert missing_commands(manifest, str(tmp_path)) == [
        "team squad, role r1: command forestage not found",
        "team squad, role r2: command claude not found",
        f"team squad, role r5: command {tmp_path}/plain is not executable",
        f"team squad, role r6: command {tmp_path}/none not found",
        "team squad, role r7: command there --model x not found, its arguments belong in args",
        f"team squad, role r8: command {tmp_path} is a directory",
    ]
