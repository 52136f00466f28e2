"""A person, a daemon and a machine: the real loop on a real log, in virtual time, with faults from a seed.

    python -m tests.simulation --seed 7 --steps 2000

A history is a list of steps: what a person asks for, what befalls processes, tmux, the clock, the disk and
the daemon. After every step the invariants are looked at; at the end faults stop, and all must come to rest.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import structlog

from marvel import commands
from marvel.config import Config
from marvel.daemon.lineage import Lineage
from marvel.daemon.loop import Loop
from marvel.daemon.reconciler import CONTROLLERS
from marvel.daemon.tokens import Tokens
from marvel.errors import LogUnavailable, MarvelError
from marvel.events import Draft
from marvel.resources import (
    HealthcheckSpec,
    Manifest,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    Session,
    ShiftSpec,
    StopSpec,
    TeamKey,
    TeamSpec,
    Template,
)
from marvel.settings import Paths
from marvel.store.log import Decide, Recorded, Store
from marvel.world import World
from tests.integration.home import put_new_log
from tests.simulation.machine import START, Killed, SimMachine

TEAM = TeamKey("w", "t")
MOST_REPLICAS = 5  # of a role
ROLES = ("a", "b")
WANTED = {"a": 3, "b": 1}  # at the end
ADHOC = RoleKey("w", "adhoc", "adhoc")
EPOCH_STEPS = 40  # of one history; then faults stop, and all must come to rest
CALM_SECONDS = 150.0  # for backoffs, time-outs and a shift that runs back
REST_SECONDS = 20.0  # in which nothing may be appended any more
CHECK_EVERY = 10  # steps between comparisons of rows with a replay
IN_MEMORY = Path("/dev/shm")
FOREIGN = "foreign"  # uid of a pane of somebody else: none


FULL = sqlite3.OperationalError("database or disk is full")


class Refusing:
    """A transaction whose commit fails, as on a full disk."""

    def __init__(self, transaction: Any) -> None:
        self._transaction = transaction

    def __enter__(self) -> Any:
        return self._transaction.__enter__()

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self._transaction.__exit__(kind or type(FULL), *rest)
        if kind is None:
            raise FULL


class FaultyStore(Store):
    """The real store, on a disk that fills up and for a daemon that may be killed around a commit.

    A full disk refuses the beginning of a transaction, its rows, or its commit, by chance.
    """

    machine: SimMachine
    full = False
    _refusing = False

    def record(self, decide: Decide, **options: Any) -> Recorded:
        self.machine.effect()
        recorded = super().record(self._spoilt(decide), **options)
        self.machine.effect()
        return recorded

    def beat(self, rows: list[dict[str, Any]]) -> None:
        if self.full:
            raise LogUnavailable("database or disk is full")
        super().beat(rows)

    def _spoilt(self, decide: Decide) -> Decide:
        """A decision all of which is made before the disk refuses its rows."""
        moment = self.machine.rng.choice(["begin", "flush", "commit"]) if self.full else ""
        if moment == "begin":
            raise LogUnavailable("database or disk is full")
        self._refusing = moment == "commit"

        def decided(world: World, now: float) -> Iterator[Draft]:
            yield from decide(world, now)
            if moment == "flush":
                raise FULL

        return decided

    def _transaction(self, *, write: bool = False) -> Any:
        transaction = super()._transaction(write=write)
        refusing, self._refusing = self._refusing and write, False
        return Refusing(transaction) if refusing else transaction


class Broken(AssertionError):
    """An invariant does not hold."""


class History:
    """One log from its beginning. `do` takes one step; `come_to_rest` ends it."""

    def __init__(self, home: Path, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.paths = Paths(str(home))
        self.machine = SimMachine(self.rng)
        self.machine.beat = self._beat
        self.person = Store(self.paths, clock=self.machine.wall)
        self.store: FaultyStore | None = None
        self.loop: Loop | None = None
        self.runs = 0
        self.steps: list[str] = []
        self.tally: Counter[str] = Counter()
        self.known: set[str] = set()  # uids of all sessions that the log ever told of
        self.foreign: dict[str, str] = {}  # pane of somebody else → workspace
        self.slots: dict[str, object] = {}  # by uid, of every session that was ever seen
        self.raise_daemon()

    # --- the daemon ----------------------------------------------------------------------------

    def raise_daemon(self) -> None:
        """A new daemon, unless one runs, or can't start."""
        if self.loop is not None or self.machine.blind is not None:
            return
        self.machine.reboot()
        self.runs += 1
        self.store = FaultyStore(self.paths, keep_world=True, clock=self.machine.wall)
        self.store.machine = self.machine
        self.loop = Loop(
            self.paths,
            self.store,
            self.machine,
            run_id=f"run{self.runs}",
            controllers=CONTROLLERS,
            environ={"PATH": os.defpath, "HOME": "/"},
            config=Config(),
            log=structlog.get_logger(),
            note=lambda fields: None,
        )
        self._guarded(self.loop.begin)

    def _guarded(self, act: Callable[[], Any]) -> Any:
        """Something the daemon does, during which it may be killed."""
        try:
            return act()
        except Killed:
            self.bury()
            self.tally["killed"] += 1
            return None

    def bury(self) -> None:
        """The daemon is gone; the machine runs on."""
        if self.loop is not None:
            self.loop.let_go()
        if self.store is not None:
            self.store.close()
        self.loop = self.store = None
        self.machine.reboot()

    def run(self, seconds: float) -> None:
        """Time passes; the daemon, if there is one, does its work."""
        until = self.machine.now + seconds
        while self.loop is not None and self.machine.now < until:
            self.machine.limit = until
            if self._guarded(self.loop.turn) is not None:
                self.bury()
        if self.machine.now < until:
            self.machine.sleep(until - self.machine.now)

    def _beat(self, uid: str) -> None:
        if self.loop is not None:
            with contextlib.suppress(ValueError):
                token = Tokens(self.paths.token_key).of(uid)
                self.loop.handle("heartbeat", {"uid": uid, "state": "idle", "token": token}, Lineage)

    # --- steps ---------------------------------------------------------------------------------

    def step(self) -> None:
        """One step, and some time."""
        rules = RULES if self.loop is not None else (*RULES, *[("daemon starts", raise_it)] * 25)
        name, rule = self.rng.choice(rules)
        self.steps.append(name)
        self.tally[name] += 1
        rule(self)
        self.run(self.rng.choice((0.0, 0.003, 0.05, 0.5, 3.0, 20.0)))
        self.check(thorough=len(self.steps) % CHECK_EVERY == 0)

    def ask(self, decide: Decide) -> None:
        """A person's command, refused or not."""
        with contextlib.suppress(MarvelError):
            self.person.record(decide, actor="user")

    def world(self) -> World:
        """As the log has it now."""
        world: World = self.person.catch_up().world
        return world

    def pick(self, found: list[Any]) -> Any:
        return self.rng.choice(found) if found else None

    # --- what must hold ------------------------------------------------------------------------

    def check(self, *, thorough: bool) -> None:
        """The invariants that hold at any moment."""
        world = self.world()
        held: set[object] = set()
        self.slots |= {
            s.uid: (s.role_key, s.generation, s.index) for s in world.sessions.values() if not s.one_off
        }
        names: set[str] = set()
        for session in world.sessions.values():
            slot = (session.role_key, session.generation, session.index)
            if session.current and not session.one_off:
                self.expect(slot not in held, f"two sessions hold {slot}")
                held.add(slot)
            if session.alive:
                self.expect(session.key not in names, f"two live sessions are named {session.key}")
                names.add(session.key)
        uids = Counter(self.machine.workers[pid].uid for pid in self.machine.main_pids())
        belonging = {worker.uid for worker in self.machine.workers.values()}
        uids.pop(FOREIGN, None)
        self.expect(max(uids.values(), default=1) == 1, f"two processes of one session: {uids}")
        holders = {uid: self.slots[uid] for uid in belonging if uid in self.slots}
        twice = {slot for slot, count in Counter(holders.values()).items() if count > 1}
        self.expect(not twice, f"processes of two sessions in {twice}")
        indexes = [s.index for s in world.sessions.values() if s.alive and not s.one_off]
        self.expect(max(indexes, default=0) < MOST_REPLICAS, f"slots beyond every role's: {indexes}")
        self.known |= world.sessions.keys()
        self.expect(uids.keys() <= self.known, f"agents that no event knows: {uids.keys() - self.known}")
        for name, workspace in self.foreign.items():
            server = self.machine.servers.get(workspace)
            self.expect(server is not None and name in server.panes, f"pane {name} of others was touched")
        if thorough:
            self.expect(self.person.check() == [], "rows are not what the log says")

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}, step {len(self.steps)} ({self.steps[-1:]}): {what}")

    def come_to_rest(self) -> None:
        """Faults stop: everything wanted runs, nothing else does, and nothing more is appended."""
        self.machine.refusing = self.machine.halving = 0
        self.machine.fuse = self.machine.blind = None
        for server in list(self.machine.servers.values()):  # one that goes on may end
            server.go_on()
        if self.store is not None:
            self.store.full = False
        self.steps.append("calm")
        self.run(30.0)
        self.raise_daemon()
        self.ask(lambda world, now: commands.shift_resume(world, TEAM))
        self.work(*(role(name, replicas, "good", 9) for name, replicas in WANTED.items()))
        for name, replicas in WANTED.items():  # a scaled count outlives a manifest that has the same number
            self.ask(lambda world, now, n=name, r=replicas: commands.scale(world, RoleKey(*TEAM, n), r))  # type: ignore[misc]
        self.ask(lambda world, now: commands.restart_team(world, TEAM))
        self.run(CALM_SECONDS)
        self.check(thorough=True)
        world = self.world()
        for name, replicas in WANTED.items():
            key = RoleKey(*TEAM, name)
            slots = [s for s in world.sessions_of(key) if s.current and not s.one_off]
            states = [(s.state, s.reason) for s in slots]
            self.expect(states == [("running", "")] * replicas, f"{name} is not as wanted: {states}")
        alive = {s.uid for s in world.sessions.values() if s.alive}
        running = {worker.uid for worker in self.machine.workers.values()} - {FOREIGN}
        self.expect(running == alive, f"processes {running ^ alive} are lost or not wanted")
        head = self.person.head().position
        self.run(REST_SECONDS)
        later = [event.kind for event in self.person.read(head)]
        self.expect(later == [], f"appended at rest: {later}")
        count, wrong = self.person.verify()
        self.expect(wrong is None and count == self.person.head().position, f"the chain: {wrong}")
        self.bury()
        self.person.close()

    def work(self, *roles: RoleSpec) -> None:
        manifest = Manifest(workspace="w", teams=(TeamSpec(name="t", roles=roles),))
        self.ask(lambda world, now: commands.apply(world, manifest, now))


