"""All that tells how agents are: leases and beat files, screens, probes; and the calls for a person.

Gathers what the health controller can't learn from the log, and keeps it by session uid.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marvel.daemon.attention import Attention
from marvel.daemon.beats import Beats
from marvel.daemon.children import Children
from marvel.daemon.containment import Profile
from marvel.daemon.kept import Kept
from marvel.daemon.launch import probe_argv, surroundings, wish_of
from marvel.daemon.leases import BeatRefused, Leases, Proof
from marvel.daemon.machine import Machine
from marvel.daemon.observations import Observation, degraded
from marvel.daemon.probes import Probes, Surroundings
from marvel.daemon.records import Records
from marvel.daemon.screens import Screens
from marvel.daemon.streams import Streams
from marvel.daemon.tokens import Tokens
from marvel.daemon.versions import Versions
from marvel.events import Event
from marvel.logs import Logger
from marvel.resources import RoleKey, Session
from marvel.runtimes import Adapter, Place, Unlaunchable, adapter_of, promise_of
from marvel.settings import Paths
from marvel.store.log import Store
from marvel.tmux import Post, TmuxServer
from marvel.tmux.timers import Timers
from marvel.world import World


class Vitals:
    """How all agents are, as far as this daemon was told."""

    def __init__(
        self,
        paths: Paths,
        store: Store,
        machine: Machine,
        timers: Timers,
        *,
        world: Callable[[], World],
        server: Callable[[str], TmuxServer | None],
        note: Callable[[Observation], None],
        touch: Callable[[Session], None],
        tokens: Tokens,
        place: Callable[[Session], Place],
        environ: Mapping[str, str],
        profile: Profile,
        on_attention: tuple[str, ...],
        log: Logger,
    ) -> None:
        self._machine = machine
        self._world = world
        self._note = note
        self._touch = touch
        self._place = place
        self._environ = environ
        self._profile = profile
        self.leases = Leases(store, world=world, note=note, tokens=tokens, touch=touch, timers=timers)
        self._children = Children(machine.poller, timers, machine.file_limit)
        self.probes = Probes(
            self._children, timers, world=world, touch=touch, surroundings=self._surroundings
        )
        self._beats = Beats(
            paths.beats,
            poller=machine.poller,
            timers=timers,
            leases=self.leases.table,
            touched=lambda uid, wall: self.leases.touched(uid, wall, machine.monotonic()),
        )
        self.screens = Screens(
            timers=timers,
            server=server,
            world=world,
            wall=machine.wall,
            touch=touch,
            words=self._words,
            tells=self._tells,
        )
        self.versions = Versions(self._children, environ)
        self._streams = Streams(machine.poller, timers, self._told, self._unheard)
        self._records = Records(timers, self._told)
        self._kept = Kept(paths.sessions, timers=timers, world=world)
        self._attention = Attention(on_attention, self._children, environ, log)

    def begin(self) -> None:
        """Take in what happened while no daemon looked."""
        self._beats.scan()
        self._kept.plan()

    def beat(self, params: dict[str, Any], proof: Proof) -> None:
        """Take a beat from the socket. Raises BeatRefused."""
        uid, counts = self.leases.beat(params, self._machine.wall(), self._machine.monotonic(), proof)
        if counts and "record" in params:
            adapter = self._adapter(self._world().sessions.get(uid))
            self._records.look(uid, adapter.record if adapter else "", params["record"])

    def check(self) -> None:
        """Slowly: what no notification tells."""
        self._beats.check()

    def follow(self, event: Event) -> None:
        """React to an event: probe what runs, forget what has ended, call a person."""
        ref = event.ref
        if ref.uid is not None and event.kind == "session.ended":
            self.leases.forget(ref.uid)
            self._beats.forget(ref.uid)
            self.probes.forget(ref.uid)
            self.screens.forget(ref.uid)
            self._streams.forget(ref.uid)
            self._records.forget(ref.uid)
            self._kept.plan()
        elif ref.uid is not None and event.kind == "session.started":
            self.probes.look(ref.uid)
            self._listen(ref.uid)
            self.screens.watch(ref.uid)
        elif event.kind == "role.applied":
            self.probes.look_at_role(RoleKey(ref.workspace or "", ref.team or "", ref.role or ""))
        self._attention.consider(event)

    def follow_all(self) -> None:
        """Anything may have changed."""
        self.probes.look_at_all()
        for uid in list(self._world().sessions):
            self._listen(uid)
            self.screens.watch(uid)

    def post_to(self, session: Session) -> Post | None:
        """Return how a text is handed to a session without its keyboard; None where it has to be typed."""
        return self._streams.post_to(session)

    def flush(self) -> None:
        """Write what is not written. Raises LogUnavailable when that can't be done."""
        self.leases.flush()

    def close(self) -> None:
        """Listen no more, and end what runs."""
        self._children.close()
        self._streams.close()
        self._records.close()
        self._beats.close()

    def _listen(self, uid: str) -> None:
        """Read what an agent serves of itself."""
        session = self._world().sessions.get(uid)
        adapter = self._adapter(session)
        if session is not None and adapter is not None and session.state == "running":
            self._streams.look(uid, adapter.stream, self._place(session))

    def _adapter(self, session: Session | None) -> Adapter | None:
        """None once the session or its cohort is gone."""
        template = wish_of(self._world(), session)[0] if session is not None else None
        return adapter_of(template) if template is not None else None

    def _words(self, session: Session) -> tuple[tuple[str, str], ...]:
        adapter = self._adapter(session)
        return adapter.dialogs if adapter is not None else ()

    def _tells(self, session: Session) -> bool:
        template = wish_of(self._world(), session)[0]
        return template is not None and promise_of(template).tells

    def _told(self, uid: str, source: str, payload: dict[str, Any], at: float | None = None) -> bool:
        try:
            # What the daemon itself read of a session is the session's own word.
            self.beat({"uid": uid, "source": source, "payload": payload, "ts": at}, lambda _session: True)
        except BeatRefused:
            return False
        return True

    def _unheard(self, uid: str, why: str) -> None:
        self._note(degraded(uid, "no-stream", f"{why}: judged by its process alone"))

    def _surroundings(self, session: Session, command: tuple[str, ...]) -> Surroundings:
        template, role = wish_of(self._world(), session)
        if template is None:
            raise ValueError("its cohort is gone")
        try:
            place = self._place(session)
            argv = probe_argv(session, template, place, command, self._environ, self._profile)
            return Surroundings(*surroundings(session, template, role, place, self._environ), argv)
        except Unlaunchable as problem:
            raise ValueError(str(problem)) from problem
