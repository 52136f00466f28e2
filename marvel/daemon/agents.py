"""Brings panes to what the world says of their sessions: start, adopt, notice the end.

`look` compares one session with what is in hand and does what is missing; it may be called at any time
and as often as one likes. Everything observed goes back to the log as a note. Nothing here decides whether
a session shall run.

How an end is noticed: the pidfd of the pane's process fires; tmux is asked for its dead panes, once for
all that ended together; status or signal, the last lines of the screen are kept, the pane is closed, and
the end is noted. A session with a stop order has ended only when the stopper has proved it gone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from marvel.daemon import tails
from marvel.daemon.containment import Profile
from marvel.daemon.fleet import Fleet
from marvel.daemon.handoffs import Handoffs
from marvel.daemon.hands import Hands
from marvel.daemon.launch import (
    pane_environment,
    prepare,
    trusted,
    typed_prompt,
    wish_of,
    write_files,
)
from marvel.daemon.leftovers import Leftovers
from marvel.daemon.machine import Machine
from marvel.daemon.observations import (
    Observation,
    degraded,
    ended,
    server_lost,
    server_started,
    server_unreachable,
    start_delayed,
    start_failed,
    started,
)
from marvel.daemon.outputs import CHECK_SECONDS, Outputs
from marvel.daemon.poller import READ
from marvel.daemon.processes import Process
from marvel.daemon.prompts import Prompts
from marvel.daemon.stopper import Stopper
from marvel.daemon.trust import Trust
from marvel.daemon.typist import Typist
from marvel.daemon.versions import Versions
from marvel.resources import RoleSpec, RuntimeSpec, Session, Template
from marvel.runtimes import Place, Signal, Unlaunchable, Wish, adapter_of
from marvel.runtimes.launch import is_too_old, too_old_words
from marvel.settings import Paths
from marvel.shortages import shortage, shortage_in
from marvel.tmux import Failed, Pane, PaneSpec, Post, TmuxServer
from marvel.tmux.timers import Timers
from marvel.world import World

ASK_AGAIN_SECONDS = (0.002, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # until tmux knows of an end
UNREACHABLE_SECONDS = 2.0  # before asking a tmux again that did not answer
LOST_GRACE_SECONDS = 0.5  # for what survived its pane, before KILL


class Agent:
    """A session's process, as far as this daemon holds it."""

    def __init__(self, uid: str, workspace: str) -> None:
        self.uid = uid
        self.workspace = workspace
        self.creating = False
        self.doubtful = False  # whether it was created is not known
        self.pane = ""
        self.main: Process | None = None  # its pane's process, proven to be that; kept when it has ended
        self.handle: int | None = None  # pidfd while its process is watched
        self.unseen = False  # its process could not be looked at
        self.exited = False
        self.asked = 0  # times tmux was asked for its status
        self.why = ""  # it ended, when neither status nor signal tells


