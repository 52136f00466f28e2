"""Harm to the event log and the disk it is on."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from marvel import events
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.store.revisions import HEAD
from tests.faults.scene import IS_ROOT, Scene, Skipped, error_in, fault, pause, read_only
from tests.integration.home import MARVEL, until
from tests.integration.manifests import SLEEP, role

LOCKED_SECONDS = 10.0
FULL_SECONDS = 45.0  # the daemon looks at everything each 20 s
CLOSED_SECONDS = 25.0
REPLAYED = int(os.environ.get("FAULT_EVENTS", "100000"))  # 1 M takes a minute to write

# A writer that is killed in the middle of its transaction: after the rows, before the commit.
KILLED_INSIDE = """
import os, signal, sys
from marvel import commands
from marvel.settings import Paths
from marvel.store import projections
from marvel.store.log import Store
from marvel.store.revisions import HEAD
from marvel import events
write = projections.write
def and_die(connection, changes):
    write(connection, changes)
    os.kill(os.getpid(), signal.SIGKILL)
projections.write = and_die
ref = events.Ref(workspace="w", team="t", role="r")
Store(Paths(sys.argv[1])).record(
    lambda world, now: [events.Draft(ref=ref, fact=events.RoleScaled(replicas=9))], actor="user"
)
"""


@fault("log", "kill -9 inside a commit, and of the daemon at once")
def killed_in_a_commit(scene: Scene) -> str:
    rows = scene.crew(3)
    head = scene.head()
    code = [sys.executable, "-c", KILLED_INSIDE, str(scene.path)]
    done = subprocess.run(code, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    scene.kill_daemon()
    assert not [e for e in scene.events("role.scaled") if e["position"] > head], "half a commit was seen"
    scene.start()
    scene.kept(rows)
    return "(none: the half commit never was)"


@fault("log", "writers killed at any moment")
def writers_killed(scene: Scene) -> str:
    scene.crew(1)
    for _ in range(15):
        count = scene.draw.randint(1, 5)
        argv = [*MARVEL, "scale", "w/t", "--role", "r", "--replicas", str(count)]
        writer = subprocess.Popen(
            argv, env=scene.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        pause(scene.draw.random() * 0.5)
        writer.kill()
        writer.wait(timeout=30)
    scene.scale(2)
    scene.kept(scene.running(2))
    return "(none: done or not done)"


@fault("log", "the disk full while an agent dies")
def disk_full(scene: Scene) -> str:
    scene.mount(8)
    rows = scene.crew(3)
    ballast = scene.path / "ballast"
    _fill(ballast)
    os.kill(rows[0]["pid"], signal.SIGKILL)
    message = ""
    for count in range(4, 90):  # pages that are free already may still take some
        done = scene.scale(count, ok=False)
        if done.returncode:
            message = error_in(done.stderr)
            break
    assert "full" in message, message or "the disk never was full"
    scene.marvel("get", "sessions")
    pause(1.5)
    ballast.unlink()
    scene.see("session.ended")
    scene.scale(3)
    now = scene.running(3)
    assert {r["uid"] for r in rows[1:]} <= {r["uid"] for r in now}, "an agent was lost"
    scene.kept(now)
    return message


@fault("log", f"the disk full for {FULL_SECONDS:g} s, over several looks at everything", tries=1)
def disk_full_for_long(scene: Scene) -> str:
    scene.mount(8)
    rows = scene.crew(3)
    ballast = scene.path / "ballast"
    _fill(ballast)
    os.kill(rows[0]["pid"], signal.SIGKILL)
    until(lambda: scene.marvel("daemon", "status", ok=False).returncode == 1, "it is not ready")
    message = scene.marvel("get", "sessions").stderr.splitlines()[0]
    assert "unable to record" in message, message
    assert "unable to record" in scene.marvel("doctor", ok=False).stdout
    kept = sorted(row["pid"] for row in rows[1:])
    until_at = time.monotonic() + FULL_SECONDS
    while time.monotonic() < until_at:
        assert sorted(scene.processes()) == kept, "an agent was started that is recorded nowhere"
        pause(1.0)
    ballast.unlink()
    until(lambda: scene.marvel("daemon", "status", ok=False).returncode == 0, "it is ready again")
    now = scene.running(3)
    assert {r["uid"] for r in rows[1:]} <= {r["uid"] for r in now}, "an agent was lost"
    scene.kept(now)
    return message


def _fill(path: Path) -> None:
    """No byte is left on the disk."""
    for size in (65536, 4096, 512):
        with open(path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * size)


@fault("log", f"its directory can't be entered for {CLOSED_SECONDS:g} s while an agent dies", tries=1)
def closed_directory(scene: Scene) -> str:
    prefix: tuple[str, ...] = ()
    if IS_ROOT:  # whom no mode stops
        prefix = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
        if not shutil.which("setpriv"):
            raise Skipped("root, and there is no setpriv to take its rights away")
    scene.start(prefix)
    scene.work(role(*SLEEP, replicas=3))
    rows = scene.running(3)
    scene.path.chmod(0)
    try:
        os.kill(rows[0]["pid"], signal.SIGKILL)
        pause(CLOSED_SECONDS)
        assert scene.daemon is not None
        assert scene.daemon.poll() is None, "the daemon ended"
    finally:
        scene.path.chmod(0o700)
    until(lambda: scene.events("session.ended"), "its end is seen", scene.describe)
    now = scene.running(3)
    assert {r["uid"] for r in rows[1:]} <= {r["uid"] for r in now}, "an agent was lost"
    scene.kept(now)
    return scene.logged("log unavailable")


@fault("log", f"locked by another program for {LOCKED_SECONDS:g} s while an agent dies", tries=1)
def locked(scene: Scene) -> str:
    rows = scene.crew(3)
    with contextlib.closing(sqlite3.connect(scene.path / "marvel.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        since = time.monotonic()
        os.kill(rows[0]["pid"], signal.SIGKILL)
        message = error_in(scene.scale(4, ok=False).stderr)
        assert len(scene.sessions()) == 3, "reads must go on"
        pause(max(0.0, LOCKED_SECONDS - (time.monotonic() - since)))
        other.execute("ROLLBACK")
    assert "locked" in message, message
    until(lambda: scene.sessions()[0]["uid"] != rows[0]["uid"], "it is replaced", scene.describe)
    now = scene.running(3)
    assert [r["uid"] for r in now[1:]] == [r["uid"] for r in rows[1:]]
    scene.kept(now)
    return message


@fault("log", "read-only")
def read_only_log(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    message = scene.unstarted("read-only", read_only(scene.path / "marvel.db"))
    scene.start()
    scene.kept(rows)
    return message


@fault("log", "garbage in its place")
def garbage(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    database = scene.path / "marvel.db"
    kept = scene.path / "kept.db"
    for leftover in ("marvel.db-wal", "marvel.db-shm"):
        (scene.path / leftover).unlink(missing_ok=True)
    shutil.copyfile(database, kept)
    rubbish = scene.draw.randbytes(50_000)
    database.write_bytes(rubbish)
    message = scene.unstarted("is not a database")
    for argv in (("get", "sessions"), ("events",), ("verify",), ("scale", "w/t", "--role=r", "--replicas=1")):
        scene.refused(*argv, words="is not a database")
    assert database.read_bytes() == rubbish, "it was overwritten"
    assert len(scene.processes()) == 2
    shutil.copyfile(kept, database)
    scene.start()
    scene.kept(rows)
    return message


@fault("log", "half of its pages overwritten")
def damaged(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    scene.is_whole = False
    database = scene.path / "marvel.db"
    size = database.stat().st_size
    with open(database, "r+b") as file:
        for page in scene.draw.sample(range(1, size // 4096), size // 8192):
            file.seek(page * 4096)
            file.write(scene.draw.randbytes(4096))
    messages = []
    for argv in (("verify",), ("rebuild", "--check"), ("get", "sessions"), ("events",)):
        done = scene.marvel(*argv, ok=False)
        messages += [error_in(done.stderr)] if done.returncode else []
    assert sorted(scene.processes()) == sorted(row["pid"] for row in rows), "an agent was lost"
    assert messages, "nobody noticed"
    return messages[0]


@fault("log", "a truncated WAL after kill -9")
def truncated_wal(scene: Scene) -> str:
    rows = scene.crew(3)
    pause(1.2)  # the head is noted once a second
    assert scene.daemon is not None
    scene.kill_daemon()
    wal = scene.path / "marvel.db-wal"
    size = wal.stat().st_size
    assert size > 0, "no WAL"
    os.truncate(wal, scene.draw.randrange(0, size))
    (scene.path / "marvel.db-shm").unlink(missing_ok=True)
    message = scene.unstarted("error: ")
    scene.is_whole = False  # somebody cut it; what must be whole are the agents
    assert sorted(scene.processes()) == sorted(row["pid"] for row in rows), "an agent was lost"
    return message


@fault("log", "moved away under the daemon")
def moved_away(scene: Scene) -> str:
    rows = scene.crew(2)
    (scene.path / "marvel.db").rename(scene.path / "moved.db")
    assert scene.daemon is not None
    scene.daemon.wait(timeout=60)
    message = scene.logged("log unavailable")
    assert sorted(scene.processes()) == sorted(row["pid"] for row in rows)
    (scene.path / "moved.db").rename(scene.path / "marvel.db")
    scene.start()
    scene.kept(rows)
    return message


@fault("log", "a newer schema than the code's")
def newer(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    _set_schema(scene, "9999")
    message = scene.unstarted("newer than this marvel's")
    for argv in (("get", "sessions"), ("events",), ("scale", "w/t", "--role=r", "--replicas=1")):
        scene.refused(*argv, words="newer than this marvel's")
    _set_schema(scene, HEAD)
    scene.start()
    scene.kept(rows)
    return message


def _set_schema(scene: Scene, version: str) -> None:
    with contextlib.closing(sqlite3.connect(scene.path / "marvel.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
        database.commit()


@fault("log", "its making (the first migration) cut short, 8 times", tries=2)
def cut_short(scene: Scene) -> str:
    for _ in range(8):
        scene.spawn()
        pause(0.2 + scene.draw.random() * 0.8)
        scene.kill_daemon()
    rows = scene.crew(2)
    scene.kept(rows)
    return "(none: made or not made)"


@fault("log", f"a replay of {REPLAYED:,} events", tries=1)
def long_replay(scene: Scene) -> str:
    rows = scene.crew(2)
    scene.kill_daemon(signal.SIGTERM)
    store = Store(Paths(str(scene.path)))
    ref = events.Ref(workspace="w", team="t", role="r")
    drafts = [events.Draft(ref=ref, fact=events.RoleScaled(replicas=2)) for _ in range(1000)]
    for _ in range(REPLAYED // 1000):
        store.record(lambda _world, _now: drafts, actor="user")
    store.close()
    began = time.monotonic()
    scene.marvel("rebuild")
    seconds = time.monotonic() - began
    scene.start()
    scene.kept(rows)
    return f"(none: rebuilt in {seconds:.1f} s, {REPLAYED / seconds:,.0f} events/s)"
