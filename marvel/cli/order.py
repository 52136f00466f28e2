"""The fast lane of `scale shift run kill restart`: a running daemon, being warm, does them for us.

Argv is read here; what is not known (`--wait`, `--help`, a verb of shift, a word that makes no sense) is
Typer's. No daemon, or no answer in a second: the same order is carried out in this process, under the same
command id, so that it happens once.
"""

from __future__ import annotations

import sys
from itertools import chain

from marvel.cli import oneoff
from marvel.client.asking import ask, new_command
from marvel.keys import is_text
from marvel.settings import paths

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from typing import Any

    Arguments = dict[str, Any]

VERBS = ("status", "abort", "pause", "resume", "undo", "history")
VALUED = {
    "scale": ("--role", "--replicas"),
    "shift": ("--role",),
    "run": ("--role", "--team", "--workspace", "--cwd", "--env"),
    "kill": (),
    "restart": (),
}
FLAGS = {"scale": ("--force-large",)}


def fast(name: str, argv: list[str]) -> int | None:
    """Do `marvel NAME ARGV`; None when something in it is not for the fast lane."""
    words = _parsed(name, argv)
    arguments = words and _arguments(name, *words)
    if not arguments:
        return None
    command = new_command()
    said = ask(paths(), name, arguments, command)
    if said is not None:
        sys.stdout.write(said)
        return 0
    from marvel.cli.door import carry_out

    carry_out(name, arguments, command)
    return 0


def _parsed(name: str, argv: list[str]) -> tuple[list[str], dict[str, list[str]]] | None:
    """Words, and options with all their values; None with an unknown option, or one without a value."""
    words: list[str] = []
    given: dict[str, list[str]] = {}
    rest = iter(argv)
    for word in rest:
        option, equals, value = word.partition("=")
        if word == "--":
            words += rest
        elif word in FLAGS.get(name, ()):
            given[word] = ["yes"]
        elif option in VALUED[name]:
            value = value if equals else next(rest, "-")
            if value.startswith("-"):
                return None
            given.setdefault(option, []).append(value)
        elif word.startswith("-"):
            return None
        else:
            words.append(word)
    return words, given


def _arguments(name: str, words: list[str], given: dict[str, list[str]]) -> Arguments | None:
    """What the order is made of; None when the words make none. Raises UsageError."""
    last = {option: values[-1] for option, values in given.items()}
    if not words or not all(map(is_text, chain(words, *given.values()))):
        return None
    if name == "run":
        return oneoff.arguments(
            words,
            role=last.get("--role", "adhoc"),
            team=last.get("--team", "adhoc"),
            workspace=last.get("--workspace", "default"),
            cwd=last.get("--cwd"),
            env=given.get("--env", []),
        )
    if len(words) != 1 or words[0] in VERBS:
        return None
    if name in ("kill", "restart"):
        return {"key": words[0]}
    if name == "shift":
        return {"team": words[0], "role": last.get("--role")}
    replicas = last.get("--replicas", "")
    if "--role" not in last or not (replicas.isascii() and replicas.isdecimal() and len(replicas) < 10):
        return None
    return {
        "team": words[0],
        "role": last["--role"],
        "replicas": int(replicas),
        "force_large": "--force-large" in last,
    }
