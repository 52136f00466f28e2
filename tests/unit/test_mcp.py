"""The MCP server: calls beside each other, cancelled ones, and messages of every shape."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marvel.cli.mcp import TOOLS
from marvel.cli.mcp_server import VERSIONS, Server
from marvel.client import Marvel, api

WAIT_SECONDS = 20.0
COMMAND = """#!/bin/sh
case "$*" in *slow*) exec sleep 1000 ;; esac
echo "$*"
"""


class Desk:
    """A server whose commands are a script's, and its client's end."""

    def __init__(self, home: Path) -> None:
        self.said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.server = Server(Marvel(str(home)), self.said.put)
        self.thread = threading.Thread(target=lambda: self.server.run(iter(self.lines.get, b"")))
        self.thread.start()

    def say(self, message: Any) -> None:
        self.lines.put(message if isinstance(message, bytes) else json.dumps(message).encode())

    def call(self, identity: Any, key: str, tool: str = "why") -> None:
        params = {"name": tool, "arguments": {"key": key}}
        self.say({"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": params})

    def hear(self) -> Any:
        return self.said.get(timeout=WAIT_SECONDS)

    def asked(self, message: Any) -> Any:
        self.say(message)
        return self.hear()

    def close(self) -> None:
        self.lines.put(b"")
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    command = tmp_path / "command"
    command.write_text(COMMAND)
    command.chmod(0o755)
    monkeypatch.setattr(api.sys, "executable", str(command))
    made = Desk(tmp_path)
    yield made
    made.close()


def test_a_ping_is_answered_while_a_tool_runs_and_a_cancelled_call_gets_no_answer(desk: Desk) -> None:
    desk.call(1, "slow")
    assert desk.asked({"id": 2, "method": "ping"})["id"] == 2
    desk.call("three", "quick")
    assert desk.hear()["id"] == "three"
    desk.say({"method": "notifications/cancelled", "params": {"requestId": 1, "reason": "changed my mind"}})
    assert desk.asked({"id": 4, "method": "ping"})["id"] == 4
    desk.close()  # the cancelled one is over
    assert desk.said.empty()


def test_a_change_waits_for_what_was_asked_before_it_and_is_done_before_what_is_asked_after(
    desk: Desk,
) -> None:
    desk.call(1, "slow")
    params = {"name": "inject", "arguments": {"key": "k", "text": "t"}}
    desk.say({"id": 2, "method": "tools/call", "params": params})
    desk.call(3, "quick")
    desk.say({"id": 4, "method": "tools/call", "params": params})
    desk.say({"method": "notifications/cancelled", "params": {"requestId": 4}})  # before it begins
    assert desk.asked({"id": 5, "method": "ping"})["id"] == 5
    desk.say({"method": "notifications/cancelled", "params": {"requestId": 1}})
    assert [desk.hear()["id"] for _ in range(2)] == [2, 3]


def test_more_calls_than_run_at_the_same_time_are_all_answered(desk: Desk) -> None:
    for number in range(20):
        desk.call(number, f"key-{number}")
    answers = [desk.hear() for _ in range(20)]
    assert {answer["id"] for answer in answers} == set(range(20))
    assert all(f"key-{answer['id']}" in answer["result"]["content"][0]["text"] for answer in answers)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b"5", -32600),
        (b'{"id": 1e999, "method": "ping"}', -32600),
        (b'{"id": null, "method": "ping"}', -32600),
        (b'{"id": [1], "method": "ping"}', -32600),
        (b'{"id": 1, "method": "unheard"}', -32601),
    ],
)
def test_what_is_no_request_is_an_error_that_can_be_written(desk: Desk, line: bytes, code: int) -> None:
    answer = desk.asked(line)
    assert answer["error"]["code"] == code
    json.dumps(answer, allow_nan=False)


def test_an_answer_that_is_sent_to_the_server_is_not_answered(desk: Desk) -> None:
    desk.say({"id": 1, "result": {}})
    desk.say({"id": 2, "error": {"code": 1, "message": "no"}})
    desk.say({"method": "notifications/initialized"})
    assert desk.asked({"id": 3, "method": "ping"})["id"] == 3


def test_a_batch_is_answered_as_one(desk: Desk) -> None:
    params = {"name": "why", "arguments": {"key": "k"}}
    batch = [
        {"id": 1, "method": "ping"},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": params},
    ]
    assert [answer["id"] for answer in desk.asked(batch)] == [1, 2]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_protocol_that_it_speaks_is_agreed_on(desk: Desk, version: str) -> None:
    told = desk.asked({"id": 1, "method": "initialize", "params": {"protocolVersion": version}})
    assert told["result"]["protocolVersion"] == version


def test_tools_say_what_they_change(desk: Desk) -> None:
    tools = {
        one["name"]: one["annotations"]
        for one in desk.asked({"id": 1, "method": "tools/list"})["result"]["tools"]
    }
    assert {name for name, hints in tools.items() if hints["readOnlyHint"]} == {
        "list_sessions",
        "describe",
        "events",
        "capture",
        "why",
    }
    assert {name for name, hints in tools.items() if hints.get("destructiveHint")} == {"scale", "shift"}
    assert tools.keys() == TOOLS.keys()


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        (
            "describe",
            {"key": "k", "kind": "--help"},
            "kind must be one of session, team, workspace, endpoint",
        ),
        ("events", {"count": "5"}, "count must be an integer"),
        ("events", {"count": 1e3}, "-n1000"),
    ],
)
def test_arguments_are_checked_before_they_become_a_command(
    desk: Desk, tool: str, arguments: dict[str, Any], text: str
) -> None:
    params = {"name": tool, "arguments": arguments}
    answer = desk.asked({"id": 1, "method": "tools/call", "params": params})
    assert text in answer["result"]["content"][0]["text"]
