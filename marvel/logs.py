"""The daemon's own log: JSON lines in a rotated file, and readable lines on a terminal.

Log events are constant strings with keys, one canonical line for each pass that did something.
"""

import contextlib
import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from marvel.settings import own_file


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Nobody finds a module while this lasts, unless it is there already."""
    modules: dict[str, Any] = sys.modules
    known = modules.setdefault(module, None)
    try:
        yield
    finally:
        if known is None:
            del modules[module]


with _without("rich"):  # structlog takes it up, 60 ms, to draw tracebacks that nobody here lets it draw
    import structlog

MAX_LOG_BYTES = 10 * 1024 * 1024
KEPT_LOGS = 3

Logger = structlog.stdlib.BoundLogger


def set_up(path: str, *, console: bool) -> Logger:
    """Log to `path`, and with `console` to stderr: in words on a terminal, as JSON elsewhere."""
    os.close(own_file(path, os.O_WRONLY | os.O_CREAT))  # raises what is wrong with it
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    file = _OwnFile(path, maxBytes=MAX_LOG_BYTES, backupCount=KEPT_LOGS, encoding="utf-8")
    handlers: list[logging.Handler] = [_formatted(file, structlog.processors.JSONRenderer())]
    if console:
        stream = logging.StreamHandler(sys.stderr)
        renderer: Any = structlog.processors.JSONRenderer()
        if sys.stderr.isatty():
            renderer = structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)
        handlers.append(_formatted(stream, renderer))
    logging.raiseExceptions = False  # a full disk must not stop the daemon
    logger = logging.getLogger("marvel")
    logger.handlers[:] = handlers
    logger.setLevel(logging.INFO)
    logger.propagate = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    found: Logger = structlog.get_logger("marvel")
    return found


def last_words(path: str, event: str, **keys: Any) -> None:
    """Write one line of a process that ends, to the file alone: the caller tells whoever sees its stderr."""
    with contextlib.suppress(OSError):
        set_up(path, console=False).critical(event, **keys)


class _OwnFile(logging.handlers.RotatingFileHandler):
    """A log that is private after a rotation too, and never written through a link or into a FIFO."""

    def _open(self) -> Any:
        return open(
            own_file(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a", encoding="utf-8"
        )


def _formatted(handler: logging.Handler, renderer: Any) -> logging.Handler:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    return handler
