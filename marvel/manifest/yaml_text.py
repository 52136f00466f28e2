"""YAML text → document, and where each part of it stands. Built from the parser's events, so that size and
depth are bounded while reading: no anchors, no aliases, no tags, no key twice, plain values only.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from marvel.manifest.problems import Lines, Where, shown

DEPTH_LIMIT = 32  # a manifest needs seven
PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
)
TEXT_TAG = "tag:yaml.org,2002:str"
NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
NUMBER_LIMIT = 100  # characters: the time to read one grows with the square of them
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> tuple[dict[str, Any], Lines]:
    """ValueError says what is wrong and where."""
    reader = _Reader(text)
    try:
        document = reader.document()
    except yaml.YAMLError as error:
        raise ValueError(_words(error)) from None
    return document, Lines(reader.at)


def _words(error: yaml.YAMLError) -> str:
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = [getattr(error, name, None) for name in ("context", "problem")]
    words = ", ".join(part for part in parts if part) or " ".join(str(error).split())[:200]
    return f"{words} (at line {mark.line + 1}, column {mark.column + 1})" if mark else words


class _Reader:
    """Turns events into values, one event after the other."""

    def __init__(self, text: str) -> None:
        self.at: dict[Where, int] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        self._resolver: Any = yaml.resolver.Resolver()
        self._scalars = yaml.constructor.SafeConstructor()

    def document(self) -> dict[str, Any]:
        document: Any = None
        documents = 0
        for event in self._events:
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _refusal(event, "one document per file")
                    document = self._value(next(self._events), ())
                case _:
                    continue
        if document is None:  # nothing but comments
            return {}
        if not isinstance(document, dict):
            raise ValueError(f"must be a mapping with workspace and teams, is {shown(document)}")
        return document

    def _value(self, event: Any, where: Where) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _refusal(event, "anchors and aliases are not supported, write the value out")
        if not isinstance(event, yaml.ScalarEvent) and event.tag is not None:
            raise _refusal(event, f"tag {shown(event.tag)} is not supported, write a plain list or mapping")
        if len(where) > DEPTH_LIMIT:
            raise _refusal(event, "nested too deeply")
        self.at[where] = _line(event)
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(where)
            case yaml.SequenceStartEvent():
                return self._sequence(where)
            case _:
                return self._scalar(event)

    def _mapping(self, where: Where) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None:
                raise _refusal(event, "a key must be plain text")
            key = event.value
            if key in mapping:
                raise _refusal(event, f"key {shown(key)} stands twice in one mapping")
            mapping[key] = self._value(next(self._events), (*where, key))
            self.at[*where, key] = _line(event)
        return mapping

    def _sequence(self, where: Where) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*where, len(items))))
        return items

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag not in PLAIN_TAGS:
            raise _refusal(event, f"tag {shown(tag)} is not supported, write a plain value")
        if tag in NUMBER_TAGS and ":" in event.value:  # base 60, which YAML 1.2 no longer has
            tag = TEXT_TAG
        if tag in NUMBER_TAGS and len(event.value) > NUMBER_LIMIT:
            raise _refusal(event, f"can't be read: a number of more than {NUMBER_LIMIT} characters")
        try:
            return self._scalars.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, OverflowError, KeyError, IndexError, AttributeError):
            raise _refusal(
                event, f"can't be read: {shown(event.value)}, write it in quotes if it is text"
            ) from None


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refusal(event: Any, words: str) -> ValueError:
    return ValueError(f"{words} (at line {_line(event)}, column {event.start_mark.column + 1})")
