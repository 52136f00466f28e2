"""Holds a document against the table: every problem is reported, what is valid is kept."""

from collections.abc import Iterator, Mapping
from typing import Any

from marvel.manifest import hints
from marvel.manifest.kinds import REFUSED
from marvel.manifest.problems import Problems, Where, shown
from marvel.manifest.table import MANIFEST, Field, Section


class Block:
    """One table of the document, checked."""

    def __init__(self, section: Section, where: Where, given: Mapping[str, Any], problems: Problems) -> None:
        self.section = section
        self.where = where
        self.given = given
        self.problems = problems
        self.valid: dict[str, Any] = {}
        self.blocks: dict[str, list[Block]] = {inner.key: [] for inner in section.sections}
        self.refused: set[str] = set()  # keys with a problem somewhere in their value
        self.meant: set[str] = set()  # keys that were given under a wrong name

    def report(self, message: str, *below: str | int) -> None:
        self.problems.add((*self.where, *below), message)

    def has(self, key: str) -> bool:
        return key in self.given

    def value(self, key: str) -> Any:
        """The valid value, else the default; None for a value that was refused."""
        if key in self.valid or key in self.refused:
            return self.valid.get(key)
        field = self.section.field(key)
        return None if field is None else self.section.default(field)

    def one(self, key: str) -> "Block | None":
        return next(iter(self.blocks[key]), None)

    def each(self, *keys: str) -> Iterator["Block"]:
        """All blocks below, following sections of these names."""
        for block in self.blocks[keys[0]]:
            if keys[1:]:
                yield from block.each(*keys[1:])
            else:
                yield block


def check(document: Mapping[str, Any], problems: Problems) -> Block:
    """The whole document. Nothing outside the table is ever descended into."""
    return _block(MANIFEST, (), document, problems)


def _block(section: Section, where: Where, given: Mapping[str, Any], problems: Problems) -> Block:
    block = Block(section, where, given, problems)
    for key, value in given.items():
        if field := section.field(key):
            _field(block, field, value)
        elif inner := section.section(key):
            _section(block, inner, key, value)
        else:
            _unknown(block, key)
    _required(block)
    return block


def _unknown(block: Block, key: str) -> None:
    meaning = "" if block.problems.full else hints.meant(block.section, key)
    block.meant.add(meaning.partition(".")[0])
    block.report(hints.unknown(meaning), key)


def _field(block: Block, field: Field, value: Any) -> None:
    kept = field.kind.check(value, lambda message, *below: block.report(message, field.key, *below))
    if kept is REFUSED:
        block.refused.add(field.key)
    else:
        block.valid[field.key] = kept


def _section(block: Block, inner: Section, key: str, value: Any) -> None:
    if inner.plural and key == inner.plural and inner.key in block.given:
        block.report(f"give either {inner.key} or {inner.plural}, not both", key)
        block.refused.add(inner.key)
    elif inner.plural:
        _tables(block, inner, key, value)
    elif isinstance(value, dict):
        block.blocks[inner.key].append(_block(inner, (*block.where, key), value, block.problems))
    else:
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        hint = f", write [{_header(block, key)}] with single brackets" if several else ""
        block.report(f"must be a table, is {shown(value)}{hint}", key)
        block.refused.add(inner.key)


def _tables(block: Block, inner: Section, key: str, value: Any) -> None:
    if not isinstance(value, list):
        hint = f", write [[{_header(block, key)}]] with double brackets" if isinstance(value, dict) else ""
        block.report(f"must be a list of tables, is {shown(value)}{hint}", key)
        block.refused.add(inner.key)
        return
    for index, item in enumerate(value):
        if isinstance(item, dict):
            where = (*block.where, key, index)
            block.blocks[inner.key].append(_block(inner, where, item, block.problems))
        else:
            block.report(f"must be a table, is {shown(item)}", key, index)
            block.refused.add(inner.key)


def _header(block: Block, key: str) -> str:
    return ".".join(str(step) for step in (*block.where, key) if isinstance(step, str))


def _required(block: Block) -> None:
    """What was given under a wrong name was reported already, and is not missing besides."""
    section = block.section
    for field in section.fields:
        if field.required and not block.has(field.key):
            block.refused.add(field.key)
            if field.key not in block.meant:
                block.report("is required", field.key)
    if section.any_of and not any(block.has(key) or key in block.meant for key in section.any_of):
        block.report(f"needs {' or '.join(section.any_of)}")
    for inner in section.sections:
        if inner.required and not any(map(block.has, inner.keys)):
            block.refused.add(inner.key)
            if inner.key not in block.meant:
                block.report(f"is required, {hints.REQUIRED[inner.key]}", inner.key)
