"""A supervisor's script: Python, called once a tick, with a `marvel` to act with.

    def on_tick(pct, tick):            # own context percent; ticks since the start
        for agent in marvel.list_agents(role="agent"):
            marvel.log(agent.name, agent.context_percent)

`marvel` is there without an import, and `import marvel` gives the same. What it does, it does as this
session, within its role's capabilities. An error in a script is shown and forgotten: the agent lives on,
and the next tick tries again. A call that takes its time holds up the beats, as real work might.
"""

from __future__ import annotations

import builtins
import os

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from marvel.client.api import Marvel
    from marvel.resources import Session

MAX_SCRIPT_BYTES = 1024 * 1024


class ScriptError(Exception):
    """What is wrong with a script, and where."""


class Script:
    """One script, loaded. Raises ScriptError when there is none or it fails."""

    def __init__(self, path: str, say: Callable[[str], None], *, workspace: str, team: str) -> None:
        self._path = path
        try:
            with open(path, "rb") as file:
                source = file.read(MAX_SCRIPT_BYTES)
        except FileNotFoundError:
            raise ScriptError(f"script not found: {path}") from None
        except OSError as error:
            raise ScriptError(f"script {path}: {error.strerror}") from None
        helper = Helper(say, workspace, team)
        own = {**vars(builtins), "__import__": _importing(helper)}
        self._names: dict[str, Any] = {"__name__": "__script__", "__file__": path, "__builtins__": own}
        self._names["marvel"] = helper
        self._run(lambda: exec(compile(source, path, "exec"), self._names))  # noqa: S102  # the user's own
        if not callable(self._names.get("on_tick")):
            raise ScriptError(f"script {path} has no function on_tick(pct, tick)")

    def on_tick(self, context_percent: float, tick: int) -> None:
        """Let it act. Raises ScriptError."""
        self._run(lambda: self._names["on_tick"](context_percent, tick))

    def _run(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (Exception, SystemExit) as error:
            raise ScriptError(self._told(error)) from error

    def _told(self, error: BaseException) -> str:
        """The error in one line, with the line of the script that it came from."""
        line = error.lineno if isinstance(error, SyntaxError) else None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self._path:
                line = trace.tb_lineno
            trace = trace.tb_next
        where = f"{os.path.basename(self._path)}, line {line}" if line else os.path.basename(self._path)
        message = getattr(error, "message", None) or str(error)
        return f"script error: {where}: {type(error).__name__}: {message}"


class Helper:
    """The `marvel` of a script."""

    def __init__(self, say: Callable[[str], None], workspace: str, team: str) -> None:
        self._say = say
        self._client: Marvel | None = None
        self.workspace = workspace
        self.team = team

    def log(self, *words: object) -> None:
        """A line in the pane."""
        self._say(" ".join(map(str, words)))

    def list_agents(self, role: str | None = None) -> list[Session]:
        """The sessions of the own team, or of one of its roles: `name key role state context_percent …`."""
        return self._marvel.sessions(workspace=self.workspace, team=self.team, role=role)

    def create_agent(self, *argv: str, role: str = "visitor") -> str:
        """Start a one-off session in the own team, a simulated agent unless told otherwise; its name.

        It belongs to no role of the manifest, so nothing replaces it when it ends.
        """
        words = argv or ("simulator",)
        return self._marvel.run(words, workspace=self.workspace, team=self.team, role=role).name

    def kill_agent(self, name: str) -> None:
        """End a session; its slot is filled again. One without a slot that has ended leaves the listing."""
        self._marvel.delete(self._key(name))

    def scale_team(self, role: str, replicas: int) -> None:
        """Set how many sessions a role of the own team shall have."""
        self._marvel.scale(f"{self.workspace}/{self.team}", role, replicas)

    def shift_team(self, role: str | None = None) -> None:
        """Replace the own team's sessions by fresh ones, rolling."""
        self._marvel.shift(f"{self.workspace}/{self.team}", role)

    def inject(self, name: str, text: str, enter: bool = True) -> str:
        """Type to a session; what became of it: typed, submitted, confirmed or failed."""
        return self._marvel.inject(self._key(name), text, enter=enter)[0].outcome

    def _key(self, name: str) -> str:
        return name if "/" in name else f"{self.workspace}/{name}"

    @property
    def _marvel(self) -> Marvel:
        """Made when it is first used: a script that only looks at its own context needs none."""
        if self._client is None:
            from marvel.client import Marvel

            self._client = Marvel()
        return self._client


def _importing(helper: Helper) -> Callable[..., ModuleType | Helper]:
    def load(name: str, *args: Any, **named: Any) -> ModuleType | Helper:
        return helper if name == "marvel" else builtins.__import__(name, *args, **named)

    return load
