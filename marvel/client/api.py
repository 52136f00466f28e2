"""`Marvel`: what the command line can do, as typed methods for programs, scripts and agents.

    from marvel.client import Marvel

    marvel = Marvel()                               # the state directory of the environment
    for session in marvel.sessions(team="squad"):
        print(session.key, session.state, session.context_percent)
    marvel.inject("demo/squad-agent-g1-0", "How far are you?", enter=True)
    marvel.scale("demo/squad", "agent", 5)

It reads the log and writes through the same door as the command line: inside a session it acts as that
session, within its role's capabilities. Everything raises MarvelError, with a message for people.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from marvel.client import from_environment, heartbeat, messages
from marvel.client.door import Door
from marvel.client.messages import Delivery, Wish
from marvel.client.targets import Seen, addressees
from marvel.commands.naming import one
from marvel.commands.orders import Delete, Injected, Kill, Run, Scale
from marvel.errors import MarvelError, Rejected
from marvel.events import Event
from marvel.resources import Endpoint, Session, TeamKey
from marvel.settings import paths
from marvel.store.query import Reader

COMMAND_SECONDS = 60.0  # for a command that is run as a process of its own

R = TypeVar("R", Session, Endpoint)


class Marvel:
    """One state directory. Holds nothing open between calls."""

    def __init__(self, home: str | None = None, *, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = {**environ, "MARVEL_HOME": home} if home else dict(environ)
        self._paths = paths(self._environ)
        self._door = Door(self._paths, self._environ)

    # --- reading -------------------------------------------------------------------------------

    def sessions(
        self, *, workspace: str | None = None, team: str | None = None, role: str | None = None
    ) -> list[Session]:
        """Sessions that hold a slot or live, by workspace, team, role, generation and index."""
        found = [
            session
            for session in self._see(workspace).sessions
            if (session.current or session.alive)
            and team in (None, session.team)
            and role in (None, session.role)
        ]
        return sorted(found, key=lambda s: (s.workspace, s.team, s.role, s.generation, s.index))

    def session(self, key: str) -> Session:
        """The newest session a key names."""
        return one(self._see().sessions, key)

    def events(self, count: int = 50) -> list[dict[str, Any]]:
        """The newest events, newest last, as plain dicts."""
        with Reader(self._paths) as reader:
            found = reader.events("position > (SELECT max(position) FROM events) - ?", count)
            return list(found)[::-1]

    def capture(
        self,
        key: str,
        *,
        start: int | None = None,
        end: int | None = None,
        join: bool = False,
        ansi: bool = False,
    ) -> str:
        """What a session's pane shows; of an ended session, its last lines."""
        return messages.screen(self._paths, self.session(key), start=start, end=end, join=join, ansi=ansi)

    # --- acting --------------------------------------------------------------------------------

    def inject(
        self, key: str, text: str, *, enter: bool = False, role: str | None = None, **how: Any
    ) -> list[Delivery]:
        """Type a text to a session, the running sessions of a team, or the best one of an endpoint.

        `how`: `force` and `patience` of `messages.Wish`.
        """
        return self.send(key, Wish(text=text, enter=enter, **how), role=role)

    def press(self, key: str, keys: Sequence[str], *, role: str | None = None, **how: Any) -> list[Delivery]:
        """The same with keys by their tmux names, such as `C-c` and `Enter`."""
        return self.send(key, Wish(keys=tuple(keys), **how), role=role)

    def send(self, key: str, wish: Wish, *, role: str | None = None) -> list[Delivery]:
        """Type to the sessions that `key` names; return what became of it, for each of them.

        Only a user may type over someone, or answer a dialog with keys. Raises MarvelError.
        """
        found = addressees(self._see(), key, role=role, but=self._door.own_uid())
        teams = {TeamKey(session.workspace, session.team) for session in found}
        if wish.force:
            self._door.check_person(f"inject {key} --force")
        self._door.permit("inject", teams, what=f"inject {key}")
        is_user = not self._door.own_uid()
        wish = msgspec.structs.replace(wish, answers=is_user and bool(wish.keys))
        return [self._send(session, wish) for session in found]

    def _send(self, session: Session, wish: Wish) -> Delivery:
        def look() -> Session | None:
            known = self._see(session.workspace).sessions
            return next((one for one in known if one.uid == session.uid), None)

        delivery = messages.deliver(self._paths, session, wish, look)
        order = Injected(
            uid=session.uid,
            key=session.key,
            outcome=delivery.outcome,
            bytes=wish.size,
            keys=bool(wish.keys),
            detail=delivery.detail,
        )
        self._door.send(order)
        return delivery

    def scale(self, team: str, role: str, replicas: int, *, force_large: bool = False) -> list[Event]:
        """Another number of sessions for one role; no events when it has that many already."""
        return self._door.obey(Scale(team=team, role=role, replicas=replicas, force_large=force_large))

    def run(
        self,
        argv: Sequence[str],
        *,
        workspace: str = "default",
        team: str = "adhoc",
        role: str = "adhoc",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Session:
        """Start a one-off session."""
        command = os.path.abspath(argv[0]) if "/" in argv[0] else argv[0]
        directory = os.path.abspath(cwd or os.getcwd())
        order = Run(
            argv=(command, *argv[1:]),
            team=team,
            role=role,
            in_workspace=workspace,
            cwd=directory,
            env=dict(env or {}),
        )
        uid = self._door.obey(order)[-1].ref.uid
        return next(session for session in self._see(workspace).sessions if session.uid == uid)

    def kill(self, key: str) -> list[Event]:
        """End a session; no events when it is stopping already."""
        return self._door.obey(Kill(key))

    def delete(self, key: str) -> list[Event]:
        """As `kill`; an ended one-off leaves the listing, another ended session's slot is filled again."""
        return self._door.obey(Delete(key))

    def shift(self, team: str, role: str | None = None) -> str:
        """Replace a team's sessions by fresh ones, rolling; what `marvel shift` says."""
        return self.command("shift", team, *(["--role", role] if role else []))

    def heartbeat(self, *, context_percent: float | None = None, state: str | None = None) -> None:
        """Beat for the session that this runs in."""
        me = from_environment(self._environ)
        if "socket_path" not in me or "session_key" not in me:
            raise Rejected("this does not run inside a session: there is nobody to beat for")
        try:
            heartbeat(**me, context_percent=context_percent, state=state)
        except Exception as error:  # what the daemon says, or that it is not there
            raise Rejected(f"the beat did not arrive: {error}") from error

    def command(self, *argv: str, stdin: str = "") -> str:
        """Run any command of marvel as a process; its output."""
        status, output, error = self.process(argv, stdin=stdin)
        if status != 0:
            raise MarvelError(error.strip().removeprefix("error: ") or f"exit status {status}")
        return output

    def process(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        started: Callable[["subprocess.Popen[bytes]"], None] | None = None,
    ) -> tuple[int, str, str]:
        """Do the same, whatever the result: return exit status, output and errors.

        `started` is called with the process, which it may end from another thread.
        """
        # -P: a directory named marvel where we are must not be imported in its place.
        command = [sys.executable, "-P", "-m", "marvel", *argv]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=self._environ, stdin=pipe, stdout=pipe, stderr=pipe) as child:
            if started is not None:
                started(child)
            try:
                text = stdin.encode(errors="surrogateescape")
                output, errors = child.communicate(text, timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired as error:
                child.kill()
                raise MarvelError(f"marvel {argv[0]} took longer than {COMMAND_SECONDS:g} s") from error
        return child.returncode, output.decode(errors="replace"), errors.decode(errors="replace")

    def _see(self, workspace: str | None = None) -> Seen:
        with Reader(self._paths) as reader:
            sessions = [_typed(row, Session) for row in reader.sessions(workspace)]
            teams = [TeamKey(row["workspace"], row["name"]) for row in reader.rows("teams", workspace)]
            endpoints = [_typed(row, Endpoint) for row in reader.rows("endpoints", workspace)]
        return Seen(sessions, teams, endpoints)


def _typed(row: dict[str, Any], kind: type[R]) -> R:
    return msgspec.convert(row, kind)
