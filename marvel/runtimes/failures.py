"""What an API's answer to an agent says about the turn that it ended."""

from marvel.resources import Activity, Failure

_CREDIT = ("credit", "billing", "insufficient_quota")
_TOO_LONG = ("too long", "context window", "context limit", "contextoverflow", "maximum number of tokens")


def failure_of(status: float | None, words: str = "") -> Failure:
    """Return why a turn failed, by the HTTP status and the words of the error."""
    said = words.lower()
    if status == 402 or any(word in said for word in _CREDIT):
        return "credit"
    if status == 413 or any(word in said for word in _TOO_LONG):
        return "too-long"
    if status in (401, 403):
        return "login"
    if status == 429:
        return "limit"
    return "request" if status is not None and 400 <= status < 500 and status != 408 else "server"


def activity_after(failure: Failure) -> Activity:
    """Return what an agent does after a failed turn: a limit and a login have activities of their own."""
    match failure:
        case "limit":
            return "limited"
        case "login":
            return "waiting"
        case _:
            return "idle"