def role(name: str, replicas: int, life: str, prompt: int, **fields: Any) -> RoleSpec:
    """A role whose processes live as `life` says; another prompt is another template."""
    check = HealthcheckSpec(timeout=5.0, failure_threshold=2) if life in ("good", "mute") else None
    image = "simulator" if life == "good" else "generic"
    shift = fields.pop("shift", ShiftSpec())
    return RoleSpec(
        name=name,
        replicas=replicas,
        template=Template(
            runtime=RuntimeSpec(image=image, command="/bin/sh", args=(life, str(prompt)), cwd="/")
        ),
        healthcheck=check,
        shift=ShiftSpec(
            max_surge=shift.max_surge,
            max_unavailable=shift.max_unavailable,
            min_ready=shift.min_ready,
            ready_timeout=20.0,
            drain_timeout=5.0,
        ),
        stop=StopSpec(grace=2.0),
        backoff_max=8.0,
        **fields,
    )


# --- rules ---------------------------------------------------------------------------------------------

Rule = Callable[[History], None]


def raise_it(history: History) -> None:
    history.raise_daemon()


def _work(history: History) -> None:
    rng = history.rng
    shift = rng.choice(
        [
            ShiftSpec(),
            ShiftSpec(max_surge=1),
            ShiftSpec(max_surge=0, max_unavailable=1),
            ShiftSpec(min_ready=0.0),
        ],
    )
    roles = [
        role(
            name,
            rng.randint(0, 4),
            rng.choice(["good", "good", "good", "mute", "crash", "brief", "done", "stubborn", "parent"]),
            rng.randint(0, 2),
            shift=shift,
            restart_policy=rng.choice(["always", "always", "on-failure", "never"]),
            max_restarts=rng.choice([0, 0, 3]),
            start_interval=rng.choice([0.0, 0.0, 0.5]),
        )
        for name in rng.sample(ROLES, rng.randint(1, 2))
    ]
    history.work(*roles)


