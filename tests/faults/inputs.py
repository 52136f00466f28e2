"""Input that nobody should send: manifests, keys, and all that can be said to the socket."""

import json
import socket
from pathlib import Path
from typing import Any

import tomli_w

from marvel.manifest.table import MANIFEST, Section
from tests.faults.scene import Scene, error_in, fault
from tests.integration.home import until
from tests.integration.manifests import SLEEP, manifest, role

BAD_NAMES = (
    *("../x", "a:b", "a.b", "a/b", "", "-a", "a-", "A", "ä", "a b", "x" * 64),
    *("a\\u001b[2J", "a\\n"),
)
WRONG = [[1], {"x": -1}]  # no field takes this
HALF_OPEN = 600  # connections that say nothing; more than the daemon keeps
MEGABYTE = 1024 * 1024


def _places(section: Section, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [(*path, field.key) for field in section.fields]
    for inner in section.sections:
        found += _places(inner, (*path, inner.key))
    return found


def _right() -> dict[str, Any]:
    return {
        "workspace": {"name": "w"},
        "team": [{"name": "t", "role": [{"name": "r", "replicas": 1, "runtime": {"command": "sleep"}}]}],
        "endpoint": [{"name": "e", "team": "t"}],
    }


def _wrong_at(path: tuple[str, ...]) -> str:
    found = _right()
    table: Any = found
    for name in path[:-1]:
        table = table.setdefault(name, {})
        table = table[0] if isinstance(table, list) else table
    table[path[-1]] = WRONG
    return tomli_w.dumps(found)


@fault("input", "every field of a manifest wrong in turn", tries=1)
def every_field(scene: Scene) -> str:
    scene.is_whole = False
    places = _places(MANIFEST)
    for path in places:
        message = scene.refused("work", "--dry-run", "-", words=path[-1], stdin=_wrong_at(path))
    return f"({len(places)} fields) {message}"


def _billion_laughs() -> bytes:
    """YAML whose every line holds the one before it twice."""
    lines = (b"%c: &%c [*%c,*%c]\n" % (n, n, n - 1, n - 1) for n in range(ord("b"), ord("z")))
    return b"a: &a [x,x]\n" + b"".join(lines)


@fault("input", "manifests that are none: 10 MB, deep nesting, NUL, other files", tries=1)
def no_manifests(scene: Scene) -> str:
    scene.is_whole = False
    texts = {
        "garbage": scene.draw.randbytes(10 * MEGABYTE),
        "big": b"# " + b"x" * (10 * MEGABYTE),
        "deep": b"x = " + b"[" * 200_000,
        "deeper": b"x = " + b"{a=" * 100_000,
        "nul": b'[workspace]\nname = "w\0"\n',
        "empty": b"",
        "bom": b"\xff\xfe[\0w\0",
        "bomb": _billion_laughs(),
    }
    messages = []
    for name, text in texts.items():
        for ending in (".toml", ".yaml"):
            file = scene.path / f"{name}{ending}"
            file.write_bytes(text)
            messages.append(scene.refused("work", str(file), words="error: "))
    places = ("/dev/zero", "/proc/self/mem", "/tmp", "/nowhere")
    messages += [scene.refused("work", place, words="error: ") for place in places]
    assert all(len(message) < 600 for message in messages), max(messages, key=len)[:700]
    return messages[4]


def _named(**names: str) -> str:
    text = manifest(role(*SLEEP, name=names.get("role", "r")), workspace=names.get("workspace", "w"))
    return text.replace('name = "t"', f"name = {json.dumps(names.get('team', 't'))}")


@fault("input", "names that are paths, keys, options or control characters", tries=1)
def names(scene: Scene) -> str:
    scene.is_whole = False
    message = ""
    for bad in BAD_NAMES:
        for kind in ("workspace", "team", "role"):
            text = _named(**{kind: "@@"}).replace("@@", bad)
            told = scene.refused("work", "-", words="name", stdin=text)
            message = told if bad == "../x" else message
    assert (
        not (scene.path / "marvel.db").exists() or scene.marvel("get", "workspaces").stdout.count("\n") == 1
    )
    return message


@fault("input", "10^9 replicas, negative ones, duplicate and colliding names", tries=1)
def counts(scene: Scene) -> str:
    scene.is_whole = False
    message = scene.refused("work", "-", words="1000", stdin=manifest(role(*SLEEP, replicas=10**9)))
    scene.refused(
        "work", "-", "--force-large", words="error: ", stdin=manifest(role(*SLEEP, replicas=10**19))
    )
    scene.refused("work", "-", words="at least 0", stdin=manifest(role(*SLEEP, replicas=-1)))
    scene.refused("work", "-", words="error: ", stdin=manifest(role(*SLEEP), role(*SLEEP)))
    other = manifest(role(*SLEEP, name="b-c"), team="a").replace('[workspace]\nname = "w"\n', "")
    scene.refused("work", "-", words="error: ", stdin=manifest(role(*SLEEP, name="c"), team="a-b") + other)
    scene.crew(1)
    scene.refused("scale", "w/t", "--role", "r", "--replicas", "1000000000", words="error: ")
    scene.refused("scale", "w/t", "--role", "r", "--replicas", "-5", words="error: ")
    scene.running(1)
    return message


@fault("socket", f"{HALF_OPEN} connections that say nothing")
def half_open(scene: Scene) -> str:
    [row] = scene.crew(1)
    peers = []
    for _ in range(HALF_OPEN):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(10)
        peer.connect(str(scene.path / "marvel.sock"))
        peers.append(peer)
    until(lambda: "ok" in scene.beat(session_key=row["key"]), "a heartbeat gets through")
    peers[0].settimeout(10)
    message = peers[0].recv(1000).decode().strip()
    for peer in peers:
        peer.close()
    scene.kept([row])
    return message


@fault("socket", "a line of 64 MiB, pieces, garbage, a peer that never reads")
def abuse(scene: Scene) -> str:
    [row] = scene.crew(1)
    before = _memory(scene)
    message = scene.ask(b"x" * (64 * MEGABYTE))
    for text in (
        b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"{" * 60_000 + b"\n", b"[" * 60_000 + b"\n",
        b'{"method":1}\n', b'{"method":"heartbeat","params":[]}\n', b'{"method":"x","params":{}}\n',
        b'{"method":"record","params":{}}\n', b'{"method":"status","params":{"x":1}}\n',
        b'{"method":"heartbeat","params":{"session_key":"w/t-r-g1-0","ts":' + b"9" * 5000 + b"}}\n",
    ):  # fmt: skip
        scene.ask(text)
    assert "error" in message or message == "", message
    assert "ok" in scene.beat(session_key=row["key"])
    grown = _memory(scene) - before
    assert grown < 30, f"the daemon grew by {grown} MiB"
    scene.kept([row])
    return message.strip()


def _memory(scene: Scene) -> int:
    assert scene.daemon is not None
    status = Path(f"/proc/{scene.daemon.pid}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@fault("socket", "numbers that are none: 1e308, -5, NaN, text, true")
def numbers(scene: Scene) -> str:
    [row] = scene.crew(1)
    message = ""
    for text in ("1e308", "-5", "NaN", "Infinity", "1e999", '"40"', "true", "[]", "{}", "100.0001"):
        answer = scene.ask(_heartbeat(row["key"], "context_percent", text))
        assert "error" in answer, f"{text}: {answer}"
        message = message or answer
    for name in ("cost_usd", "ts", "seq", "generation", "detail", "model"):
        for text in ("1e308", "1e999", "-1", '"\\ud800"', "[[]]", '"\\u001b[2J"'):
            scene.ask(_heartbeat(row["key"], name, text))
    [seen] = scene.running(1)
    assert seen["context_percent"] is None
    shown = scene.marvel("events", "-n", "50").stdout + scene.marvel("describe", row["key"]).stdout
    assert "\x1b" not in shown
    scene.kept([row])
    return message.strip()


def _heartbeat(key: str, name: str, value: str) -> bytes:
    """A request with one value that json.dumps would not write."""
    return f'{{"method":"heartbeat","params":{{"session_key":"{key}","{name}":{value}}}}}\n'.encode()


@fault("socket", "a wrong token, and another session's")
def tokens(scene: Scene) -> str:
    one, other = scene.crew(2)
    environ = Path(f"/proc/{other['pid']}/environ").read_bytes().split(b"\0")
    token = next(v.partition(b"=")[2] for v in environ if v.startswith(b"MARVEL_TOKEN=")).decode()
    message = scene.beat(uid=one["uid"], token=token, context_percent=99)
    for wrong in ("", "x", token[:-1], None, 7, [token]):
        assert "error" in scene.beat(uid=one["uid"], token=wrong, context_percent=99)
    assert "error" in message, message
    assert "ok" in scene.beat(uid=other["uid"], token=token, context_percent=9)
    assert scene.sessions()[0]["context_percent"] is None
    return message.strip()


@fault("input", "keys and options that are nonsense, for every command", tries=1)
def nonsense_keys(scene: Scene) -> str:
    [row] = scene.crew(1)
    message = ""
    for key in ("../../etc/passwd", "w/../t", "", "/", "w/", "*", "\x1b[2J", "a" * 10_000, "--", "%1"):
        for argv in (("describe",), ("kill",), ("capture",), ("logs",), ("delete", "team"), ("wait",)):
            done = scene.marvel(*argv, key, ok=False)
            assert done.returncode in (1, 2, 4), (argv, key, done.returncode, done.stderr[:300])
            assert "\x1b" not in done.stderr, (argv, key)
            message = message or error_in(done.stderr)
    scene.kept([row])
    return message
