"""Carries out orders for the command line: the same record, warm, and with the same key as its own try.

A client waits for one second, then does the order itself under the same command id. So an order that is
read late is refused, inside the transaction too: it is carried out by one of the two, never by both.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from marvel import manifest
from marvel.commands.order import Errand, ModeOf, Order
from marvel.commands.orders import Apply, Run, read
from marvel.daemon.gate import Decide, Limits, gate_of
from marvel.daemon.lineage import Caller, Claim, Lineage, LineageOf
from marvel.daemon.tokens import Tokens
from marvel.errors import LogUnavailable, MarvelError
from marvel.events import Draft, Event
from marvel.settings import Paths
from marvel.text import is_plain
from marvel.tmux import check_socket_path
from marvel.world import World

MAX_NAME = 200  # characters of a person's name, a command id
MAX_TOLD = 60_000  # characters of what is told, as JSON: a reply has 64 KiB
MAX_AHEAD_SECONDS = 60.0  # of the time until which an order may be carried out

Record = Callable[[Decide, str, str], list[Event]]  # decide, actor, command id → events; may raise


class Orders:
    """What the command line asks of a running daemon."""

    def __init__(
        self, paths: Paths, *, tokens: Tokens, mode_of: ModeOf, record: Record, clock: Callable[[], float]
    ) -> None:
        self._paths = paths
        self._tokens = tokens
        self._mode_of = mode_of
        self._record = record
        self._clock = clock  # monotonic, as that of the client: one machine has one
        self._limits = Limits(clock)

    def forget(self, uid: str) -> None:
        """A session has ended."""
        self._limits.forget(uid)

    def take(self, params: dict[str, Any], lineage: LineageOf) -> dict[str, Any]:
        """Carry out one order: what to tell the person, or why it was refused.

        Raises ValueError when nothing was done and the client shall do it himself.
        """
        order = _order(params)
        until = params.get("until")
        if not isinstance(until, int | float) or not until <= self._clock() + MAX_AHEAD_SECONDS:
            raise ValueError("until must be a time on the monotonic clock")
        try:
            if isinstance(order, Apply | Run) and (made := order.workspace()):
                check_socket_path(Path(self._paths.tmux_socket(made)))
            errand = Errand(order, self._mode_of)
            return {"said": errand.told(self._carry_out(errand, params, until, lineage()))}
        except LogUnavailable as error:
            raise ValueError(error.message) from error
        except MarvelError as error:
            refused = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
            return {"refused": refused}

    def _carry_out(
        self, errand: Errand, params: dict[str, Any], until: float, lineage: Lineage
    ) -> list[Event]:
        gate = gate_of(errand.order, Caller(lineage, claim_in(params)), self._tokens, self._limits)

        def decide(world: World, now: float) -> list[Draft]:
            if self._clock() > until:
                raise ValueError("this came too late")
            drafts = gate.judge(world, now, errand.decide)
            if len(json.dumps(errand.foretold)) > MAX_TOLD:
                raise ValueError("there is more to tell than fits into a reply")
            return drafts

        events = self._record(decide, _text(params, "actor"), _text(params, "command"))
        gate.check(events)
        return events


def _order(params: dict[str, Any]) -> Order:
    arguments = params.get("arguments")
    if not isinstance(arguments, dict):
        raise ValueError("arguments must be an object")
    name = _text(params, "order")
    return _apply(arguments) if name == "apply" else read(name, arguments)


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A manifest as a text, with absolute paths: whoever sends it, it is read and checked as any other."""

    manifest: str
    prune: bool = False


def _apply(arguments: dict[str, Any]) -> Apply:
    written = msgspec.convert(arguments, _Written)  # a ValidationError is a ValueError
    try:
        # Whether so many sessions are meant was asked where somebody typed it.
        declared = manifest.read("-", stdin=written.manifest, directory=Path("/"), force_large=True)
    except MarvelError as error:
        raise ValueError(error.message) from error
    return Apply(declared, prune=written.prune)


def claim_in(params: dict[str, Any]) -> Claim | None:
    """The session that a request says it comes from. Raises ValueError."""
    if not params.get("uid"):
        return None
    return Claim(_text(params, "uid"), str(params.get("token") or ""))


def _text(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not is_plain(value):
        raise ValueError(f"{name} must be a text")
    if name == "actor" and not value.startswith("user:"):
        raise ValueError("an order is a person's, or a session's by its token")
    return value
