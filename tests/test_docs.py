"""Docs that would lie if the code moved on: each is held against what it describes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marvel.cli import objects
from marvel.cli.differences import Difference, public_of
from marvel.cli.generations import Reason, Why
from marvel.cli.history import FIELDS
from marvel.cli.report import row_of
from marvel.cli.tally import Agent
from marvel.cli.why import Answer, reason_of, told_of
from marvel.manifest import schema
from marvel.resources import Session

ROOT = Path(__file__).resolve().parent.parent
JSON = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
SHIPPED = ROOT / "marvel" / "manifest" / "manifest.schema.json"

ROW: dict[str, Any] = {
    "workspace": "w",
    "team": "t",
    "role": "r",
    "name": "n",
    "uid": "u",
    "generation": 1,
    "index": 0,
    "state": "running",
    "created_at": 1.0,
    "image": "",
    "command": "c",
    "spec": {},
    "replicas": 1,
    "requested_at": 1.0,
    "reason": "requested",
    "cause": 1,
    "roles": ["n"],
}


def objects_of() -> dict[str, dict[str, Any]]:
    """One object of each kind, as `get -o json` makes them."""
    [team] = objects.teams([{**ROW, "name": "t"}], [{**ROW, "name": "n"}], [], [])
    return {
        "Session": objects.session(ROW),
        "Team": team,
        "Role": team["roles"][0],
        "Workspace": objects.workspaces([ROW], [], [])[0],
        "Endpoint": objects.endpoints([ROW], [])[0],
        "Shift": objects.shifts([ROW], [], [])[0],
        "Event": dict.fromkeys(FIELDS),
        "Why": told_of(Answer("session", "w/n", "running", 1.0, Why("", [], []), [])),
        "Reason": reason_of(Reason("")),
        "Report": row_of(Agent(msgspec.convert(ROW | {"position": 1}, Session))),
        "Difference": public_of(Difference("created", "team", "w/t", {})),
    }


@pytest.mark.parametrize("kind", objects_of())
def test_each_field_of_json_is_documented_in_its_order(kind: str) -> None:
    section = JSON.partition(f"## {kind}\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE)
    assert documented == list(objects_of()[kind])


def test_the_schema_that_is_shipped_for_editors_is_the_one_that_is_printed() -> None:
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.[ty]*ml")), ids=lambda p: p.name)
def test_each_example_names_the_schema_for_editors(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    named = re.search(r"^#:schema (\S+)$|^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
    assert named is not None
    assert (example.parent / (named[1] or named[2])).resolve() == SHIPPED
