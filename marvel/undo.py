"""What an object of dictionaries was before it was changed: memory must never be ahead of the log.

Work is in proportion to what was changed, not to what there is.
"""

from typing import Any, Final

_MISSING: Final[Any] = object()


class Undo:
    """The state of an owner at one moment, as far as it was changed since."""

    def __init__(self, owner: object, *attributes: str) -> None:
        """Remember plain attributes of the owner now; `note` the entries of its dictionaries."""
        self._owner = owner
        self._attributes = {name: getattr(owner, name) for name in attributes}
        self._noted: dict[tuple[int, Any], tuple[dict[Any, Any], Any]] = {}  # dictionary and key → old value

    def note(self, dictionary: dict[Any, Any], key: Any) -> bool:
        """Remember an entry before its first change; whether this was the first."""
        place = (id(dictionary), key)
        if place in self._noted:
            return False
        self._noted[place] = (dictionary, dictionary.get(key, _MISSING))
        return True

    def note_copy(self, dictionary: dict[Any, Any], key: Any) -> None:
        """The same for a value that is changed in place: from now on a copy of it is."""
        if self.note(dictionary, key) and key in dictionary:
            dictionary[key] = dictionary[key].copy()

    def run(self) -> None:
        """Put the old values back."""
        for (_, key), (dictionary, old) in self._noted.items():
            if old is _MISSING:
                dictionary.pop(key, None)
            else:
                dictionary[key] = old
        for name, value in self._attributes.items():
            setattr(self._owner, name, value)