def _scale(history: History) -> None:
    key, count = RoleKey(*TEAM, history.rng.choice(ROLES)), history.rng.randint(0, MOST_REPLICAS)
    history.ask(lambda world, now: commands.scale(world, key, count))


def _about_shift(history: History) -> None:
    verb = history.rng.choice(["shift", "shift", "abort", "pause", "resume", "undo"])
    command: Any = commands.shift if verb == "shift" else getattr(commands, f"shift_{verb}")
    history.ask(lambda world, now: command(world, TEAM))


def _about_session(history: History) -> None:
    session: Session | None = history.pick(sorted(history.world().sessions.values(), key=lambda s: s.uid))
    if session is not None:
        act: Any = history.rng.choice([commands.kill, commands.restart_session, commands.delete_session])
        history.ask(lambda world, now: act(world, session.uid, now))


def _about_team(history: History) -> None:
    chosen = history.rng.choice(["restart", "restart", "delete", "workspace"])
    asked: dict[str, Decide] = {
        "restart": lambda world, now: commands.restart_team(world, TEAM),
        "delete": lambda world, now: commands.delete_team(world, TEAM),
        "workspace": lambda world, now: commands.delete_workspace(world, "w", now),
    }
    if chosen != "workspace" or not history.foreign:
        history.ask(asked[chosen])


