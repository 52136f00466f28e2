"""The shape of the project: what documents promise and contracts hold."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from marvel import events
from marvel.cli.catalog import COMMANDS
from marvel.daemon.reconciler import CONTROLLERS
from marvel.store.migrate import known_revisions
from marvel.store.revisions import HEAD

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_imports_point_down_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_controllers_that_run_are_those_that_are_independent() -> None:
    contracts = tomllib.loads(PYPROJECT)["tool"]["importlinter"]["contracts"]
    [independent] = [contract["modules"] for contract in contracts if contract["type"] == "independence"]
    assert {name.rpartition(".")[2] for name in independent} == set(CONTROLLERS)


def test_every_room_stands_in_the_layers_and_on_the_map() -> None:
    import marvel

    rooms = {path.stem for path in (ROOT / "marvel").iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__init__", "__pycache__", "py"}
    layers = tomllib.loads(PYPROJECT)["tool"]["importlinter"]["contracts"][0]["layers"]
    assert {name for layer in layers for name in layer.split(" | ")} == rooms
    assert {room for room in rooms if f"`{room}`" not in (marvel.__doc__ or "")} == set()


def test_every_fact_is_one_of_the_kinds() -> None:
    assert {fact.__name__ for fact in events.Fact.__subclasses__()} == {
        fact.__name__ for fact in events.KINDS.values()
    }


@pytest.mark.parametrize("command", [name for name, entry in COMMANDS.items() if entry.section])
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert re.search(rf"`marvel {command}\b", README)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    if command == "simulator":
        return  # hands all its options to the simulator
    done = subprocess.run(
        [sys.executable, "-m", "marvel", command, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: marvel")


def test_ci_runs_the_readmes_own_test_command() -> None:
    block = re.search(r"<!-- test -->\n```sh\n(.+)\n```\n<!-- end -->", README)
    assert block is not None
    assert block[1].startswith("python3 -m venv .venv && ")
    assert block[1].endswith(".venv/bin/pytest")
    assert "<!-- test -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert block[1] in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_newest_migration_is_the_schema_that_readers_accept() -> None:
    assert known_revisions()[-1] == HEAD


def test_every_dependency_has_its_reason_beside_it() -> None:
    block = PYPROJECT.split("dependencies = [", 1)[1].split("]\n", 1)[0]
    lines = [line.strip() for line in block.strip().splitlines()]
    for before, line in zip(["", *lines], lines, strict=False):
        assert line.startswith("#") or before.startswith("#"), line
