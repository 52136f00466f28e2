"""Writes the pages of the reference that follow from the code: commands, manifest, events, runtimes.

    python -m docs.generate          writes them
    python -m docs.generate --check  exit status 1 when one is not what the code says

What is written is committed, so that a change of the surface shows in its diff; a test compares.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from marvel import events
from marvel.cli.app import made
from marvel.cli.catalog import COMMANDS, SECTIONS
from marvel.durations import spell
from marvel.manifest.kinds import Choice, Flag, Kind, Name, Signal
from marvel.manifest.lists import Env, Many
from marvel.manifest.quantities import Duration, Integer, Number
from marvel.manifest.table import MANIFEST, ROLE, RUNTIME, Field, Section
from marvel.resources import Template
from marvel.runtimes import ADAPTERS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
BY = "<!-- Written by docs/generate.py. Change what it is made from, then `just docs`. -->\n\n"

# Who records what a room decides; the longest beginning of a module's path counts.
AUTHORS = {
    "cli/copies": "a person",
    "client": "who ran the command",
    "commands": "who ran the command",
    "controllers": events.CONTROLLER_SHIFTS,
    "controllers/health": events.CONTROLLER_HEALTH,
    "controllers/restarts": events.CONTROLLER_SESSIONS,
    "controllers/sessions": events.CONTROLLER_SESSIONS,
    "daemon": events.DAEMON,
    "daemon/gate": "the agent that was refused",
    "store": "marvel",
}


CLI_HEAD = """\
# Commands

`marvel COMMAND --help` prints the same. A KEY is `WORKSPACE/NAME` of a session or a team, or any unique
ending of a session's name without the generation, such as `reviewer-1`; `session/…` and `team/…` say which
is meant. A text or command that begins with a dash follows `--`. [Exit statuses](exit-codes.md) have a page
of their own.
"""
MANIFEST_HEAD = """\
# Manifest

A TOML file; YAML with the keys `teams`, `roles` and `endpoints` reads the same. An unknown key is an error.
Durations are written `"500ms"`, `"30s"`, `"5m"`, `"1h30m"`, or as a number of seconds. The
[guide](../guides/manifests.md) has examples; `marvel schema` prints the JSON Schema, for editors.

The last column says what a change does. *At once*: it applies to what runs. *Shift*: it makes a new
generation, to which the sessions are [shifted](../guides/shifts.md).
"""
EVENTS_HEAD = """\
# Events

