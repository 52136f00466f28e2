"""The parsers that take the words of an agent or of tmux, each with real inputs and with what must hold.

A target is called with bytes and returns a short description of what came out; it raises when the parser
let an error through that its callers do not expect, or when its result breaks a promise.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from marvel import reporter
from marvel.daemon.leases import BeatRefused, _signal
from marvel.daemon.records import Reading
from marvel.errors import MarvelError
from marvel.keys import Named, find
from marvel.runtimes import PARSERS, Signal, parse
from marvel.runtimes.opencode import MAX_SESSIONS, MODELS, PERMISSIONS, STATUSES, known
from marvel.runtimes.sse import BadAnswer, Body, Events, document
from marvel.runtimes.values import MAX_TEXT
from marvel.tmux.control import Framer, blocks
from marvel.tmux.scripts import read_panes, read_watchers
from marvel.tmux.setup import read_identity, refresh_environment
from tests.rubbish import FIXTURES

CAPTURED = {file.stem: file.read_bytes() for file in sorted(FIXTURES.glob("*.json"))}
TOKEN = b"tok-5f1c"  # what the owner of a control connection expects
PANES = b"\n".join(
    [
        b"%0|4242|0|||1795570583|1||",
        b"%1|4243|0|||1795570583||r-abc|log-1",
        b"%2|4244|1|0||1795570583||r-abd|log-1",
        b"%3||1||9|1795570583||r-abe|log-1",
    ]
)
REPLY = b"%begin 1 2 1\n" + PANES + b"\n%end 1 2 1\n%begin 1 3 1\n" + TOKEN + b"\n%end 1 3 1\n"


class Target(NamedTuple):
    """One parser."""

    seeds: list[bytes]
    parse: Callable[[bytes], str]


def panes(data: bytes) -> str:
    """Lines of `list-panes`: no pane has a pid that stands for everybody."""
    found = read_panes(data.split(b"\n"))
    for pane in found:
        assert pane.pid is None or pane.pid > 1, pane
        assert pane.uid.isascii(), pane
    return f"{len(found)} {[(p.dead, bool(p.uid), p.exit_status is None, p.signal) for p in found[:3]]}"


def watchers(data: bytes) -> str:
    return str([(watcher.pane, watcher.read_only) for watcher in read_watchers(answered(data))][:3])


def server(data: bytes) -> str:
    """What a server says of itself and its environment."""
    lines = answered(data)
    identity = read_identity(lines)
    assert identity is None or identity.pid > 1, identity
    script = refresh_environment(lines, {"PATH": "/bin"})
    return f"{identity is not None} {script is not None}"


def answered(data: bytes) -> list[bytes]:
    """The reply that holds what one command printed."""
    return [b"%begin 1 2 1", *data.split(b"\n"), b"%end 1 2 1"]


def stream_of_control_mode(data: bytes) -> str:
    """What a control connection reads: replies are cut at expected tokens, whatever they hold."""
    framer = Framer()
    framer.expect(TOKEN)
    framer.expect(TOKEN + b"2")
    middle = len(data) // 2
    replies = framer.feed(data[:middle]) + framer.feed(data[middle:])
    framer.last_words()
    found = [len(blocks(reply)) + len(blocks(reply, greedy=0)) for reply in replies]
    return f"{found} {len(framer.notices) > 0}"


def payload_of(source: str) -> Callable[[bytes], str]:
    """An agent's own payload, by its source."""

    def told(data: bytes) -> str:
        value = document(data)
        signal = parse(source, value)
        check(signal)
        if isinstance(value, dict):
            check(parse(source, reporter.reduced(value)))
            check(parse(source, {"rollout": [value, value]}))
        return described(signal)

    return told


def heartbeat(data: bytes) -> str:
    """Parameters of a heartbeat: a signal, or refused."""
    value = document(data)
    try:
        signal = _signal(value if isinstance(value, dict) else {"payload": value, "source": "claude-hook"})
    except BeatRefused as refused:
        return f"refused {str(refused)[:20]}"
    check(signal)
    json.dumps([signal.cost_usd, signal.context_percent], allow_nan=False)
    return described(signal)


def answers_of_opencode(data: bytes) -> str:
    found = []
    for path in (MODELS, STATUSES, PERMISSIONS):
        kept, told = known(path, document(data))
        assert len(told) <= MAX_SESSIONS
        for event in told[:3]:
            check(parse("opencode-sse", {**event, **kept}))
        found.append((len(kept), len(told)))
    return str(found)


