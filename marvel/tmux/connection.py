"""The life of the control connection to one tmux server: start, greet, make ready, lose, regain.

    down ──open()──► connecting ──► up          on_up
      ▲                  ▲   │       │
      └── on_down ───────┼───┘       │          the server is gone, or can't be reached
                         └───────────┘          only the client died: tried again, bounded

Getting ready: the client attaches and prints a sentinel from its command line (`greet`); then
one request sets options and asks who this is; then stale clients are ended and the environment is
refreshed. What the owner asks for meanwhile is held until `up`.

End of file means that the client is gone, and perhaps the server. Which of the two, a pidfd on the
server tells a moment later (a dying process closes its files first). A reconnection must find the
same server: another one at the same path has other panes under the same ids, so that is `on_down`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from marvel.tmux import processes, setup
from marvel.tmux.channel import Channel
from marvel.tmux.conf import conf_problem
from marvel.tmux.control import blocks
from marvel.tmux.filelimit import FileLimit
from marvel.tmux.keeper import Keeper
from marvel.tmux.link import Link, client_environment
from marvel.tmux.listing import UID
from marvel.tmux.pipeline import Reply
from marvel.tmux.program import NAME, mismatch, servers_own
from marvel.tmux.records import Failed
from marvel.tmux.version import check_socket_path

# Seconds before each new attempt. The first is short: by then a dying server is known to be dead.
BACKOFF = (0.002, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
FIRST_ATTEMPTS = 3  # for a server not seen yet: one that was just ending may be in the way
REVIVE_POLL = 0.02  # seconds between looks for a socket file that a server was asked to make again
REVIVE_POLLS = 50


def _nothing(*_: object) -> None:
    """Until the owner sets a callback."""


class Connection(Channel):
    def __init__(
        self,
        socket: Path,
        workspace: str,
        *,
        environment: Mapping[str, str],
        history_limit: int,
        tmux_conf: Path | None,
        clock: Callable[[], float],
        file_limit: FileLimit | None = None,
    ) -> None:
        super().__init__(clock)
        self._file_limit = file_limit  # what agents get; None: leave the server's limit alone
        check_socket_path(socket)
        if not UID.fullmatch(workspace):
            raise ValueError(f"not the name of a workspace: {workspace!r}")
        self.socket = socket
        self.on_up: Callable[[], None] = _nothing
        self.on_down: Callable[[str], None] = _nothing
        self.state: Literal["down", "connecting", "up"] = "down"
        self.identity: str | None = None
        self.gone = True  # with state "down": no server process is left, rather than out of reach
        self._workspace = workspace
        self._history_limit = history_limit
        self._environment = client_environment(environment)
        self._conf = tmux_conf
        self._server: processes.ServerProcess | None = None
        self._keeper = Keeper(self._pipeline, workspace)
        self._ending = False  # kill-server was sent
        self._start = False
        self._prepared = False  # this server has our options and environment
        self._raw_paste = False  # it has `paste-buffer -S`
        self._other_program = False  # the tmux on PATH is called, and the server runs another one
        self._attempts = 0
        self._polls = 0  # for the socket file
        self._epoch = 0  # of the connection: timers of an earlier one do nothing

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    @property
    def prepared(self) -> bool:
        """Whether this server has our options and environment: `open(start=True)` sees to it."""
        return self._prepared

    # --- what the owner's loop calls -----------------------------------------------------------

    def open(self, *, start: bool) -> None:
        """Begin to connect; `on_up` or `on_down` follows. With `start`, a server is started if there
        is none, and made ready for agents even if there was. Without, nothing is created or changed.
        `on_up` follows again each time a lost connection was regained: look at everything then.

        Again while up: `start=True` prepares a server that was opened without, and `on_up` follows;
        else nothing.
        """
        self._start = self._start or start
        if self.state == "up" and start and not self._prepared:
            self.state = "connecting"  # what is asked for from here on waits for the new environment
            self._pipeline.hold()
            self._prepare(self._kept)
        if self.state != "down":
            return
        self.state = "connecting"
        self._start = start
        self._attempts = self._polls = 0
        self._epoch += 1
        self._soon(0, self._connect)

    def close(self) -> None:
        """Hang up. The server lives on; whatever was not answered has failed with `lost`."""
        self._end("the connection was closed")
        self._timers.run_all()

    def keep_socket(self) -> None:
        """Have the server make its socket file again if somebody deleted it: who comes next finds it."""
        if self._server is not None and not self.socket.exists():
            self._server.ask_for_socket()

    # --- connecting ----------------------------------------------------------------------------

    def _soon(self, seconds: float, action: Callable[[], None]) -> None:
        """A step of this connection; it is skipped if the connection was closed meanwhile."""
        epoch = self._epoch

        def step() -> None:
            if self._epoch == epoch:
                action()

        self._timers.after(seconds, step)

    def _connect(self) -> None:
        try:
            self._try_to_connect()
        except OSError as error:  # could not look whether there is a server: that may pass
            self._retry(f"it can't be told whether a tmux server runs: {error.strerror}")

    def _try_to_connect(self) -> None:
        if self._server and self._server.gone():
            self._down(f"the tmux server (pid {self._server.pid}) is gone", gone=True)
            return
        if (hidden := self._revive()) is not None:
            self._polls += 1
            if self._polls > REVIVE_POLLS:
                self._down(f"the tmux server (pid {hidden}) does not make its socket again", gone=False)
            else:
                self._soon(REVIVE_POLL, self._connect)
            return
        if (stopped := processes.stopped_listener(self.socket)) is not None:
            self._down(f"the tmux server (pid {stopped}) is suspended", gone=False)
            return
        may_start = self._start and self._server is None
        if may_start and self._conf and (why := conf_problem(self._conf)):
            self._down(f"tmux_conf is not used: {why}", gone=False)
            return
        argv = [NAME, "-u", "-S", str(self.socket), "-f", str(self._conf or "/dev/null")]
        if not may_start:
            argv.append("-N")  # never start a server by regaining a lost connection
        argv += [
            "-C",
            *setup.attach(self._workspace, create=self._start),
            ";",
            "display-message",
            "-p",
            processes.mark(),
        ]
        own = servers_own(self.socket, self._environment["PATH"])
        program = own if self._attempts % 2 == 0 else None  # in turn: its libraries may be gone
        self._other_program = own is not None and program is None
        try:
            with self._file_limit.given() if self._file_limit else contextlib.nullcontext():
                self._link = Link(argv, self._environment, program=program)
        except FileNotFoundError:
            if program is None:
                self._down("tmux is not installed", gone=False)
            else:
                self._retry("the tmux server has just ended")
            return
        except OSError as error:  # no processes or no files left; that may pass
            self._retry(f"tmux could not be run: {error.strerror}")
            return
        self._pipeline.greet(processes.mark(), self._greeted)

    def _revive(self) -> int | None:
        """The socket file is missing, but there is a server: ask it to make the file again. Its pid."""
        if self.socket.exists():
            return None
        if self._server is not None:
            self._server.ask_for_socket()
            return self._server.pid
        pid = processes.hidden_server(self.socket)
        if pid is None:
            return None
        try:
            hidden = processes.ServerProcess(pid)
        except ProcessLookupError:
            return None
        hidden.ask_for_socket()
        hidden.close()
        return pid

    def _greeted(self, reply: Reply | Failed) -> None:
        if isinstance(reply, Failed):
            if reply.reason == "timeout":
                self._silent(reply.message)
            return  # lost: _lost() goes on from here
        self._prepare(self._identified)

    def _silent(self, message: str) -> None:
        """No answer while getting ready. A server we know is worth more patience: it has our agents."""
        if self._server is None:
            self._down(message, gone=False)
        else:
            self._retry(message)

    def _prepare(self, identified: Callable[[Reply | Failed], None]) -> None:
        """Options first, so that no agent's pane exists before them; then who is there."""
        script = setup.identify(self._workspace)
        if self._start:
            script = setup.options(self._workspace, self._history_limit) + b"\n" + script
            self._prepared = True
        self._pipeline.submit(script, identified, early=True)
        if self._start:
            self._pipeline.submit(setup.SHOW_ENVIRONMENT, self._refresh, early=True)

    def _refresh(self, reply: Reply | Failed) -> None:
        """The last step. tmux works in order, so what is released now finds the new environment."""
        if isinstance(reply, Failed):
            if self.state == "connecting":
                self._greeted(reply)
            return
        shown = [line for block in blocks(reply, greedy=0) for line in block.lines]
        script = setup.refresh_environment(shown, self._environment)
        if script:
            self._pipeline.submit(script, _nothing, early=True)
        if self.state == "connecting":
            self._ready()

    def _identified(self, reply: Reply | Failed) -> None:
        if isinstance(reply, Failed):
            self._greeted(reply)
            return
        found = setup.read_identity(reply)
        if found is None:
            self._retry("the tmux server did not say who it is")
            return
        if self.identity is not None and found.name != self.identity:
            self._down(f"the tmux server was replaced by another (pid {found.pid})", gone=True)
            return
        try:
            self._server = self._server or processes.ServerProcess(found.pid)
        except ProcessLookupError:
            self._down("the tmux server is gone", gone=True)
            return
        except OSError as error:
            self._retry(f"the tmux server (pid {found.pid}) can't be watched: {error.strerror}")
            return
        self.identity = found.name
        self._raw_paste = found.raw_paste
        self._keeper.found(found.keeper)
        processes.end_stale_clients(self.socket)
        if self._file_limit is not None:
            self._file_limit.fit(found.pid)
        if self._start and not self._prepared:
            self._prepare(self._kept)  # `open(start=True)` came when this had begun without
        if not self._prepared:
            self._ready()

    def _kept(self, reply: Reply | Failed) -> None:
        if not isinstance(reply, Failed) and (found := setup.read_identity(reply)):
            self._keeper.found(found.keeper)

    def explained(self, reason: str) -> str:
        """Return why there is no connection: `reason`, or two versions of tmux that cannot talk."""
        if not self._other_program:
            return reason
        return mismatch(self.socket, self._workspace, self._environment["PATH"]) or reason

    def _ready(self) -> None:
        self.state = "up"
        self.gone = False
        self._attempts = self._polls = 0
        self._pipeline.release()
        self.on_up()

    # --- losing --------------------------------------------------------------------------------

    def _notice(self, line: bytes) -> None:
        if self._prepared:
            self._keeper.notice(line)
            if line.startswith(b"%client-detached"):
                self._pipeline.submit(setup.OWN_SIZE, _nothing)

    def _lost(self) -> None:
        words = self._pipeline.framer.last_words() or "the control client ended"
        unknown = self._server is None and not self._start
        if unknown and processes.listener(self.socket) is None:
            self._down(f"no tmux server is running at {self.socket}", gone=True)
        else:
            self._retry(words)

    def _retry(self, reason: str) -> None:
        epoch = self._epoch
        self.state = "connecting"
        self._hang_up()
        self._pipeline.reset(reason, held=False)
        if self._epoch != epoch or self._ending:
            return  # a callback closed the connection, or `shutdown` watches the process
        limit = len(BACKOFF) if self._server else FIRST_ATTEMPTS
        if self._attempts >= limit:
            self._down(f"tmux can't be reached: {reason}", gone=False)
            return
        self._soon(BACKOFF[self._attempts], self._connect)
        self._attempts += 1

    def _hang_up(self) -> None:
        if self._link:
            link, self._link = self._link, None
            link.close()

    def _down(self, reason: str, *, gone: bool) -> None:
        # A server that was never met is not lost: it could not be started, and that may pass.
        self.gone = gone or (self._server is not None and self._server.gone())
        reason = reason if self.gone else self.explained(reason)
        ended = self._end(reason)
        if self._epoch == ended:  # no callback has opened or closed it again
            self.on_down(reason)

    def _end(self, reason: str) -> int:
        """Everything is over before any callback is run: it may open the connection again."""
        self._epoch += 1
        ended = self._epoch
        self.state = "down"
        self._ending = False
        self._forget_server()
        self._hang_up()
        self._pipeline.reset(reason, held=True)
        return ended

    def _forget_server(self) -> None:
        self._prepared = False
        self.identity = None
        if self._server:
            server, self._server = self._server, None
            server.close()