class Agents:
    """All agents of all workspaces."""

    def __init__(
        self,
        *,
        machine: Machine,
        fleet: Fleet,
        timers: Timers,
        world: Callable[[], World],
        note: Callable[[Observation], None],
        place: Callable[[Session], Place],
        environ: Mapping[str, str],
        profile: Profile,
        paths: Paths,
        log_id: str,
        knows: Callable[[str], bool],
        seen: Callable[[tuple[Pane, ...]], None],
        exits: dict[str, float],
        lingering: set[str],
        touch: Callable[[Session], None],
        versions: Versions,
        unrecorded: Callable[[str], list[Signal]],
        post_to: Callable[[Session], Post | None],
    ) -> None:
        self._machine = machine
        self._fleet = fleet
        self._timers = timers
        self._world = world
        self._note = note
        self._place = place
        self._environ = environ
        self._profile = profile  # of contained sessions
        self._log_id = log_id
        self._versions = versions
        self._unrecorded = unrecorded  # what a session reported last, by uid
        self._seen = seen  # is shown every list of panes
        self._exits = exits  # by uid: when this daemon saw its process end; kept until its end is in the log
        self._agents: dict[str, Agent] = {}
        self._watched: dict[int, str] = {}  # pid → uid of main processes that are waited for, and so live
        self._silent: dict[str, str] = {}  # by workspace: why its tmux server cannot be talked to
        self._asking: set[str] = set()  # workspaces whose tmux is being asked for ends
        self._outputs = Outputs(world=world, server=fleet.server, path=paths.output)
        self._hands = Hands(server=fleet.server, lock=paths.typing_lock, world=world, note=note, post=post_to)
        self._prompts = Prompts(
            timers=timers,
            clock=machine.monotonic,
            server=fleet.server,
            world=world,
            note=note,
            hands=self._hands,
        )
        self._typist = Typist(paths=paths, note=note, hands=self._hands, contained=self._is_contained)
        self._trust = Trust(timers=timers, again=self.look, note=note)
        self._handoffs = Handoffs(paths=paths, timers=timers, world=world, note=note)
        self.stopper = Stopper(machine, type_keys=self._type_keys, on_gone=self._gone, others=self._main_pids)
        self._leftovers = Leftovers(
            machine=machine,
            stopper=self.stopper,
            world=world,
            note=note,
            close_pane=self._close_pane,
            home=paths.home,
            knows=knows,
            lingering=lingering,
            touch=touch,
        )
        # Their end is told, perhaps not recorded yet (a full disk): a look must not start them a second time.
        self._told: set[str] = set()
        fleet.on_up = self._adopt
        fleet.on_lost = self._lost_server
        fleet.on_unreachable = self._unreachable
        fleet.on_due = self._look_at_workspace
        self._check_outputs()

    def look(self, uid: str) -> None:
        """Do what is missing for one session."""
        session = self._world().sessions.get(uid)
        agent = self._agents.get(uid)
        if session is None or not session.alive:
            self._told.discard(uid)
            self._exits.pop(uid, None)
            return
        if session.state == "stopping":
            self._stop(session, agent)
        elif session.state == "pending" and not session.held and agent is None:
            if uid not in self._told:
                self._start(session)
        elif session.retirement is not None or session.typing is not None:
            self._typist.look(session)
            self._handoffs.look(session)
        if session.state != "pending":
            self._prompts.look(session, lambda: self._prompt(session))

    def look_at_all(self) -> None:
        """The same for every session that is alive."""
        self._look_at(session for session in self._world().sessions.values() if session.alive)

    def _look_at(self, sessions: Iterable[Session]) -> None:
        """Look at each. Raises OSError, in the end, when something could not be looked at."""
        unseen: OSError | None = None
        for session in list(sessions):
            try:
                self.look(session.uid)
            except OSError as error:
                unseen = error
        if unseen is not None:
            raise unseen

    def end_leftovers(self) -> None:
        """What ended sessions left running, and an earlier daemon had no time to end."""
        self._leftovers.end_all()

    # --- start ---------------------------------------------------------------------------------

    def _start(self, session: Session) -> None:
        server = self._fleet.server(session.workspace)
        if server is None:
            self._fleet.open(session.workspace, start=True)  # looks again once it is up
            return
        template, role = wish_of(self._world(), session)
        if template is None:
            return  # its cohort is gone: the controllers will stop it
        if not self._versions.is_settled(template, lambda: self.look(session.uid)):
            return  # looks again once it is
        wish = self._wish(session, template, role)
        agent = self._agents[session.uid] = Agent(session.uid, session.workspace)
        try:
            plan = prepare(wish, self._environ, self._profile)
            write_files(wish.place, plan, contained=bool(template.runtime.contain))
            if not self._trust.is_settled(session.uid, trusted(wish, plan, self._environ)):
                del self._agents[session.uid]
                return  # looks again once it is
            log = self._outputs.path_for(session)
        except Unlaunchable as problem:
            self._failed(agent, "invalid-runtime", str(problem))
            return
        except OSError as error:
            self._delay(agent, *_why_not_now(error))
            return
        if is_too_old(adapter_of(template), wish.version):
            self._note(degraded(session.uid, "too-old", too_old_words(adapter_of(template), wish.version)))
        if plan.unheard:
            self._note(degraded(session.uid, "settings", plan.unheard))
        agent.creating = True
        env = pane_environment(wish, plan, self._environ)
        spec = PaneSpec(uid=session.uid, log_id=self._log_id, argv=plan.argv, env=env, cwd=plan.cwd, log=log)
        server.create(spec, lambda pane: self._created(agent, pane))

    def _is_contained(self, session: Session) -> bool:
        template, _ = wish_of(self._world(), session)
        return template is not None and bool(template.runtime.contain)

    def _prompt(self, session: Session) -> tuple[str, RuntimeSpec]:
        """What is to be typed to a session once it is ready, and how its runtime says that it is."""
        template, role = wish_of(self._world(), session)
        if template is None:
            return "", RuntimeSpec()
        return typed_prompt(self._wish(session, template, role)), template.runtime

    def _wish(self, session: Session, template: Template, role: RoleSpec | None) -> Wish:
        version = self._versions.of(template)
        return Wish(
            session=session, template=template, role=role, place=self._place(session), version=version
        )

    def _check_outputs(self) -> None:
        self._timers.after(CHECK_SECONDS, self._check_outputs)
        self._outputs.check()

    def _created(self, agent: Agent, pane: Pane | Failed) -> None:
        agent.creating = False
        if not isinstance(pane, Failed):
            self._follow(agent, pane)
            if pane.unlogged:
                self._outputs.is_not_logged(agent.uid)
                self._note(
                    degraded(agent.uid, "no-output-log", f"its output is not logged yet: {pane.unlogged}")
                )
            return
        if shortage := shortage_in(pane.message):
            self._delay(agent, "shortage", f"{shortage}: {pane.message}")
        elif pane.reason == "refused":
            self._failed(agent, "tmux-refused", pane.message)
            self._leftovers.end_of(agent.uid)  # it may be half made
        else:
            self._delay(agent, "tmux-unavailable", pane.message)

    def _delay(self, agent: Agent, reason: str, detail: str) -> None:
        """Something outside keeps an agent from starting: try again, once the panes were compared.

        It may have been created all the same.
        """
        agent.doubtful = True
        self._note(start_delayed(agent.uid, reason, detail))
        self._timers.after(UNREACHABLE_SECONDS, lambda: self.compare(agent.workspace))

    def _failed(self, agent: Agent, reason: str, detail: str) -> None:
        del self._agents[agent.uid]
        self._told.add(agent.uid)
        self._note(start_failed(agent.uid, reason, detail))

    def compare(self, workspace: str) -> None:
        """Compare a workspace's panes with the world anew."""
        server = self._fleet.server(workspace)
        if server is not None:
            self._adopt(workspace, server)

    def _follow(self, agent: Agent, pane: Pane, *, adopted: bool = False) -> None:
        """Watch a pane's process. From the moment the pidfd is open the pid can't become another's."""
        agent.pane = pane.pane
        process = self._hold(agent, pane)
        session = self._world().sessions.get(agent.uid)
        recorded = session.pid_start if session else None
        server = self._fleet.identity(agent.workspace)
        self._note(
            started(
                agent.uid,
                server=server,
                pane=pane.pane,
                pid=pane.pid,
                pid_start=process.start if process else None,
                adopted=adopted,
            )
        )
        is_another = process is not None and recorded is not None and recorded != process.start
        if not is_another:
            agent.main = process
        if is_another or pane.dead:
            self._exited(agent)
        else:
            self._watch(agent, pane)

    def _hold(self, agent: Agent, pane: Pane) -> Process | None:
        """Open a handle on a pane's process, and look whose it is; None when it is gone, or not known."""
        agent.unseen = False
        try:
            agent.handle = self._machine.open_handle(pane.pid) if pane.pid is not None else None
            return self._main(agent.workspace, pane) if agent.handle is not None else None
        except OSError:
            agent.unseen = True
            return None

    def _watch(self, agent: Agent, pane: Pane) -> None:
        """Wait for the end of a process. While it can't be looked at it has not ended: look again."""
        if agent.unseen:
            self._unwatch(agent)
            self._timers.after(UNREACHABLE_SECONDS, lambda: self._watch_again(agent, pane))
        elif agent.handle is None or agent.main is None:
            self._exited(agent)
        else:
            self._watched[agent.main.pid] = agent.uid
            self._machine.poller.watch(agent.handle, READ, agent, lambda _events: self._exited(agent))

    def _watch_again(self, agent: Agent, pane: Pane) -> None:
        if self._agents.get(agent.uid) is agent and not agent.exited and agent.unseen:
            agent.main = self._hold(agent, pane)
            self._watch(agent, pane)

    def _main(self, workspace: str, pane: Pane) -> Process | None:
        """The process of a pane; None when it is gone, and its number perhaps another's. Raises OSError."""
        process = self._machine.look_at(pane.pid) if pane.pid is not None else None
        server = self._fleet.server_pid(workspace)
        return process if process is not None and process.parent == server else None

    def _unwatch(self, agent: Agent) -> None:
        """Its process has ended, or is not ours to wait for any more."""
        if agent.handle is None:
            return
        self._machine.poller.forget(agent.handle, agent)
        self._machine.close_handle(agent.handle)
        agent.handle = None
        if agent.main is not None and self._watched.get(agent.main.pid) == agent.uid:
            del self._watched[agent.main.pid]

    # --- adopt ---------------------------------------------------------------------------------

    def _adopt(self, workspace: str, server: TmuxServer) -> None:
        """A server is reachable: compare its panes with the world."""

        def compare(panes: tuple[Pane, ...] | Failed) -> None:
            if isinstance(panes, Failed):
                self._unreachable(workspace, f"its panes can't be listed: {panes.message}")
                self._timers.after(UNREACHABLE_SECONDS, lambda: self._readopt(workspace, server))
                return
            first = self._fleet.server(workspace) is None
            self._fleet.settle(workspace)
            if self._silent.pop(workspace, "") or first:
                self._note(server_started(workspace, server.identity or ""))
            self._compare(workspace, server, panes)

        server.panes(compare)

    def _readopt(self, workspace: str, server: TmuxServer) -> None:
        if server.state == "up":
            self._adopt(workspace, server)

    def _compare(self, workspace: str, server: TmuxServer, panes: tuple[Pane, ...]) -> None:
        ours = self._ours(workspace, server, panes)
        self._seen(tuple(ours.values()))
        sessions = self._world().sessions
        for agent in [a for a in self._agents.values() if a.doubtful and a.workspace == workspace]:
            del self._agents[agent.uid]  # the list tells whether it was created
        for uid, pane in ours.items():
            owner = sessions.get(uid)
            if owner is None or not owner.alive:
                if uid not in self._agents:
                    self._end_orphan(workspace, server, pane, known=owner is not None)
            elif uid not in self._agents:
                agent = self._agents[uid] = Agent(uid, workspace)
                self._follow(agent, pane, adopted=True)
            elif pane.dead and self._agents[uid].unseen:
                self._exited(self._agents[uid])
        for session in list(sessions.values()):
            if session.workspace != workspace or not session.alive or session.uid in ours:
                continue
            held = self._agents.get(session.uid)
            if session.pid is not None and not (held and held.exited):
                self._lose(session, "pane-closed")
        self._look_at_workspace(workspace)

    def _ours(self, workspace: str, server: TmuxServer, panes: tuple[Pane, ...]) -> dict[str, Pane]:
        """The panes of this log by uid.

        A stamp can be written over, so a session that was started is where it was recorded to be, and is
        given its stamp again.
        """
        ours = {pane.uid: pane for pane in panes if pane.log_id == self._log_id and pane.uid}
        places: dict[tuple[str, int | None], Pane] = {(p.pane, p.pid): p for p in panes if p.pid is not None}
        for session in self._world().sessions.values():
            if not session.alive or (session.workspace, session.server) != (workspace, server.identity):
                continue
            pane = places.get((session.pane, session.pid))
            if pane is None:
                continue
            if (pane.uid, pane.log_id) != (session.uid, self._log_id):
                pane = msgspec.structs.replace(pane, uid=session.uid, log_id=self._log_id)
                server.stamp(pane, _ignore)
            ours[session.uid] = pane
        return ours

    def _end_orphan(self, workspace: str, server: TmuxServer, pane: Pane, *, known: bool) -> None:
        """End a pane of this log that no live session owns, if the stamp is its own.

        A list of panes can't tell: an option of the server, which anybody on it can set, shows in all panes.
        """

        def end(stamped: bool | Failed) -> None:
            if stamped is True:
                self._leftovers.end_orphan(workspace, pane, self._main(workspace, pane), known=known)

        server.has_stamp(pane.pane, pane.uid, end)

    def _look_at_workspace(self, workspace: str) -> None:
        sessions = self._world().sessions.values()
        self._look_at(s for s in sessions if s.workspace == workspace and s.alive)

    # --- the end -------------------------------------------------------------------------------

    def _exited(self, agent: Agent) -> None:
        """The pane's own process has ended."""
        self._unwatch(agent)
        if agent.exited:
            return
        agent.exited = True
        self._exits[agent.uid] = round(self._machine.wall(), 6)
        if agent.uid in self.stopper:
            self.stopper.hurry(agent.uid, self._machine.monotonic())
        else:
            self._ask(agent.workspace)

    def _ask(self, workspace: str, *, all_panes: bool = False) -> None:
        """Ask tmux once for all panes of a workspace whose processes have ended."""
        server = self._fleet.server(workspace)
        if workspace in self._asking or server is None:
            return
        self._asking.add(workspace)

        def answer(panes: tuple[Pane, ...] | Failed) -> None:
            self._asking.discard(workspace)
            if isinstance(panes, Failed):
                self._timers.after(UNREACHABLE_SECONDS, lambda: self._ask(workspace))
            else:
                self._collect(workspace, {pane.uid: pane for pane in panes}, complete=all_panes)

        server.panes(answer, dead_only=not all_panes)

    def _collect(self, workspace: str, panes: dict[str, Pane], *, complete: bool) -> None:
        waiting = [
            agent
            for agent in self._agents.values()
            if agent.workspace == workspace and agent.exited and agent.uid not in self.stopper
        ]
        unknown = []
        for agent in waiting:
            pane = panes.get(agent.uid)
            if pane is not None and pane.dead:
                self._finish(agent, pane)
            elif complete and pane is None:
                agent.why = agent.why or "pane-closed"
                self._finish(agent, None)
            elif agent.asked >= len(ASK_AGAIN_SECONDS):
                agent.why = agent.why or "unknown"
                self._finish(agent, None)
            else:
                agent.asked += 1
                unknown.append(agent.asked)
        if unknown:
            times = min(unknown)
            pause = ASK_AGAIN_SECONDS[times - 1]
            self._timers.after(pause, lambda: self._ask(workspace, all_panes=times > 2))

    def _finish(self, agent: Agent, pane: Pane | None) -> None:
        """Status or signal are known, or known to be lost: keep the last lines, close the pane, note it."""
        server = self._fleet.server(agent.workspace)
        if pane is None or server is None:
            self._end(agent, None, "")
            return

        def captured(text: str | Failed) -> None:
            digest = ""
            if not isinstance(text, Failed):
                session = self._world().sessions.get(agent.uid)
                digest = tails.keep(self._place(session).directory, text) if session else ""
            self._end(agent, pane, digest)
            self._close_pane(agent.workspace, pane)

        agent.exited = False  # asked for no more
        server.capture(agent.pane, agent.uid, captured, start=-tails.LINES)

    def _end(self, agent: Agent, pane: Pane | None, tail_sha256: str) -> None:
        if self._agents.pop(agent.uid, None) is None:
            return
        self._told.add(agent.uid)
        self._note(
            ended(
                agent.uid,
                exit_status=pane.exit_status if pane else None,
                signal=(pane.signal or "") if pane else "",
                reason=agent.why,
                tail_sha256=tail_sha256,
                at=self._exits.get(agent.uid),
                last=self._unrecorded(agent.uid),
            )
        )
        session = self._world().sessions.get(agent.uid)
        if session is not None and session.stop is None and not agent.why.startswith("tmux"):
            self._leftovers.end_of(agent.uid, agent.main)

    def _close_pane(self, workspace: str, pane: Pane) -> None:
        server = self._fleet.server(workspace)
        if server is not None:
            server.kill_pane(pane.pane, pane.uid, _ignore)

    # --- stop ----------------------------------------------------------------------------------

    def _stop(self, session: Session, agent: Agent | None) -> None:
        if session.stop is None or (agent is not None and agent.creating):
            return
        if agent is not None and agent.doubtful:
            return  # tmux may still make its pane: looked at again with the list of panes
        if agent is None and session.pid is not None:
            return  # not adopted yet: its panes are being asked for
        if agent is None and self._fleet.server(session.workspace) is None and session.pid is None:
            # Perhaps a pane exists that no event tells of: look before it is called gone.
            self._fleet.open(session.workspace, start=True, at_once=True)
            return
        main = agent.main if agent else None
        self.stopper.begin(session.uid, main, session.stop, self._machine.wall(), self._machine.monotonic())

    def _lose(self, session: Session, why: str) -> None:
        """A started session whose pane is not there: end what survived, then note its end."""
        agent = self._agents.setdefault(session.uid, Agent(session.uid, session.workspace))
        self._unwatch(agent)
        agent.main, agent.why, agent.exited = None, agent.why or why, True
        agent.pane = ""
        self._leftovers.end(session.uid, None, LOST_GRACE_SECONDS)

    def _gone(self, uid: str, outlived: list[int], left: list[int], pids: set[int]) -> None:
        """The stopper has proved a session gone (but for `left`, which can't be ended)."""
        session, agent = self._world().sessions.get(uid), self._agents.get(uid)
        main = agent.main.pid if agent is not None and agent.main is not None else None
        server = self._fleet.server(session.workspace) if session is not None else None
        if server is None or not pids - {main}:
            self._proved(uid, outlived, left)
            return

        def close(panes: tuple[Pane, ...] | Failed) -> None:
            for pane in panes if not isinstance(panes, Failed) else ():
                if not pane.uid and pane.pid in pids:
                    server.close_dead(pane.pane, _ignore)
            self._proved(uid, outlived, left)

        server.panes(close, dead_only=True)  # those that it opened itself are left open on the server

    def _proved(self, uid: str, outlived: list[int], left: list[int]) -> None:
        """Nothing is left of a session: note its end."""
        if self._leftovers.gone(uid, outlived, left):
            return
        agent = self._agents.get(uid)
        if agent is None:  # it never had a process
            self._note(ended(uid))
        elif agent.pane and self._fleet.server(agent.workspace) is not None:
            agent.exited = True
            self._ask(agent.workspace)
        else:
            self._end(agent, None, "")

    def _main_pids(self, but: Collection[str]) -> set[int]:
        """Pids of agents' main processes, which can't be anybody else's: they are watched, and live."""
        mains = (self._agents[uid].main for uid in but if uid in self._agents)
        return self._watched.keys() - {main.pid for main in mains if main is not None}

    def _type_keys(self, uid: str, keys: tuple[str, ...]) -> None:
        session = self._world().sessions.get(uid)
        if session is not None and session.pane:
            self._hands.press(session, keys, _ignore)

    # --- servers -------------------------------------------------------------------------------

    def _lost_server(self, workspace: str, identity: str) -> None:
        """One incident: all sessions of the workspace have lost their panes."""
        self._asking.discard(workspace)
        self._silent.pop(workspace, None)
        alive = [s for s in self._world().sessions.values() if s.workspace == workspace and s.alive]
        had_panes = [s for s in alive if s.pid is not None or s.uid in self._agents]
        if had_panes:
            self._note(server_lost(workspace, identity, len(had_panes)))
        for session in had_panes:
            self._lose(session, "tmux-server-lost")
        for session in alive:
            if session not in had_panes:
                self.look(session.uid)

    def _unreachable(self, workspace: str, why: str) -> None:
        if self._silent.get(workspace) != why:
            self._silent[workspace] = why
            self._note(server_unreachable(workspace, why))
        for session in self._world().sessions.values():
            if session.workspace == workspace and session.state == "pending" and not session.held:
                self._note(start_delayed(session.uid, "tmux-unavailable", why))


def _why_not_now(error: OSError) -> tuple[str, str]:
    """Reason and detail of a start that something outside keeps from being made now."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if short_of := shortage(error):
        return "shortage", f"{short_of}: {what}"
    return "files-unavailable", what


def _ignore(_failed: Failed | None) -> None:
    """What was asked for is a courtesy: it is looked at again when panes are compared."""
