"""Every example: valid, with its comment, and running where it needs nothing foreign."""

from pathlib import Path

import pytest
from cli_terminal import Terminal

from marvel.manifest import missing_commands, read, schema
from tests.integration.home import Home, put_new_log, until
from tests.integration.test_contain import WHY_NOT

EXAMPLES = sorted((Path(__file__).resolve().parent.parent.parent / "examples").glob("*.[ty]*ml"))
FOREIGN = {"claude", "forestage-team", "mixed-adapters"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_and_says_what_to_type(example: Path) -> None:
    read(str(example))
    comment = [line for line in example.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any(f"marvel up examples/{example.name}" in line or "marvel work" in line for line in comment)


@pytest.mark.parametrize("name", ["demo", "generic-agent"])
def test_the_yaml_twin_is_the_same_manifest(name: str) -> None:
    twins = [path for path in EXAMPLES if path.stem == name]
    assert len(twins) == 2
    assert read(str(twins[0])) == read(str(twins[1]))


@pytest.mark.parametrize(
    "example",
    [path for path in EXAMPLES if path.stem not in FOREIGN and path.suffix == ".toml"],
    ids=lambda path: path.name,
)
def test_an_example_without_foreign_commands_converges(home: Home, example: Path) -> None:
    manifest = read(str(example))
    if "bubblewrap" in example.read_text(encoding="utf-8") and WHY_NOT:
        pytest.skip(WHY_NOT)
    assert missing_commands(manifest, "/usr/bin:/bin") == []
    wanted = sum(role.replicas for team in manifest.teams for role in team.roles)
    put_new_log(home.path)
    home.marvel("up", str(example))
    assert len(home.running(wanted)) == wanted
    until(lambda: all(row["ready"] for row in home.sessions()), "all are ready", home.describe)
    home.marvel("stop", "--yes")


def test_the_originals_manifests_run_unmodified(home: Home) -> None:
    """A simulator that is not there is stood in for; a script that is not there is told, not fatal."""
    text = (
        '[workspace]\nname = "demo"\n[[team]]\nname = "squad"\n'
        '[[team.role]]\nname = "agent"\nreplicas = 2\n'
        '[team.role.runtime]\nimage = "simulator"\ncommand = "bin/simulator"\nargs = ["--tick", "3000"]\n'
        '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "30s"\nfailure_threshold = 3\n'
        '[[team.role]]\nname = "supervisor"\nreplicas = 1\n'
        '[team.role.runtime]\nimage = "simulator"\ncommand = "bin/simulator"\nargs = ["--tick", "5000"]\n'
        'script = "scripts/chaos.lua"\n'
        '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "30s"\nfailure_threshold = 3\n'
        '[[endpoint]]\nname = "agent-svc"\nteam = "squad"\n'
    )
    home.start()
    home.marvel("work", home.write(text), "--wait", "--timeout", "20s")
    pane = next(row["pane"] for row in home.running(3) if row["role"] == "supervisor")
    until(
        lambda: "script not found" in home.tmux("demo", "capture-pane", "-p", "-t", pane),
        "the missing script is told",
    )


def test_export_round_trips_and_masks(home: Home) -> None:
    home.start()
    example = next(path for path in EXAMPLES if path.name == "generic-agent.toml")
    home.marvel("work", str(example), "--wait", "--timeout", "20s")
    home.marvel("scale", "generic/shells", "--role", "worker", "--replicas", "3")
    home.running(3)
    exported = home.marvel("export", "generic").stdout
    assert "hello" not in exported
    head = home.head()
    assert home.marvel("work", "-", stdin=exported).stdout == "unchanged\n"
    assert (
        home.marvel("work", home.write(home.marvel("export", "generic/shells").stdout)).stdout
        == "unchanged\n"
    )
    assert home.head() == head
    assert home.marvel("export", "nothing", ok=False).returncode == 4


def test_the_schema_is_printed_and_knows_every_example(home: Home) -> None:
    import json

    printed = json.loads(home.marvel("schema").stdout)
    assert printed == schema()
    assert set(printed["properties"]) >= {"workspace", "team", "endpoint"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_is_exported_of_an_example_is_the_example(
    empty: Terminal, tmp_path: Path, example: Path
) -> None:
    empty(f"work {example}")
    exported = tmp_path / "exported.toml"
    exported.write_text(empty(f"export {read(str(example)).workspace}"), encoding="utf-8")
    before = empty("events")
    assert empty(f"work {exported} --prune") == "unchanged\n"
    assert empty("events") == before
