"""`marvel backup`, `restore` and `archive`."""

import os
import time
from uuid import uuid4

from marvel import settings
from marvel.cli import past
from marvel.cli.door import check_person
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.cli.times import local
from marvel.cli.waiting import confirm
from marvel.client.person import user
from marvel.daemon import head as heads
from marvel.daemon.lock import Lock
from marvel.errors import LogUnavailable, NotFound
from marvel.events import Draft, LogRestored, Ref
from marvel.settings import Paths, make_private
from marvel.store.append import Head
from marvel.store.archive import MOST_EVENTS, Cut, cut, write_file
from marvel.store.chain import check_file
from marvel.store.copies import back_up, put_in_place
from marvel.store.log import Store
from marvel.store.query import Reader, daemon_note

SHOWN = 5  # agents named in a question


def backup(file: str) -> None:
    """Copy the log to a new file, also while a daemon writes to it. Raises MarvelError."""
    paths = settings.paths()
    if not (settings.check_private(paths.home) and os.path.exists(paths.database)):
        raise NotFound("there is no event log yet", hint="marvel daemon -d begins one")
    head = back_up(paths.database, os.path.abspath(file))
    show(f"{head.position} events up to {local(head.time)} in {file}, each as it was recorded\n")


def restore(file: str, *, yes: bool) -> None:
    """Put a backup in the place of the log, which is kept aside. Raises MarvelError."""
    paths, file = settings.paths(), os.path.abspath(file)
    check_person("restore")
    make_private(paths.home)
    lock = Lock(paths, uuid4().hex[:12])  # no daemon runs, and none starts meanwhile
    try:
        head = check_file(file)
        before = _alive(paths)
        if not yes:
            _ask(paths, head, before)
        replaced = _replaced(paths)
        _, aside = put_in_place(paths, file)
        now = _note(paths, LogRestored(replaced_position=replaced, file=file))
    finally:
        lock.release()
    show(f"restored {head.position} events up to {local(head.time)}\n")
    if aside:
        show(f"the log before it is kept as {aside}\n")
    unknown = sorted(key for uid, key in before.items() if uid not in _alive(paths))
    if unknown:
        say(f"{_few(unknown)}: unknown to this log; what still runs is stopped by the next daemon")
    if now.position <= head.position:  # it could not be written to: the next daemon would say why
        raise LogUnavailable("the restored log took no event", hint="marvel verify")


def archive(before: str) -> None:
    """Move events from before a moment to a file beside the log. Raises MarvelError."""
    paths, now = settings.paths(), time.time()
    check_person("archive")
    with Reader(paths) as reader:
        first, head = reader.first(), reader.head()
        position, _ = past.found(reader, before, now)
    last = min(position - 1 if before.isdigit() else position, head - 1)  # the newest stays: it is the head
    if last < first:
        raise NotFound(f"there is nothing before {before}", hint=f"the log has positions {first} to {head}")
    store = Store(paths)
    try:
        for begin in range(first, last + 1, MOST_EVENTS):
            made = write_file(paths, begin, min(last, begin + MOST_EVENTS - 1))
            _cut(store, made)
            file = os.path.join(paths.home, made.file)
            count = made.head.position - begin + 1
            show(f"{count} events up to {local(made.head.time)} moved to {file}\n")
        if daemon_note(paths) is None:  # else the room is used by what comes next
            store.shrink()
    finally:
        store.close()


def _cut(store: Store, made: Cut) -> None:
    """Record an archive, and take its events out of the log, at once."""
    store.record(lambda *_: [made.draft()], actor=user(), and_then=lambda connection: cut(connection, made))


def _ask(paths: Paths, head: Head, alive: dict[str, str]) -> None:
    question = f"The log in {paths.home} will be replaced by one of {local(head.time)}."
    if alive:
        count = "1 agent is" if len(alive) == 1 else f"{len(alive)} agents are"
        question += f" {count} alive; what the backup does not know is stopped by the next daemon."
    confirm(f"{question} Go on?")


def _few(keys: list[str]) -> str:
    return ", ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")


def _alive(paths: Paths) -> dict[str, str]:
    """Sessions that the present log takes for alive, by uid; none when it can't be read."""
    try:
        with Reader(paths) as reader:
            rows = reader.rows("sessions")
    except LogUnavailable:
        return {}
    alive = ("running", "stopping")  # what is pending has no process
    return {row["uid"]: f"{row['workspace']}/{row['name']}" for row in rows if row["state"] in alive}


def _replaced(paths: Paths) -> int:
    """How far the present log has come; 0 when it can't be read."""
    try:
        with Reader(paths) as reader:
            return reader.head()
    except LogUnavailable:
        return 0


def _note(paths: Paths, fact: LogRestored) -> Head:
    """Record what was done, and that this is the head from now on: else the next daemon refuses to start."""
    store = Store(paths)
    try:
        store.record(lambda *_: [Draft(ref=Ref(), fact=fact)], actor=user())
        head = store.head()
    finally:
        store.close()
    heads.note(paths.head, head)
    return head
