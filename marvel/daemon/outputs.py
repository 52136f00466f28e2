"""The output of roles with `log_output`, on disk: begun with the pane, switched on and off.

tmux hands a pane's bytes to a writer of its own (`marvel.tmux.writer`), which rotates without the daemon.
"""

import os
from collections.abc import Callable

from marvel.resources import Session
from marvel.settings import own_file
from marvel.tmux import Failed, TmuxServer
from marvel.world import World

CHECK_SECONDS = 5.0  # between looks at what the roles ask for


class Outputs:
    """Which panes are logged. The owner calls `check` now and then."""

    def __init__(
        self,
        *,
        world: Callable[[], World],
        server: Callable[[str], TmuxServer | None],
        path: Callable[[str], str],
    ) -> None:
        self._world = world
        self._server = server
        self._path = path
        self._piped: set[str] = set()  # uids whose panes are known to be logged
        self._quiet: set[str] = set()  # uids whose panes are known not to be

    def path_for(self, session: Session) -> str:
        """The file a new pane is to be logged to, made; empty when its role does not ask for it."""
        if not self._is_wanted(session):
            self._quiet.add(session.uid)
            return ""
        path = self._path(session.uid)
        _make(path)
        self._piped.add(session.uid)
        return path

    def is_not_logged(self, uid: str) -> None:
        """Tmux made a pane and could not log it: the next look tries again."""
        self._piped.discard(uid)

    def check(self) -> None:
        """Bring the panes that are logged to what the roles ask for."""
        alive = {uid: s for uid, s in self._world().sessions.items() if s.alive}
        self._piped &= alive.keys()  # one that has yet to start is known already
        self._quiet &= alive.keys()
        for uid, session in alive.items():
            if session.state != "running" or not session.pane:
                continue
            if not self._is_wanted(session):
                self._stop(session)
            elif uid not in self._piped:  # switched on, or an earlier daemon's
                self._pipe(session)

    def _is_wanted(self, session: Session) -> bool:
        role = None if session.one_off else self._world().roles.get(session.role_key)
        return role is not None and role.spec.log_output

    def _pipe(self, session: Session) -> None:
        server = self._server(session.workspace)
        if server is None:
            return
        path = self._path(session.uid)
        try:
            _make(path)
        except OSError:
            return  # tried again with the next look

        def done(failed: Failed | None) -> None:
            if failed is None:
                self._piped.add(session.uid)
                self._quiet.discard(session.uid)

        server.pipe(session.pane, session.uid, path, done)

    def _stop(self, session: Session) -> None:
        server = self._server(session.workspace)
        known = session.uid in self._piped or session.uid not in self._quiet
        if server is not None and known:  # one that an earlier daemon logged, this one can't know of
            self._piped.discard(session.uid)
            self._quiet.add(session.uid)
            server.pipe(session.pane, session.uid, "", _nothing)


def _make(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    os.close(own_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))


def _nothing(_failed: Failed | None) -> None:
    """Looked at again when panes are compared."""
