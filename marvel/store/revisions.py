"""Which schema a log has, and which fold its rows come from.

Standard library only: asked on every read, before anything is believed.
"""

from marvel.errors import LogTooNew

HEAD = "0002"  # newest revision in migrations/versions (a test holds them together)
PROJECTION = 2  # raise when the fold or a projected record changes: the next writer rebuilds the rows


def refuse_newer(path: str, revision: str | None) -> None:
    """Raise LogTooNew when a log was written by a newer marvel."""
    if revision is not None and revision > HEAD:
        raise LogTooNew(
            f"event log {path} has schema {revision}, newer than this marvel's {HEAD}",
            hint="upgrade marvel, or point MARVEL_HOME elsewhere",
        )
