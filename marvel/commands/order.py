"""One command as data, and carrying it out: the same in the terminal and in the daemon."""

from collections.abc import Callable
from typing import ClassVar

import msgspec

from marvel.events import Draft, Event
from marvel.resources import Capability, HeartbeatMode, TeamKey, Template
from marvel.world import World

ModeOf = Callable[[Template], HeartbeatMode]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command. `needs` is what an agent session must be allowed to do to give it; None: none may."""

    needs: ClassVar[Capability | None]

    def needed(self) -> Capability | None:
        """What an agent session must be allowed to do to give it."""
        return self.needs

    def about(self) -> list[TeamKey]:
        """Teams that it concerns besides those that it changes."""
        return []

    def what(self) -> str:
        """The command in words. Raises NotFound for a key that is none."""
        raise NotImplementedError

    def workspace(self) -> str | None:
        """The only workspace whose world it needs; None: all of them."""
        raise NotImplementedError

    def decide(self, world: World, now: float, mode_of: ModeOf) -> list[Draft]:
        """What it changes. Raises MarvelError."""
        raise NotImplementedError

    def foretold(self, world: World, drafts: list[Draft]) -> str:
        """What a person is told in the end, when only the world before it can tell; else empty."""
        return ""

    def told(self, events: list[Event]) -> str:
        """What a person is told when it has led to these events."""
        raise NotImplementedError


class Errand:
    """One order while it is carried out."""

    def __init__(self, order: Order, mode_of: ModeOf) -> None:
        self.order = order
        self._mode_of = mode_of
        self.foretold = ""  # what is told, when only the world before it can tell

    def decide(self, world: World, now: float) -> list[Draft]:
        """What it changes. Raises MarvelError."""
        drafts = self.order.decide(world, now, self._mode_of)
        self.foretold = self.order.foretold(world, drafts)
        return drafts

    def told(self, events: list[Event]) -> str:
        """What a person is told when it has led to these events, now or in an earlier try."""
        return self.foretold or self.order.told(events)
