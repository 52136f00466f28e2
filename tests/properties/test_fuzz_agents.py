"""Rubbish from agents: hooks, streams, records. A signal or nothing comes out, never a trace."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marvel import events, reporter
from marvel.daemon.leases import BeatRefused, _signal
from marvel.daemon.records import Reading
from marvel.runtimes import PARSERS, Signal, parse
from marvel.runtimes.opencode import MAX_SESSIONS, MODELS, PERMISSIONS, STATUSES, known
from marvel.runtimes.sse import BadAnswer, Body, Events
from marvel.runtimes.values import MAX_TEXT
from tests.rubbish import FIXTURES, objects, payloads


@given(source=st.sampled_from([*sorted(PARSERS), "nobody"]), payload=payloads)
@example(source="claude-statusline", payload={"context_window": {"used_percentage": 10**400}})
def test_any_payload_of_an_agent_is_a_signal_or_nothing(source: str, payload: Any) -> None:
    signal = parse(source, payload)
    assert signal is None or isinstance(signal, Signal)
    if signal is not None:
        percent = signal.context_percent
        assert percent is None or 0 <= percent <= 100
        assert signal.resets_at is None or 0 <= signal.resets_at < math.inf
        texts = signal.detail + signal.model + signal.agent_session_id + signal.about
        texts.encode()  # can be recorded
        assert texts.isprintable()
        events.encode(events.SessionSignaled(**{f: getattr(signal, f) for f in ("detail", "model")}))


captured = st.sampled_from(
    [(file.stem, json.loads(file.read_text())) for file in sorted(FIXTURES.glob("*.json"))]
)


@given(real=captured, data=st.data())
def test_a_real_payload_with_anything_in_any_place_is_a_signal_or_nothing(
    real: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, payload = real
    source = "-".join(name.split("-")[:2])
    harmed = json.loads(json.dumps(payload))
    within = harmed
    while (place := data.draw(st.sampled_from(sorted(within)))) and isinstance(within[place], dict):
        if not within[place] or data.draw(st.booleans()):
            break
        within = within[place]
    within[place] = data.draw(payloads)
    for told in (harmed, reporter.reduced(harmed), {**harmed, "rollout": [harmed, payload]}):
        signal = parse(source, told)
        if signal is not None:
            assert signal.context_percent is None or 0 <= signal.context_percent <= 100
            texts = signal.detail + signal.model + signal.agent_session_id + signal.about
            assert texts.isprintable()
            assert len(texts) <= 4 * MAX_TEXT + len("permission: ")


@given(path=st.sampled_from([MODELS, STATUSES, PERMISSIONS, "/else"]), answer=payloads)
@example(path=STATUSES, answer={str(number): {"type": "busy"} for number in range(5000)})
@example(path=PERMISSIONS, answer=[{"permission": "\x1b[2J", "sessionID": "\n"}] * 5000)
@example(path=MODELS, answer={"providers": [{"id": "\0", "models": {"m": {"limit": {"context": 10**400}}}}]})
def test_any_answer_of_opencode_is_something_that_its_events_can_be_read_with(path: str, answer: Any) -> None:
    kept, told = known(path, answer)
    assert len(told) <= MAX_SESSIONS
    message = {"type": "message.updated", "properties": {"info": {"tokens": {"input": 7}}}}
    for event in (*told, message):
        signal = parse("opencode-sse", {**event, **kept})
        assert signal is not None
        assert (signal.detail + signal.model + signal.about).isprintable()
        assert signal.context_percent is None or 0 <= signal.context_percent <= 100


@given(cuts=st.lists(st.binary(max_size=300) | objects.map(lambda one: json.dumps(one).encode() + b"\n")))
def test_any_bytes_of_a_stream_are_events_or_a_bad_answer(cuts: list[bytes]) -> None:
    body, stream = Body(), Events()
    with contextlib.suppress(BadAnswer):
        for cut in (b"HTTP/1.1 200 OK\r\n\r\n", *cuts):
            assert all(isinstance(event, dict) for event in stream.feed(body.feed(cut)))
    chunks = Body()
    with contextlib.suppress(BadAnswer):
        for cut in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *cuts):
            assert len(chunks.feed(cut)) <= sum(map(len, cuts))


@given(lines=st.lists(st.binary(max_size=300) | objects.map(lambda one: json.dumps(one).encode())))
def test_any_record_of_a_conversation_is_read_without_a_fault(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/rollout.jsonl"
        reading = Reading("u", "codex-rollout", path)
        Path(path).write_bytes(b"".join(line + b"\n" for line in lines))
        for record in reading.news():
            assert parse("codex-rollout", {"rollout": [record]}) is not None
        assert all(isinstance(record, dict) for record in reporter.rollout_tail(path))


@given(params=objects)
def test_any_parameters_of_a_heartbeat_are_a_signal_or_refused_in_words(params: dict[str, Any]) -> None:
    try:
        signal = _signal(params)
    except BeatRefused:
        return
    assert signal.context_percent is None or 0 <= signal.context_percent <= 100
    (signal.detail + signal.model + signal.agent_session_id).encode()
    json.dumps([signal.cost_usd, signal.context_percent], allow_nan=False)


@given(text=st.one_of(st.binary(max_size=400), objects.map(lambda value: json.dumps(value).encode())))
def test_the_reporter_is_silent_whatever_its_hook_gets(text: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out, err = io.StringIO(), io.StringIO()
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        for name in [name for name in os.environ if name.startswith("MARVEL_")]:
            patch.delenv(name)
        reporter.main(["claude-hook"])
        assert (out.getvalue(), err.getvalue()) == ("", "")
