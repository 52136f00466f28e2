"""What a screen over the fleet is to the cockpit."""

from marvel.top.picture import Picture
from marvel.top.tree import Line


class Follows:
    """A screen that gets new pictures too, and says what acts are for."""

    def follow(self, picture: Picture) -> None:
        """A new picture."""

    def chosen(self) -> Line | None:
        """What acts are for; None when nothing can be done here."""
        return None