def stream_of_events(data: bytes) -> str:
    """An HTTP answer with server-sent events, in two pieces."""
    body, events = Body(), Events()
    count, middle = 0, len(data) // 2
    try:
        for piece in (data[:middle], data[middle:]):
            for event in events.feed(body.feed(piece)):
                check(parse("opencode-sse", event))
                count += 1
    except BadAnswer as bad:
        return str(bad)[:20]
    return f"{body.status} {count} {body.ended}"


def record_of_a_conversation(data: bytes) -> str:
    """What a hook's transcript path leads to."""
    record = Path(_ROOM.name, f"{os.getpid()}.jsonl")
    record.write_bytes(b"")
    reading = Reading("u", "codex-rollout", str(record))
    record.write_bytes(data + b"\n")
    news = reading.news()
    for added in news:
        check(parse("codex-rollout", {"rollout": [added]}))
    tail = reporter.rollout_tail(str(record))
    assert all(isinstance(added, dict) for added in tail)
    return f"{len(news)} {len(tail)}"


def key(data: bytes) -> str:
    """A key that an agent or a person gives."""
    text = data.decode(errors="replace")
    with contextlib.suppress(MarvelError):
        return find(text, SESSIONS, [("w", "t"), ("w", "t-r-g1-0")])[0]
    return "refused"


def check(signal: Signal | None) -> None:
    """Raise AssertionError when what came out of a payload could not be recorded, or shown."""
    if signal is None:
        return
    assert signal.context_percent is None or 0 <= signal.context_percent <= 100
    assert signal.resets_at is None or 0 <= signal.resets_at < math.inf
    assert signal.cost_usd is None or 0 <= signal.cost_usd < math.inf
    for words in (signal.detail, signal.model, signal.agent_session_id, signal.about):
        words.encode()
        assert words.isprintable(), repr(words)
        assert len(words) <= MAX_TEXT + len("permission: "), len(words)


def described(signal: Signal | None) -> str:
    """Which fields a signal has: what is new about an input is a new one of these."""
    if signal is None:
        return "nothing"
    has = (
        signal.context_percent is not None,
        bool(signal.detail),
        bool(signal.model),
        signal.cost_usd is not None,
    )
    return f"{signal.activity} {has} {bool(signal.agent_session_id)}"


_ROOM = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
SESSIONS = [
    Named(
        workspace="w",
        team="t",
        role="r",
        name=f"t-r-g1-{n}",
        generation=1,
        number=n,
        uid=f"u{n}",
        created_at=n,
    )
    for n in range(3)
]
BEATS = [
    b'{"session_key":"w/t-r-g1-0","context_percent":42.5,"state":"working","ts":1}',
    b'{"uid":"u0","token":"x","agent_session_id":"a-b","detail":"d","model":"m","cost_usd":0.1}',
    *(
        json.dumps({"source": "claude-hook", "payload": json.loads(text)}).encode()
        for text in CAPTURED.values()
    ),
]
RAW_STREAM = (FIXTURES / "opencode-sse-raw.txt").read_bytes()
ANSWERS = [
    b'{"providers":[{"id":"p","models":{"m":{"limit":{"context":1000}}}}]}',
    b'{"s1":{"type":"busy"},"s2":{"type":"retry","next":1}}',
    b'[{"permission":"bash","sessionID":"s1"}]',
]


def _of(source: str) -> list[bytes]:
    return [text for name, text in CAPTURED.items() if name.startswith(source)] or [b"{}"]


def all_targets() -> dict[str, Target]:
    """Every target by its name."""
    return {
        "tmux panes": Target([PANES, *PANES.split(b"\n")], panes),
        "tmux watchers": Target(
            [b"marvel-watcher 0 1 1795570583 %1\nmarvel-watcher 0 0 1795570583 %22"], watchers
        ),
        "tmux server": Target([b"marvel-server 4242/1795570583 @1\nA=b\n-C"], server),
        "tmux control mode": Target([REPLY, PANES], stream_of_control_mode),
        **{f"payload {source}": Target(_of(source), payload_of(source)) for source in sorted(PARSERS)},
        "heartbeat": Target(BEATS, heartbeat),
        "opencode answers": Target(ANSWERS, answers_of_opencode),
        "opencode stream": Target(
            [
                b"HTTP/1.1 200 OK\r\n\r\n" + RAW_STREAM[:3000],
                b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\ndata: {"type":1}\n\r\n0\r\n\r\n',
            ],
            stream_of_events,
        ),
        "conversation record": Target(_of("codex-rollout"), record_of_a_conversation),
        "key": Target([b"w/t", b"team/w/t", b"r-1", b"session/w/t-r-g1-2", b"u1"], key),
    }
