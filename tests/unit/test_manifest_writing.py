"""Manifest → TOML."""

from pathlib import Path

import pytest

from marvel.manifest import read, to_toml
from marvel.resources import HealthcheckSpec, Manifest, RoleSpec, RuntimeSpec, ShiftSpec, TeamSpec, Template

TEXT = '''\
[workspace]
name = "w"

[[team]]
name = "squad"

[[team.role]]
name = "reviewer"
replicas = 3
backoff_max = "1m30s"
prompt = """
Review.
Say 'done'.
"""
max_cost_usd = 5

[team.role.runtime]
image = "claude"
args = ["--model", "sonnet"]
cwd = "/srv"

[team.role.runtime.env]
KEY = "value"
"a.b" = "x"

[team.role.healthcheck]
type = "heartbeat"

[team.role.shift]
context_percent = 80
handoff = "Write."

[[team.role]]
name = "supervisor"

[team.role.runtime]
command = "/bin/x"
cwd = "/srv"

[team.role.healthcheck]
type = "exec"
command = ["/bin/probe"]

[[endpoint]]
name = "svc"
team = "squad"
'''


def test_a_manifest_is_written_in_order_without_defaults() -> None:
    assert to_toml(read("-", stdin=TEXT)) == TEXT


def test_values_of_env_are_masked_when_asked() -> None:
    masked = TEXT.replace('"value"', '"***"').replace('"a.b" = "x"', '"a.b" = "***"')
    assert to_toml(read("-", stdin=TEXT), mask=True) == masked
    assert read("-", stdin=masked).teams[0].roles[0].template.runtime.env == {"KEY": "***", "a.b": "***"}


@pytest.mark.parametrize(
    "role",
    [
        RoleSpec(name="r", healthcheck=HealthcheckSpec(type="exec", command=("x",), timeout=30.0)),
        RoleSpec(name="r", healthcheck=HealthcheckSpec(type="exec", command=("x",), timeout=5.0)),
        RoleSpec(name="r", healthcheck=HealthcheckSpec(timeout=5.0)),
        RoleSpec(name="r", shift=ShiftSpec(max_surge=0, max_unavailable=2), max_runtime=1 / 3),
        RoleSpec(name="r", template=Template(prompt="a\r\nb\n", resume_prompt="", resume=False)),
        RoleSpec(name="r", template=Template(prompt='"""\\\n\t\x01\x7f'), capabilities=("scale", "run")),
    ],
)
def test_what_was_written_is_read_as_the_same(role: RoleSpec) -> None:
    from msgspec.structs import replace

    runtime = RuntimeSpec(command="/bin/x", args=("a b", "x" * 200, '"', "\n"), cwd="/srv")
    role = replace(role, template=replace(role.template, runtime=runtime))
    manifest = Manifest(workspace="w", teams=(TeamSpec(name="t", roles=(role,)),))
    assert read("-", stdin=to_toml(manifest)) == manifest


def test_a_prompt_file_is_written_as_its_path(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("Review.")
    text = TEXT.replace('name = "supervisor"', 'name = "supervisor"\nprompt_file = "p.md"')
    manifest = read("-", stdin=text, directory=tmp_path)
    assert f'prompt_file = "{tmp_path}/p.md"' in to_toml(manifest)
    assert read("-", stdin=to_toml(manifest)) == manifest
