"""The keeper window, made again as soon as somebody closes it.

Otherwise the session would end with its last agent, and whatever is asked just then would be lost.
"""

from __future__ import annotations

from marvel.tmux import setup
from marvel.tmux.pipeline import Pipeline, Reply
from marvel.tmux.records import Failed


class Keeper:
    def __init__(self, pipeline: Pipeline, workspace: str) -> None:
        self._pipeline = pipeline
        self._workspace = workspace
        self._window = ""  # while unknown, any closed window may have been it
        self._making = False
        self._again = False

    def found(self, window: str) -> None:
        """The id of the keeper window, as tmux just told it."""
        self._window = window

    def notice(self, line: bytes) -> None:
        """A notification. If it lies, a window that is there is made sure of once more."""
        kind, _, window = line.partition(b" ")
        if kind not in {b"%window-close", b"%unlinked-window-close"}:
            return
        if self._making:
            self._again = True  # it may have been the new one already
        elif not self._window or window == self._window.encode():
            self._make()

    def _make(self) -> None:
        self._making, self._again, self._window = True, False, ""
        script = setup.keep(self._workspace) + b"\n" + setup.identify(self._workspace)
        self._pipeline.submit(script, self._made)

    def _made(self, reply: Reply | Failed) -> None:
        self._making = False
        if isinstance(reply, Failed):
            return  # it will be made with the next connection, or when another window is closed
        if identity := setup.read_identity(reply):
            self.found(identity.keeper)
        if self._again:
            self._make()
