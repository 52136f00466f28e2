"""Which version an agent CLI has: asked once per program, as `COMMAND --version`, while nobody waits.

Only a program that bears its adapter's own name is asked: what a wrapper of another name does with
`--version` is its own business.
"""

import os
import shutil
from collections.abc import Callable, Mapping

from marvel.daemon.children import Children, Ended
from marvel.resources import Template
from marvel.runtimes import adapter_of
from marvel.runtimes.values import version
from marvel.tmux import server_environment

ASK_SECONDS = 10.0
MAX_OUTPUT_BYTES = 4096

UNKNOWN: tuple[int, ...] = ()
Program = tuple[str, int, int]  # path, mtime, size: another one after an upgrade


class Versions:
    """What was asked so far."""

    def __init__(self, children: Children, environ: Mapping[str, str]) -> None:
        self._children = children
        self._environ = server_environment(environ)
        self._known: dict[Program, tuple[int, ...]] = {}
        self._waiting: dict[Program, list[Callable[[], None]]] = {}

    def of(self, template: Template) -> tuple[int, ...]:
        """The version as far as it is known."""
        program = self._program(template)
        return self._known.get(program, UNKNOWN) if program else UNKNOWN

    def is_settled(self, template: Template, then: Callable[[], None]) -> bool:
        """Whether nothing is left to be asked; else it is asked, and `then` is called."""
        program = self._program(template)
        if program is None or program in self._known:
            return True
        asked = program in self._waiting
        self._waiting.setdefault(program, []).append(then)
        return asked is False and not self._ask(program)

    def _ask(self, program: Program) -> bool:
        output = os.memfd_create("version", os.MFD_CLOEXEC)

        def done(_ended: Ended) -> None:
            text = os.pread(output, MAX_OUTPUT_BYTES, 0).decode(errors="replace")
            os.close(output)
            self._known[program] = version(text)
            for then in self._waiting.pop(program, []):
                then()

        try:
            self._children.start(
                (program[0], "--version"),
                env=self._environ,
                seconds=ASK_SECONDS,
                done=done,
                stdout=output,
            )
        except (OSError, ValueError):
            os.close(output)
            self._known[program] = UNKNOWN
            del self._waiting[program]
            return False
        return True

    def _program(self, template: Template) -> Program | None:
        """The program a template starts, if its version matters and can be asked."""
        adapter, command = adapter_of(template), template.runtime.command or template.runtime.image
        if not adapter.minimum or os.path.basename(command) != adapter.name:
            return None
        path = shutil.which(command, path=self._environ.get("PATH", os.defpath))
        if path is None or (template.runtime.contain and _is_in(template.runtime.cwd, path)):
            return None  # what a contained agent may have written is not run outside its sandbox
        found = os.stat(path)
        return path, found.st_mtime_ns, found.st_size


def _is_in(directory: str, path: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(directory).rstrip("/") + "/")