def _run(history: History) -> None:
    life = history.rng.choice(["mute", "done", "crash"])
    template = Template(runtime=RuntimeSpec(command="/bin/sh", args=(life,), cwd="/"))
    history.ask(lambda world, now: commands.run(world, ADHOC, template, now))


def _stop_daemon(history: History) -> None:
    keep = history.rng.random() < 0.5
    run_id = f"run{history.runs}"
    history.ask(lambda world, now: commands.stop_daemon(world, run_id, keep_sessions=keep))


def _kill_daemon(history: History) -> None:
    history.bury()


def _light_fuse(history: History) -> None:
    history.machine.fuse = history.rng.randint(1, 12)


def _process_ends(history: History) -> None:
    pid = history.pick(sorted(history.machine.workers))
    if pid is not None and history.machine.workers[pid].uid != FOREIGN:
        if history.rng.random() < 0.5:
            history.machine.end(pid, status=history.rng.choice([0, 1, 7]))
        else:
            history.machine.end(pid, killed=history.rng.choice(["KILL", "SEGV"]))


def _pane_vanishes(history: History) -> None:
    panes = [
        (server, name)
        for server in history.machine.servers.values()
        for name, pane in server.panes.items()
        if pane.uid
    ]
    found = history.pick(panes)
    if found is not None:
        found[0].remove(found[1])


