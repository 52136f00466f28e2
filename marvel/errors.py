"""What can go wrong, as a user sees it: a message that says what happened to which key, and a hint
that says what to do. `cli` is the one place that turns these into text and an exit code; everything
else that is raised is a bug.
"""


class MarvelError(Exception):
    """Something a user can understand and act on."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Rejected(MarvelError):
    """A command that the present world does not allow; nothing was recorded."""


class NotFound(MarvelError):
    """No resource has this key."""

    exit_code = 4


class TimedOut(MarvelError):
    """What was waited for did not come in time."""

    exit_code = 3


class UsageError(MarvelError):
    """The command line itself makes no sense."""

    exit_code = 2


class ManifestError(MarvelError):
    """A manifest with problems, all of them, each with its path.

    `problems` are whole lines such as `team[0].role[1].replicas: must be at least 0, is -1`.
    """

    def __init__(self, source: str, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source}: {count}\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = problems


class TmuxUnavailable(MarvelError):
    """tmux is missing, too old, or does not answer."""


class LogUnavailable(MarvelError):
    """The event log can't be opened, read or written."""


class LogTooNew(LogUnavailable):
    """The event log was written by a newer marvel."""


class DaemonUnavailable(MarvelError):
    """No daemon where one is needed, or one where none may be."""
