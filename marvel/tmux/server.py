"""`TmuxServer`: what can be asked of the tmux server of one workspace.

The owner is a single-threaded loop. It registers `fileno()` in its selector, calls `on_ready`, and
calls `expire` at `deadline()`; nothing here blocks, and a server that stopped answering (SIGSTOP, a
hung disk) only makes its own requests time out. Each operation takes `done`, which is called exactly
once, later, from `on_ready`, `expire` or `close`, never inside the call that was given it.

Requests are carried out in the order in which they were made.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from marvel.tmux import listing, processes, scripts, setup, statuses
from marvel.tmux.connection import Connection
from marvel.tmux.control import Block, printed
from marvel.tmux.filelimit import LOOK_EVERY, FileLimit
from marvel.tmux.pipeline import Reply
from marvel.tmux.quote import encode
from marvel.tmux.records import Failed, Look, Pane, PaneSpec, Watcher

MAX_PASTE_BYTES = 1024 * 1024
SHUTDOWN_POLL = 0.005  # seconds between looks whether the server is gone
SHUTDOWN_TERM, SHUTDOWN_KILL, SHUTDOWN_LIMIT = 2.0, 4.0, 8.0  # seconds after kill-server was sent

_STRIPPED = str.maketrans("", "", "\x1b\x9b")  # ESC and its 8-bit form: pasted text must not be commands


class TmuxServer(Connection):
    def __init__(
        self,
        socket: Path,
        workspace: str,
        *,
        environment: Mapping[str, str],
        history_limit: int = 500,
        tmux_conf: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        file_limit: FileLimit | None = None,
    ) -> None:
        super().__init__(
            socket,
            workspace,
            environment=environment,
            history_limit=history_limit,
            tmux_conf=tmux_conf,
            clock=clock,
            file_limit=file_limit,
        )
        self._made = 0  # panes
        self._statuses = statuses.Statuses()

    def open(self, *, start: bool) -> None:
        if start:
            self._sweep()
        super().open(start=start)

    # --- plumbing ------------------------------------------------------------------------------

    def _later(self, done: Callable[[Failed], None], failed: Failed) -> None:
        self._timers.after(0, lambda: done(failed))

    def _ask(self, script: bytes, done: Callable[[Reply | Failed], None]) -> None:
        if self.state == "down":
            self._later(done, Failed(reason="lost", message="there is no connection to tmux"))
        elif self._pipeline.full(len(script)):
            self._later(done, Failed(reason="refused", message="too much is waiting for tmux already"))
        else:
            self._pipeline.submit(script, done)

    def _ask_pane(
        self,
        pane: str,
        uid: str,
        script: bytes,
        done: Callable[[list[Block] | Failed], None],
        *,
        before: int = 0,
    ) -> None:
        """A request whose last line is `scripts.guarded`, with `before` commands ahead of it."""
        if not scripts.addressable(pane, uid):
            self._later(done, Failed(reason="gone", message=f"not a pane and a uid: {pane!r}, {uid!r}"))
            return

        def read(reply: Reply | Failed) -> None:
            done(reply if isinstance(reply, Failed) else scripts.outcome(reply, pane, uid, before=before))

        self._ask(script, read)

    # --- operations ----------------------------------------------------------------------------

    def create(self, spec: PaneSpec, done: Callable[[Pane | Failed], None]) -> None:
        """A window with one pane for this process, stamped in the same breath."""
        if why := scripts.problem(spec):
            self._later(done, Failed(reason="refused", message=why))
            return

        mark = _mark()
        spec = self._limited(spec)

        def read(reply: Reply | Failed) -> None:
            found = reply if isinstance(reply, Failed) else scripts.created(reply, spec, mark)
            if isinstance(found, scripts.Unstamped):
                self._stamp_new(spec, found, done)
            else:
                done(found)

        self._ask(scripts.create(self._workspace, spec, mark), read)

    def _stamp_new(
        self, spec: PaneSpec, found: scripts.Unstamped, done: Callable[[Pane | Failed], None]
    ) -> None:
        """A hook split the new window, or split it before an earlier daemon could stamp its pane."""
        variables = [pair for pair in spec.env.items() if pair[1] == spec.uid]
        pane = found.made or next((one for one in found.there if _was_given(one, variables)), None)
        if pane is None:
            self._later(done, Failed(reason="refused", message=f"a window {spec.uid} exists, not its pane"))
            return
        mark = _mark()
        pane = msgspec.structs.replace(pane, uid=spec.uid, log_id=spec.log_id)

        def read(reply: Reply | Failed) -> None:
            stamped = reply if isinstance(reply, Failed) else scripts.created(reply, spec, mark)
            if isinstance(stamped, scripts.Unstamped):
                stamped = Failed(reason="refused", message=f"pane {pane.pane} can't be stamped")
            done(stamped)

        self._ask(scripts.stamp_again(pane, log=spec.log, mark=mark), read)

    def _limited(self, spec: PaneSpec) -> PaneSpec:
        """Have a pane's process get the limit of open files that the daemon was given."""
        limit, server = self._file_limit, self._server
        if limit is None or server is None:
            return spec
        self._made += 1
        if self._made % LOOK_EVERY == 0:
            limit.fit(server.pid)
        return msgspec.structs.replace(spec, argv=limit.argv_under(server.pid, spec.argv))

    def panes(self, done: Callable[[tuple[Pane, ...] | Failed], None], *, dead_only: bool = False) -> None:
        """All panes of the server (with `dead_only` the dead ones), but the keeper; foreign ones too.

        When a pane is dead but tmux has not seen its status, the answer waits for it: see `statuses`.
        """
        self._list(done, dead_only=dead_only, waits=0)

    def _list(
        self, done: Callable[[tuple[Pane, ...] | Failed], None], *, dead_only: bool, waits: int
    ) -> None:
        mark = _mark()

        def again() -> None:
            self._list(done, dead_only=dead_only, waits=waits + 1)

        def read(reply: Reply | Failed) -> None:
            if isinstance(reply, Failed):
                done(reply)
                return
            panes = listing.listed(reply, mark)
            if isinstance(panes, Failed) or self._server is None or not self._statuses.missing(panes, waits):
                done(panes)
                return
            self._server.ask_for_children()
            self._timers.after(statuses.WAITS[waits], again)

        self._ask(listing.list_panes(mark, dead_only=dead_only), read)

    def stamp(self, pane: Pane, done: Callable[[Failed | None], None]) -> None:
        """Give a pane its stamp again, if its process is still the same."""

        def read(reply: Reply | Failed) -> None:
            done(reply if isinstance(reply, Failed) else None)

        self._ask(scripts.stamp_again(pane), read)

    def has_stamp(self, pane: str, uid: str, done: Callable[[bool | Failed], None]) -> None:
        """Whether a pane carries a stamp itself, rather than by an option of its window or the server."""

        def read(reply: Reply | Failed) -> None:
            done(reply if isinstance(reply, Failed) else printed(reply) == [encode(uid)])

        self._ask(listing.show_stamp(pane), read)

    def watchers(self, done: Callable[[tuple[Watcher, ...] | Failed], None]) -> None:
        """The people who are attached, and which pane they are at."""

        def read(reply: Reply | Failed) -> None:
            done(reply if isinstance(reply, Failed) else scripts.read_watchers(reply))

        self._ask(scripts.list_watchers(), read)

    def pipe(self, pane: str, uid: str, log: str, done: Callable[[Failed | None], None]) -> None:
        """Append what a pane prints from now on to the file `log` instead of where it went so far; to none
        when it is empty. Nothing is lost in between.
        """
        self._ask_pane(pane, uid, scripts.guarded(pane, uid, [scripts.pipe(pane, log)]), _nothing_else(done))

    def kill_pane(self, pane: str, uid: str, done: Callable[[Failed | None], None]) -> None:
        """Close a pane. Its process only gets a HUP: end it first."""
        self._ask_pane(pane, uid, scripts.guarded(pane, uid, scripts.kill_pane(pane)), _nothing_else(done))

    def close_dead(self, pane: str, done: Callable[[Failed | None], None]) -> None:
        """Close a pane without a stamp whose process has ended."""

        def read(reply: Reply | Failed) -> None:
            done(reply if isinstance(reply, Failed) else None)

        self._ask(scripts.close_dead(pane), read)

    def capture(
        self,
        pane: str,
        uid: str,
        done: Callable[[str | Failed], None],
        *,
        start: int | None = None,
        end: int | None = None,
        join: bool = False,
        ansi: bool = False,
    ) -> None:
        """What is on the screen, or from line `start` to `end` (0 is its first line, negative ones are
        history); `join` undoes wrapping, `ansi` keeps colours. It is what a program printed: data.
        """
        script = scripts.capture(pane, start=start, end=end, join=join, ansi=ansi)

        def read(found: list[Block] | Failed) -> None:
            done(found if isinstance(found, Failed) else "".join(block.text for block in found))

        self._ask_pane(pane, uid, scripts.guarded(pane, uid, script), read)

    def look(self, pane: str, uid: str, done: Callable[[Look | Failed], None]) -> None:
        """What a pane shows now, and how its program reads."""

        def read(found: list[Block] | Failed) -> None:
            done(found if isinstance(found, Failed) else scripts.looked(found))

        self._ask_pane(pane, uid, scripts.guarded(pane, uid, scripts.look(pane), alive=True), read)

    def send_keys(
        self, pane: str, uid: str, keys: Sequence[str], done: Callable[[Failed | None], None]
    ) -> None:
        """Press keys (`C-c`, `Enter`, `a`). A request that timed out may still press them later."""
        if not keys or any("\0" in key for key in keys):
            self._later(done, Failed(reason="refused", message="not keys that can be pressed"))
            return
        script = scripts.guarded(pane, uid, scripts.send_keys(pane, keys), alive=True)
        self._ask_pane(pane, uid, script, _nothing_else(done))

    def paste(
        self,
        pane: str,
        uid: str,
        text: str,
        done: Callable[[Failed | None], None],
    ) -> None:
        """Type a text, as one paste if the program knows bracketed paste.

        When the request times out, its file is deleted, so the text can't arrive late.
        """
        data = encode(text.translate(_STRIPPED))
        if not data:
            self._timers.after(0, lambda: done(None))
            return
        if len(data) > MAX_PASTE_BYTES:
            self._later(done, Failed(reason="refused", message=f"more than {MAX_PASTE_BYTES} bytes"))
            return
        buffer = f"marvel-{secrets.token_hex(8)}"
        try:
            file = self._write(data)
        except OSError as error:
            self._later(done, Failed(reason="refused", message=f"no file for the text: {error.strerror}"))
            return
        script = scripts.paste_text(pane, uid, file, buffer, raw=self._raw_paste)

        def read(found: list[Block] | Failed) -> None:
            file.unlink(missing_ok=True)
            done(found if isinstance(found, Failed) else None)

        self._ask_pane(pane, uid, script, read, before=1)

    def _write(self, data: bytes) -> Path:
        """A private file beside the socket: in a directory only its user can read, and that the server
        sees under the same name, which is not sure of /tmp.
        """
        handle, name = tempfile.mkstemp(prefix=f"{self.socket.name}.paste-", dir=self.socket.parent)
        with open(handle, "wb") as file:
            file.write(data)
        return Path(name)

    def _sweep(self) -> None:
        """Remove texts that a killed process left behind. A minute old, none is still in use."""
        before = time.time() - 60
        with contextlib.suppress(OSError):  # left for the next time
            for file in self.socket.parent.glob(f"{self.socket.name}.paste-*"):
                if file.stat().st_mtime < before:
                    file.unlink()

    # --- the end -------------------------------------------------------------------------------

    def shutdown(self, done: Callable[[Failed | None], None]) -> None:
        """End the server unless a pane is in it besides the keeper; `done(None)` when its process is gone.
        `on_down` is not called. One that holds something is left alone: `Failed("refused")`, decided inside
        tmux, so that a pane somebody makes just now is not lost; so is one that does not answer: "timeout".

        `kill-server` waits for its clients, so stale ones are ended first; one that hangs in another way
        (a stopped terminal) must not keep us waiting: its sessions are gone by then, so TERM, then KILL.
        """

        def kill(reply: Reply | Failed) -> None:
            if isinstance(reply, Failed) or self._server is None:
                done(reply if isinstance(reply, Failed) else Failed(reason="lost", message="no server"))
                return
            processes.end_stale_clients(self.socket)
            self._ending = True
            answers: list[Reply | Failed] = []
            self._pipeline.submit(setup.END_IF_EMPTY, answers.append)
            self._watch_end(done, answers, self._clock())

        self._ask(setup.identify(self._workspace), kill)

    def _watch_end(
        self, done: Callable[[Failed | None], None], answers: list[Reply | Failed], since: float
    ) -> None:
        if self._server is None or not self._ending:
            done(Failed(reason="lost", message="the connection was closed"))
            return
        if self._server.gone():
            self.gone = True
            self._end("the tmux server was shut down")
            done(None)
            return
        waited = self._clock() - since
        if (why := _not_ending(answers, self.pid)) or waited > SHUTDOWN_LIMIT:
            self._ending = False
            done(why or _does_not_end(self.pid))
            return
        if answers and waited > SHUTDOWN_KILL:
            self._server.send(signal.SIGKILL)
        elif answers and waited > SHUTDOWN_TERM:
            self._server.send(signal.SIGTERM)
        self._timers.after(SHUTDOWN_POLL, lambda: self._watch_end(done, answers, since))


def _mark() -> str:
    """A word for the lines of one answer, which no agent can have written before."""
    return f"marvel-pane-{secrets.token_hex(8)}"


def _was_given(pane: Pane, variables: list[tuple[str, str]]) -> bool:
    """Whether a pane's process was started with this environment."""
    given = [processes.carries(pane.pid, *variable) for variable in variables if pane.pid is not None]
    return bool(given) and all(given)


def _not_ending(answers: list[Reply | Failed], pid: int | None) -> Failed | None:
    """A server that ends may answer, or hang up first; silence means that it did not hear."""
    for answer in answers:
        if isinstance(answer, Failed):
            return _does_not_end(pid) if answer.reason == "timeout" else None
        if setup.BUSY in answer:
            return Failed(reason="refused", message="somebody's pane is in it")
    return None


def _does_not_end(pid: int | None) -> Failed:
    return Failed(reason="timeout", message=f"the tmux server (pid {pid}) does not end")


def _nothing_else(done: Callable[[Failed | None], None]) -> Callable[[list[Block] | Failed], None]:
    """For operations whose only result is that they worked."""
    return lambda found: done(found if isinstance(found, Failed) else None)