def _tmux_dies(history: History) -> None:
    server = history.pick(list(history.machine.servers.values()))
    if server is not None:
        history.foreign = {n: w for n, w in history.foreign.items() if w != server.workspace}
        server.die()


def _tmux_hangs(history: History) -> None:
    server = history.pick(list(history.machine.servers.values()))
    if server is not None:
        server.wedged = True
        history.machine.later(history.rng.choice([0.5, 8.0, 30.0]), server.go_on)


def _tmux_refuses(history: History) -> None:
    history.machine.refusing = history.rng.randint(1, 4)


def _tmux_does_half(history: History) -> None:
    history.machine.refusing = history.machine.halving = history.rng.randint(1, 4)


def _somebodys_pane(history: History) -> None:
    server = history.pick(list(history.machine.servers.values()))
    if server is not None and len(history.foreign) < 2:
        worker = history.machine.start(FOREIGN, "mute", server.pid)
        history.foreign[server.add("", "", worker.pid).name] = server.workspace


def _clock_jumps(history: History) -> None:
    history.machine.offset += history.rng.choice([-3600.0, -5.0, 5.0, 3600.0])


def _machine_sleeps(history: History) -> None:
    history.machine.offset += 600.0


def _daemon_stands_still(history: History) -> None:
    history.machine.sleep(history.rng.choice([3.0, 60.0]))


def _disk_fills(history: History) -> None:
    store = history.store
    if store is not None:
        store.full = True

        def space_again() -> None:
            store.full = False

        history.machine.later(history.rng.choice([0.2, 2.0, 12.0, 65.0]), space_again)


def _nothing_can_be_looked_at(history: History) -> None:
    """Out of descriptors, a disk that fails, a directory that can't be entered."""
    machine = history.machine
    machine.blind = history.rng.choice([errno.EMFILE, errno.EIO, errno.EACCES])

    def sees_again() -> None:
        machine.blind = None

    machine.later(history.rng.choice([0.2, 2.0, 12.0, 65.0]), sees_again)


def _time_passes(history: History) -> None:
    history.run(history.rng.choice([1.0, 10.0, 70.0]))


RULES: tuple[tuple[str, Rule], ...] = (
    *[("work", _work)] * 4,
    *[("scale", _scale)] * 3,
    *[("about a shift", _about_shift)] * 3,
    *[("about a session", _about_session)] * 3,
    ("about the team", _about_team),
    ("run", _run),
    ("stop", _stop_daemon),
    *[("kill the daemon", _kill_daemon)] * 2,
    *[("kill the daemon at an effect", _light_fuse)] * 4,
    *[("process ends", _process_ends)] * 3,
    ("pane vanishes", _pane_vanishes),
    ("tmux dies", _tmux_dies),
    ("tmux hangs", _tmux_hangs),
    ("tmux refuses", _tmux_refuses),
    ("tmux does half of a start", _tmux_does_half),
    ("somebody's pane", _somebodys_pane),
    ("clock jumps", _clock_jumps),
    ("machine sleeps", _machine_sleeps),
    ("daemon stands still", _daemon_stands_still),
    ("disk fills", _disk_fills),
    ("nothing can be looked at", _nothing_can_be_looked_at),
    *[("time passes", _time_passes)] * 3,
)


@contextlib.contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty log, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="mv", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as directory:
        home = Path(directory) / "home"
        home.mkdir(mode=0o700)
        put_new_log(home, START)
        yield home


def simulate(seed: int, steps: int = EPOCH_STEPS) -> Counter[str]:
    """One history of this seed; what was done in it, counted. Raises Broken."""
    with fresh_home() as home:
        history = History(home, seed)
        try:
            for _ in range(steps):
                history.step()
            history.come_to_rest()
        except BaseException:
            sys.stderr.write(f"seed {seed}: {', '.join(history.steps)}\n")
            raise
        finally:
            history.bury()
        return history.tally