The {count} kinds of facts that the log holds. Each event also has `position time workspace team role session
uid generation actor cause` ([JSON](json.md#event)). In a payload, times are seconds since the epoch and
durations seconds (`-o json` prints times as RFC 3339); a field that has its default is left out. A kind never
changes its meaning; a changed shape gets a new schema number, and the old one is still read.

*Warning* marks what `marvel events --warnings` selects: always, or as the payload says.
"""
RUNTIMES_HEAD = """\
# Runtimes

The agent CLIs that marvel knows, by the `image` of a role, else by the base name of its `command`. Anything
else is `generic`: its argv as it is, our environment, the prompt typed once it runs.

A heartbeat check counts silence *from-start*, or *once-seen*: from the session's first beat, until which its
health is `unknown`. *None*: it has no periodic beat, and the check looks at its process alone. *Resumes*: one
that crashed comes back with its conversation. *Version*: an older one is started as `generic`.
"""
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "true or false", "None": "null"}


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    return {
        REFERENCE / "cli.md": BY + cli(),
        REFERENCE / "manifest.md": BY + manifest(),
        REFERENCE / "events.md": BY + kinds_of_events(),
        REFERENCE / "runtimes.md": BY + runtimes(),
    }


# --- commands ----------------------------------------------------------------------------------------


def cli() -> str:
    """The commands in the order of `marvel --help`."""
    text = [CLI_HEAD]
    for section in SECTIONS:
        text.append(f"## {section}\n")
        for name, entry in COMMANDS.items():
            if entry.section == section:
                text += _command(f"marvel {name}", made(name, entry))
        if section == "Change":
            text.append("### marvel apply\n\nThe same as [`marvel work`](#marvel-work).\n")
    return "\n".join(text)


def _command(title: str, command: Any) -> Iterator[str]:
    yield f"### {title}\n"
    yield _sentence(command.help or "") + "\n"
    arguments = [_metavar(one) for one in command.params if one.param_type_name == "argument"]
    rows = [_parameter(one) for one in command.params]
    options = any(one.param_type_name == "option" for one in command.params)
    yield f"```text\n{' '.join([title, *(['[OPTIONS]'] if options else []), *arguments])}\n```\n"
    if title == "marvel simulator":
        yield "All options are the simulator's own: `marvel simulator --help`.\n"
    if any(rows):
        yield _table(("argument or option", "meaning"), [row for row in rows if row])
    for name, below in getattr(command, "commands", {}).items():
        yield from _command(f"{title} {name}", below)


def _parameter(one: Any) -> tuple[str, str] | None:
    """A row, except for an argument of which its name says everything."""
    default = one.default if isinstance(one.default, str | int | float) and one.default != "" else None
    if one.param_type_name == "argument":
        return (f"`{_metavar(one)}`", one.help) if one.help else None
    names = ", ".join(f"`{name}`" for name in one.opts)
    value = "" if one.is_flag else f" `{_metavar(one)}`"
    text = re.sub(r"\s*\[default: (.+)\]", "", one.help or "")
    shown = re.search(r"\[default: (.+)\]", one.help or "")
    default = shown[1] if shown else None if one.is_flag else default
    return names + value, (text + (f" Default: `{default}`." if default is not None else "")).strip() or "—"


def _metavar(one: Any) -> str:
    word = one.metavar or one.human_readable_name.upper()
    return word if one.param_type_name == "option" or one.nargs == 1 or "…" in word else f"{word}…"


# --- the manifest ------------------------------------------------------------------------------------


def manifest() -> str:
    """Every section and field of a manifest."""
    text = [MANIFEST_HEAD]
    for path, section in _sections(MANIFEST, ()):
        text.append(f"## {_bracketed(path)}\n")
        text.append(_sentence(section.help) + (" Required." if section.required else "") + "\n")
        if section.any_of:
            text.append(f"At least one of {_words(section.any_of)} is needed.\n")
        in_role = section.record is not MANIFEST.record and ROLE.key in [s.key for s, _ in path]
        rows = [_field(section, field, in_role=in_role) for field in section.fields]
        text.append(_table(("field", "value", "default", "meaning", *(["a change"] * in_role)), rows))
    return "\n".join(text)


def _sections(
    section: Section, path: tuple[tuple[Section, bool], ...]
) -> Iterator[tuple[tuple[tuple[Section, bool], ...], Section]]:
    for below in section.sections:
        here = (*path, (below, bool(below.plural) or below.key == "endpoint"))
        yield here, below
        yield from _sections(below, here)


def _bracketed(path: tuple[tuple[Section, bool], ...]) -> str:
    name = ".".join(section.key for section, _ in path)
    return f"[[{name}]]" if path[-1][1] else f"[{name}]"


def _field(section: Section, field: Field, *, in_role: bool) -> tuple[str, ...]:
    row = (f"`{field.key}`", _kind(field.kind), _default(section, field), _sentence(field.help, stop=""))
    if not in_role:
        return row
    by_shift = section is RUNTIME or field.home is Template
    return (*row, "—" if section is ROLE and field.key == "name" else "shift" if by_shift else "at once")


def _kind(kind: Kind) -> str:
    match kind:
        case Choice(options=options):
            return " ".join(f"`{option}`" for option in options)
        case Signal():
            return " ".join(f"`{name}`" for name in Signal.NAMES)
        case Flag():
            return "`true` or `false`"
        case Duration(above_zero=above_zero):
            return "duration above 0" if above_zero else "duration"
        case Integer(least=least, most=most):
            return f"{least} to {most:,}"
        case Number(most=most):
            return f"above 0, at most {most:g}" if most < Number().most else "above 0"
        case Name(longest=longest):
            return f"name, at most {longest} characters"
        case Many(of=of):
            return f"list of {_kind(of)}" if isinstance(of, Choice) else "list of strings"
        case Env():
            return "table of strings"
        case _:
            return "string"


def _default(section: Section, field: Field) -> str:
    default = section.default(field)
    if field.required or default is msgspec.NODEFAULT:
        return "required"
    if default in (None, "", (), {}):
        return "—"
    if isinstance(field.kind, Duration):
        return f"`{spell(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


# --- events ------------------------------------------------------------------------------------------


def kinds_of_events() -> str:
    """Every kind of event: what it means, who writes it, and its payload."""
    writers = writers_of_events()
    text = [EVENTS_HEAD.format(count=len(get_args(events.AnyFact)))]
    for group in dict.fromkeys(_group(fact) for fact in get_args(events.AnyFact)):
        text.append(f"## {group}\n")
        for fact in get_args(events.AnyFact):
            if _group(fact) == group:
                text += _event(fact, writers[fact.__name__])
    return "\n".join(text)


def _group(fact: type[events.Fact]) -> str:
    return fact.kind.partition(".")[0]


def _event(fact: type[events.Fact], writers: set[str]) -> Iterator[str]:
    yield f"### {fact.kind}\n"
    warning = " Warning." if fact.warning else _sometimes(fact)
    schema = f" Schema {fact.schema}." if fact.schema > 1 else ""
    meaning = " ".join((fact.__doc__ or "").split())
    yield f"{meaning} Written by: {', '.join(sorted(writers))}.{warning}{schema}\n"
    comments = _comments(fact)
    rows = []
    for one in msgspec.structs.fields(fact):
        default = "" if one.required else _json(one.default)
        kind = fact.__annotations__[one.name]
        rows.append((f"`{one.name}`", _type(kind), default, comments.get(one.name, "")))
    if rows:
        yield _table(("payload", "type", "default", "meaning"), rows)


def _sometimes(fact: type[events.Fact]) -> str:
    return " Warning by its payload." if fact.__name__ in inspect.getsource(events.is_warning) else ""


def _comments(fact: type[events.Fact]) -> dict[str, str]:
    """What stands behind a field on its line."""
    found = re.findall(r"^    (\w+): .*?  # (.+)$", inspect.getsource(fact), re.MULTILINE)
    return dict(found)


def _type(annotation: Any) -> str:
    """A field's type in words: of a choice its words, of a record its name."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    if "Literal" in text:
        return " ".join(word or '""' for word in re.findall(r"'([^']*)'", text))
    if "tuple" in text:
        first = text.partition("[")[2].partition(",")[0]
        return f"list of {_type(first)}s"
    for python, plain in TYPES.items():
        text = re.sub(rf"\b{python}\b", plain, text)
    return text.replace("marvel.resources.", "").replace(" | ", " or ")


def _json(value: Any) -> str:
    if value is msgspec.NODEFAULT:
        return ""
    return f"`{msgspec.json.encode(value).decode()}`"


def writers_of_events() -> dict[str, set[str]]:
    """By the name of a fact: who makes it, as the room says that does."""
    facts = {fact.__name__ for fact in get_args(events.AnyFact)}
    found: dict[str, set[str]] = {name: set() for name in facts}
    for file in sorted((ROOT / "marvel").rglob("*.py")):
        module = str(file.relative_to(ROOT / "marvel").with_suffix(""))
        room = max((room for room in AUTHORS if module.startswith(room)), key=len, default=None)
        if room is None:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in facts:
                    found[name].add(AUTHORS[room])
    return found


def runtimes() -> str:
    """Every adapter: what it promises."""
    rows = [
        (
            f"`{adapter.name}`",
            adapter.heartbeat,
            "yes" if adapter.resumes else "no",
            ".".join(map(str, adapter.minimum)) or "—",
            adapter.signals,
        )
        for adapter in ADAPTERS.values()
    ]
    return f"{RUNTIMES_HEAD}\n{_table(('image', 'heartbeat', 'resumes', 'version', 'what it tells'), rows)}"


# --- text --------------------------------------------------------------------------------------------


def _sentence(text: str, stop: str = ".") -> str:
    """The text as one line that begins large and ends with a stop."""
    line = " ".join(text.split()).rstrip(".")
    return line[:1].upper() + line[1:] + stop if stop else line


def _words(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_cell(cell) for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """A table's cell: a bar would end it."""
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the pages, or look whether they are as they would be written."""
    differ = [p for p, text in pages().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in differ:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what the code says: just docs\n")
        return 1 if differ else 0
    for path in differ:
        path.write_text(pages()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
