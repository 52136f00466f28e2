"""Hands a text to an agent that takes messages at a server of its own, for callers without a loop."""

import http.client
from collections.abc import Callable

from marvel.resources import Session
from marvel.runtimes import adapter_named
from marvel.runtimes.served import HOST, Served, served_at
from marvel.settings import Paths
from marvel.tmux import Failed, Post

ANSWER_SECONDS = 20.0


def post_to(where: Paths, session: Session) -> Post | None:
    """Return how a session takes a text without its keyboard; None where it has to be typed."""
    stream = adapter_named(session.image, session.command).stream
    conversation = session.agent_session_id or session.resumes
    if stream is None or stream.say is None or not conversation or session.degraded:
        return None
    served = served_at(f"{where.session(session.uid)}/stream.json")
    if served is None:
        return None
    say = stream.say

    def post(text: str, done: Callable[[Failed | None], None]) -> None:
        done(_handed(served, *say(conversation, text)))

    return post


def _handed(served: Served, path: str, body: bytes) -> Failed | None:
    connection = http.client.HTTPConnection(HOST, served.port, timeout=ANSWER_SECONDS)
    headers = {"Authorization": served.authorization, "Content-Type": "application/json"}
    try:
        connection.connect()
    except OSError as error:
        return Failed(reason="lost", message=f"its server on port {served.port}: {error.strerror or error}")
    try:
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return Failed(reason="unsent", message="handed to its server, which did not answer")
    finally:
        connection.close()
    if 200 <= status < 300:
        return None
    return Failed(reason="refused", message=f"its server answered with HTTP status {status}")
