"""The loop: waits for the log, tmux, processes, the socket and deadlines; then one pass, then acts.

Nothing runs on a fixed tick but a slow comparison of panes with the world. When the log can't be written
the daemon keeps observing, acts on nothing that it could not record, and tries again.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from marvel import __version__
from marvel.config import Config
from marvel.daemon import head as heads
from marvel.daemon import observations
from marvel.daemon.agents import UNREACHABLE_SECONDS, Agents
from marvel.daemon.condition import Condition
from marvel.daemon.containment import Profile
from marvel.daemon.fleet import Fleet
from marvel.daemon.launch import place_reporter, wish_of
from marvel.daemon.lineage import Caller, LineageOf
from marvel.daemon.listener import Listener
from marvel.daemon.machine import Machine
from marvel.daemon.orders import Orders, claim_in
from marvel.daemon.ownsockets import OwnSockets
from marvel.daemon.poller import MAX_WAIT_SECONDS, READ, seconds_until
from marvel.daemon.reconciler import STALL_SECONDS, Controller, Pass, Reconciler
from marvel.daemon.tokens import Tokens
from marvel.daemon.vitals import Vitals
from marvel.errors import LogUnavailable
from marvel.logs import Logger
from marvel.resources import Session
from marvel.runtimes import Place, promise_of
from marvel.settings import MODE_PRIVATE_DIRECTORY, Paths
from marvel.shortages import is_gone, shortage
from marvel.store.bell import POLL_SECONDS, Bell
from marvel.store.log import Store
from marvel.tmux.timers import Timers
from marvel.world import World

RESYNC_SECONDS = 20.0  # between comparisons of panes with the world
HEAD_SECONDS = 1.0  # between notes of the log's head
RETRY_FIRST_SECONDS, RETRY_MAX_SECONDS = 0.5, 5.0  # between tries to write the log
LOG_REMOVED = "event log removed"  # why a loop ends whose log is no longer the one at its path
STOPPED, STOPPED_ALONE = "stop", "stop --keep-sessions"  # why one ends that a command asked to
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASKED_FOR = (STOPPED, STOPPED_ALONE, *(number.name for number in ENDING_SIGNALS))  # ends without a failure
JUMP_SECONDS = 2.0  # by which wall and monotonic clock may drift apart between two turns


class Loop:
    """One run of the daemon, from adoption to its end."""

    def __init__(
        self,
        paths: Paths,
        store: Store,
        machine: Machine,
        *,
        run_id: str,
        controllers: Mapping[str, Controller],
        environ: Mapping[str, str],
        config: Config,
        log: Logger,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        """`note` keeps what the daemon says of itself where readers find it."""
        self._paths = paths
        self._condition = Condition(machine.monotonic, note)
        self._store = store
        self._run_id = run_id
        self._log = log
        self._machine = machine
        self._since = machine.wall()
        self._poller = machine.poller
        self._timers = Timers(machine.monotonic)
        self._bell = Bell(paths.bell)
        self._rang = True
        self._retry_at: float | None = None
        self._retry = RETRY_FIRST_SECONDS
        self._offset = self._machine.wall() - self._machine.monotonic()
        self._head_due = False  # a note of the head is planned
        self._stops_agents = False  # at the next signal
        self._end: str | None = None  # why the loop ends
        self._inode = machine.inode(paths.database)
        self._missed = False  # the log was not at its path at the last look
        self._unseen = ""  # why something could not be looked at, as it was logged last
        self._look_due = False  # a look at what was left out is planned
        tokens = Tokens(paths.token_key)
        self._tokens = tokens
        self._fleet = Fleet(paths, machine, self._timers, environ, config)
        self._vitals = Vitals(
            paths,
            store,
            machine,
            self._timers,
            world=self._world,
            server=self._fleet.server,
            note=self._note,
            touch=self._look_again_at,
            tokens=tokens,
            place=self._place,
            environ=environ,
            profile=Profile(**config.bubblewrap),
            on_attention=config.on_attention,
            log=log,
        )
        exits: dict[str, float] = {}  # by uid, until the end is recorded
        lingering: set[str] = set()  # ended sessions whose processes are not yet proven gone
        self._reconciler = Reconciler(
            store,
            controllers=controllers,
            promise=promise_of,
            leases=self._vitals.leases.table,
            screens=self._vitals.screens.seen,
            probes=self._vitals.probes.results,
            exits=exits,
            lingering=lingering,
        )
        self._agents = Agents(
            machine=machine,
            fleet=self._fleet,
            timers=self._timers,
            world=self._world,
            note=self._note,
            place=self._place,
            environ=environ,
            profile=Profile(**config.bubblewrap),
            paths=paths,
            log_id=store.log_id,
            knows=store.knows,
            seen=self._vitals.screens.saw,
            exits=exits,
            lingering=lingering,
            touch=self._look_again_at,
            versions=self._vitals.versions,
            unrecorded=self._vitals.leases.unrecorded,
            post_to=self._vitals.post_to,
        )
        self._orders = Orders(
            paths,
            tokens=tokens,
            mode_of=lambda template: promise_of(template).heartbeat,
            record=self._reconciler.command,
            clock=machine.monotonic,
        )
        place_reporter(paths.home)
        self._listener = Listener(
            paths.socket, self._poller, self.handle, machine.monotonic, failed=self._request_failed
        )
        self._sockets = OwnSockets(
            paths, self._poller, self.handle, machine.monotonic, log, failed=self._request_failed
        )
        if (bell := self._bell.fileno()) is not None:
            self._poller.watch(bell, READ, self._bell, lambda _events: self._ring())

    def run(self, begun: Callable[[], None], *, drain: bool = False, stops_agents: bool = False) -> str:
        """Adopt what runs, then go on until asked to end (with `drain`: end at once what runs).

        `stops_agents`: INT, TERM and HUP are the end of a container, so they end the agents too.
        `begun` is called after the first turn, which records its start. Returns why it ended.
        """
        self._stops_agents = stops_agents
        self._watch_signals()
        self.begin(drain=drain)
        why = self.turn()
        begun()
        while why is None:
            why = self.turn()
        return why

    def begin(self, *, drain: bool = False) -> None:
        """Adopt what runs."""
        self._note(observations.daemon_started(self._run_id, os.getpid(), __version__))
        if drain:
            self._note(observations.drain_requested(self._run_id))
        self._begin()

    def turn(self) -> str | None:
        """Wait until something is to be done, and do it; why the loop ended, once it has."""
        self._fleet.sync()
        patience = self._patience()
        self._attempt(self._poller.wait, patience)
        self._go_round(self._turned_at + (MAX_WAIT_SECONDS if patience is None else patience))
        if self._end is not None:
            self._finish(self._end)
        return self._end

    def observe(self, observation: observations.Observation) -> None:
        """Have something recorded in the first pass."""
        self._note(observation)

    def _begin(self) -> None:
        world = self._world()
        alive = {s.workspace for s in world.sessions.values() if s.alive}
        for workspace in sorted({*alive, *self._fleet.known_sockets()}):
            self._fleet.open(workspace, start=False)
        self._attempt(self._open_sockets)
        self._attempt(self._agents.end_leftovers)
        self._log.info("daemon started", pid=os.getpid(), home=self._paths.home, workspaces=len(alive))
        self._timers.after(RESYNC_SECONDS, self._resync)
        self._look_at_limits()
        self._vitals.begin()
        self._vitals.follow_all()
        self._turned_at = self._machine.monotonic()

    def _go_round(self, expected: float) -> None:
        now = self._machine.monotonic()
        self._notice_jump(now, expected)
        self._turned_at = now
        self._attempt(self._timers.run, now)
        self._attempt(self._fleet.expire, now)
        self._attempt(self._listener.expire, now)
        self._attempt(self._sockets.expire, now)
        self._attempt(self._agents.stopper.run, now)
        if self._retry_at is not None and now < self._retry_at:
            return
        try:
            self._write_leases(now)
            self._pass()
            self._retry_at, self._retry = None, RETRY_FIRST_SECONDS
            self._condition.recorded()
        except LogUnavailable as error:
            self._condition.failed(error.message)
            self._log.error("log unavailable", error=error.message, retry_in=self._retry)
            self._retry_at = now + self._retry
            self._retry = min(self._retry * 2, RETRY_MAX_SECONDS)

    def _attempt(self, act: Callable[..., object], *args: object) -> None:
        """Do what looks at the outside. What can't be looked at is unknown: it changes nothing, ends nothing
        and is looked at again.
        """
        try:
            act(*args)
        except OSError as error:
            words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            if words != self._unseen:
                self._unseen = words
                self._log.warning("could not look", error=words, shortage=shortage(error) or None)
            if not self._look_due:
                self._look_due = True
                self._timers.after(UNREACHABLE_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look_due = False
        self._unseen = ""
        self._agents.look_at_all()

    def _pass(self) -> None:
        wake_at = self._reconciler.wake_at()
        wall = self._machine.wall()
        polled = self._bell.fileno() is None
        if not (self._rang or polled) and (wake_at is None or wake_at > wall):
            return
        self._rang = True  # until this pass has gone through
        self._check_log()
        if self._end == LOG_REMOVED:
            return
        began = self._machine.monotonic()
        done = self._reconciler.run(wall)
        self._rang = False
        if done.appended:
            if not self._head_due:
                self._head_due = True
                self._timers.after(HEAD_SECONDS, self._note_head)
            elapsed = round((self._machine.monotonic() - began) * 1000, 1)
            self._log.info("pass", position=self._world().position, appended=done.appended, ms=elapsed)
        self._act(done)

    def _act(self, done: Pass) -> None:
        """Bring panes to what the events of a pass say."""
        if done.reloaded:
            self._attempt(self._open_sockets)
            self._attempt(self._agents.look_at_all)
            self._attempt(self._vitals.follow_all)
        emptied: set[str] = set()
        for event in done.seen:
            if event.kind == "session.scheduled" and event.ref.uid is not None:
                self._attempt(self._open_socket, self._world().sessions.get(event.ref.uid))
            if event.ref.uid is not None:
                self._attempt(self._agents.look, event.ref.uid)
            self._attempt(self._vitals.follow, event)
            if event.kind == "session.ended" and event.ref.uid:
                self._orders.forget(event.ref.uid)
                self._sockets.forget(event.ref.uid)
            if event.kind in ("session.ended", "workspace.deleted") and event.ref.workspace:
                emptied.add(event.ref.workspace)
        for workspace in emptied:
            self._close_unused(workspace)
        self._obey()

    def _close_unused(self, workspace: str) -> None:
        """A deleted workspace's tmux server ends with its last session."""
        world = self._world()
        if workspace in world.workspaces:
            return
        if not any(s.alive for s in world.sessions.values() if s.workspace == workspace):
            self._fleet.shut_down(workspace, _nothing)

    def _obey(self) -> None:
        """`marvel stop`: when everything is drained (or at once, if the agents are kept), end."""
        daemon = self._world().daemon
        if daemon is None or daemon.run_id != self._run_id or not daemon.stop_requested:
            return
        if daemon.keep_sessions:
            self._end = self._end or STOPPED_ALONE
        elif not any(session.alive for session in self._world().sessions.values()):
            waiting = set(self._fleet.up())
            if not waiting:
                self._end = self._end or STOPPED
            for workspace in list(waiting):
                self._fleet.shut_down(workspace, lambda w=workspace: self._shut(waiting, w))  # type: ignore[misc]

    def _shut(self, waiting: set[str], workspace: str) -> None:
        waiting.discard(workspace)
        if not waiting:
            self._end = self._end or STOPPED

    def _finish(self, why: str) -> None:
        kept = sum(1 for session in self._world().sessions.values() if session.alive)
        try:
            if why == LOG_REMOVED:
                raise LogUnavailable(f"{self._paths.database} is not the log this daemon opened")
            self._vitals.flush()
            self._note(observations.daemon_stopped(self._run_id, why))
            self._reconciler.run(self._machine.wall())
            self._note_head()
        except LogUnavailable as error:
            self._log.error("log unavailable", error=error.message)
        self._log.info("daemon stopped", why=why, sessions_left_running=kept)
        self._fleet.close()
        self.let_go()
        signal.set_wakeup_fd(-1)

    def let_go(self) -> None:
        """Give back all descriptors, and record nothing: what a death leaves to the system."""
        self._listener.close()
        self._sockets.close()
        self._vitals.close()
        self._bell.close()
        self._poller.close()

    # --- what wakes it -------------------------------------------------------------------------

    def _patience(self) -> float | None:
        """Seconds until something is due."""
        timeout = seconds_until(
            self._machine.monotonic(),
            self._timers.next(),
            self._fleet.deadline(),
            self._listener.deadline(),
            *self._sockets.deadlines(),
            self._agents.stopper.deadline(),
            self._retry_at if self._retry_at is not None else self._vitals.leases.deadline(),
        )
        if self._retry_at is not None:
            return timeout
        if self._rang:
            return 0.0
        wake_at = self._reconciler.wake_at()
        waits = [timeout, None if wake_at is None else max(0.0, wake_at - self._machine.wall())]
        if self._bell.fileno() is None:
            waits.append(POLL_SECONDS)
        return min((wait for wait in waits if wait is not None), default=None)

    def _ring(self) -> None:
        self._bell.drain()
        self._rang = True

    def _watch_signals(self) -> None:
        """INT, TERM and HUP end the daemon and leave the agents, unless the machine ends with it."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in ENDING_SIGNALS:
            signal.signal(number, self._signalled)
        self._poller.watch(reader, READ, self, lambda _events: _drain(reader))

    def _signalled(self, number: int, _frame: object) -> None:
        if self._stops_agents:  # the second signal does not wait for them
            self._stops_agents = False
            self._note(observations.drain_requested(self._run_id))
            return
        self._end = self._end or signal.Signals(number).name

    def _notice_jump(self, now: float, expected: float) -> None:
        """A clock that was set, a machine that slept, a daemon that was stopped: who was silent meanwhile
        may have spoken in vain."""
        if now > expected + STALL_SECONDS:
            self._note(observations.stalled(now - expected))
        offset = self._machine.wall() - now
        if abs(offset - self._offset) > JUMP_SECONDS:
            self._note(observations.clock_stepped(round(offset - self._offset, 3)))
        self._offset = offset

    def _resync(self) -> None:
        """Slowly, what no notification tells: a pane that vanished, a session that nothing named."""
        self._timers.after(RESYNC_SECONDS, self._resync)
        self._look_at_limits()
        self._reconciler.touch_all()  # the next pass looks at the log, too
        self._attempt(self._vitals.check)
        self._fleet.keep_sockets()
        for workspace in self._fleet.up():
            self._attempt(self._agents.compare, workspace)

    def _look_at_limits(self) -> None:
        """Note that the loop goes round, and which limits are nearly used up."""
        processes = {"the daemon": os.getpid(), **self._fleet.pids()}
        shortages = self._machine.nearly_used_up(processes, self._paths.home)
        if shortages and shortages != self._condition.shortages:
            self._log.warning("limits nearly used up", limits=shortages)
        self._condition.looked(shortages)

    def _check_log(self) -> None:
        """End when the log was removed or replaced: what is appended to it goes nowhere. Agents run on.

        Raises LogUnavailable when that can't be told, and when it is seen for the first time: what can't be
        looked at is not gone, and what is missing may be back in a moment.
        """
        path = self._paths.database
        try:
            same = self._machine.inode(path) == self._inode
        except OSError as error:
            if not is_gone(error):
                raise LogUnavailable(f"event log {path}: {error.strerror}") from error
            same = False
        missed, self._missed = self._missed, not same
        if same or self._end is not None:
            return
        if not missed:
            raise LogUnavailable(f"event log {path} was removed or replaced")
        self._log.critical("event log was removed or replaced", path=path)
        self._end = LOG_REMOVED

    def _note_head(self) -> None:
        self._head_due = False
        try:
            heads.note(self._paths.head, self._store.head())
        except (LogUnavailable, OSError) as error:
            self._log.warning("head not noted", error=str(error))

    def _write_leases(self, now: float) -> None:
        at = self._vitals.leases.deadline()
        if at is None or (at > now and self._retry_at is None):
            return
        try:
            self._vitals.leases.flush()
        except LogUnavailable:
            self._vitals.leases.put_off(now)
            raise

    # --- what its parts need -------------------------------------------------------------------

    def _world(self) -> World:
        return self._reconciler.world

    def _note(self, observation: observations.Observation) -> None:
        self._reconciler.note(observation)

    def _look_again_at(self, session: Session) -> None:
        self._reconciler.touch(session)

    def _place(self, session: Session) -> Place:
        contained = self._is_contained(session)
        # In a sandbox links that lie in an emptied directory lead nowhere.
        paths = Paths(os.path.realpath(self._paths.home)) if contained else self._paths
        return Place(
            home=paths.home,
            socket=paths.session_socket(session.uid) if contained else paths.socket,
            beat=paths.beat(session.uid),
            directory=paths.session(session.uid),
            token=self._tokens.of(session.uid),
            python=sys.executable,
        )

    def _is_contained(self, session: Session) -> bool:
        template, _ = wish_of(self._world(), session)
        return template is not None and bool(template.runtime.contain)

    def _open_sockets(self) -> None:
        for session in list(self._world().sessions.values()):
            self._open_socket(session)

    def _open_socket(self, session: Session | None) -> None:
        """A contained session speaks by a socket of its own."""
        if session is not None and session.alive and self._is_contained(session):
            os.makedirs(self._paths.session(session.uid), mode=MODE_PRIVATE_DIRECTORY, exist_ok=True)
            self._sockets.open(session.uid)

    def handle(self, method: str, params: dict[str, Any], lineage: LineageOf) -> Any:
        """Answer a request from the socket. Raises ValueError with what is wrong with it."""
        match method:
            case "heartbeat":
                return self._heartbeat(params, lineage)
            case "order":
                return self._orders.take(params, lineage)
            case "whoami":
                return self._whoami(params, lineage)
            case "status":
                return self._status()
            case _:
                raise ValueError(f"unknown method {method!r}")

    def _request_failed(self, method: str, error: Exception) -> None:
        self._log.error("request failed", method=method, exc_info=error)

    def _heartbeat(self, params: dict[str, Any], lineage: LineageOf) -> dict[str, str]:
        def proof(session: Session) -> bool:
            origin = Caller(lineage()).origin(self._world().sessions, self._tokens)
            return origin.session is session and not origin.problem

        self._vitals.beat(params, proof)
        return {"status": "ok"}

    def _whoami(self, params: dict[str, Any], lineage: LineageOf) -> dict[str, str]:
        session, problem = Caller(lineage(), claim_in(params)).origin(self._world().sessions, self._tokens)
        return {"uid": session.uid if session else "", "problem": problem}

    def _status(self) -> dict[str, Any]:
        head = self._store.head()
        alive = sum(1 for session in self._world().sessions.values() if session.alive)
        recorded = self._world().daemon
        unrecorded = self._condition.unrecorded_since
        return {
            "pid": os.getpid(),
            "run_id": self._run_id,
            "version": __version__,
            "since": self._since,
            # Its start and what it found are recorded, and so is all that came since.
            "ready": recorded is not None and recorded.run_id == self._run_id and unrecorded is None,
            "unrecorded_seconds": None
            if unrecorded is None
            else round(self._machine.monotonic() - unrecorded, 1),
            "unrecorded_reason": self._condition.reason,
            "shortages": self._condition.shortages,
            "position": head.position,
            "hash": head.hash.hex(),
            "sessions": alive,
        }


def _drain(fd: int) -> None:
    os.read(fd, 4096)


def _nothing() -> None:
    """Nobody waits for it."""
