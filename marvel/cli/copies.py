"""`marvel backup`, `restore` and `archive`."""

import os
import time
from uuid import uuid4

from marvel import settings
from marvel.cli import archived, past
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
from marvel.store.archive import MOST_EVENTS, Cut, cut, exclusively, unfinished, write_file
from marvel.store.chain import check_file
from marvel.store.copies import back_up, put_in_place, remove
from marvel.store.log import Store
from marvel.store.query import Reader, head_of_file

SHOWN = 5  # agents named in a question


def backup(file: str) -> None:
    """Copy the log to a new file, also while a daemon writes to it. Raises MarvelError."""
    paths = settings.paths()
    check_person("backup")  # the copy has the values of env
    if not (settings.check_private(paths.home) and os.path.exists(paths.database)):
        raise NotFound("there is no event log yet", hint="marvel daemon -d begins one")
    target = os.path.abspath(file)
    head = back_up(paths.database, target)
    with Reader(paths) as reader:
        archives = [one for one in reader.archives() if one[1] < head.position]
    count = head.position - (archives[-1][1] if archives else 0)
    show(f"{count} events up to {local(head.time)} in {file}, each as it was recorded\n")
    for first, last, name in archives:
        path = os.path.join(paths.home, name)
        show(f"not in it: positions {first} to {last}, archived in {path}; copy that file too\n")


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
        with exclusively(paths):
            replaced = _replaced(paths)
            _, aside = put_in_place(paths, file)
            now = _note(paths, LogRestored(replaced_position=replaced, file=file))
            _take_along(paths, os.path.dirname(file))
    finally:
        lock.release()
    with Reader(paths) as reader:
        count = head.position - reader.first() + 1
        found = [fault.text for fault in archived.faults(reader, paths.home)]
    show(f"restored {count} events up to {local(head.time)}\n")
    if aside:
        show(f"the log before it is kept as {aside}\n")
    for text in found:
        say(f"warning: {text}; put it there to read them")
    unknown = sorted(key for uid, key in before.items() if uid not in _alive(paths))
    if unknown:
        say(f"{_few(unknown)}: unknown to this log; what still runs is stopped by the next daemon")
    if now.position <= head.position:  # it could not be written to: the next daemon would say why
        raise LogUnavailable("the restored log took no event", hint="marvel verify")


def archive(before: str) -> None:
    """Move events from before a moment to a file beside the log. Raises MarvelError."""
    paths, now = settings.paths(), time.time()
    check_person("archive")
    with exclusively(paths):
        for path in unfinished(paths):
            os.unlink(path)
        _archive(paths, before, now)


def _archive(paths: Paths, before: str, now: float) -> None:
    with Reader(paths) as reader:
        first, head = reader.first(), reader.head()
        position, _ = past.found(reader, before, now, option="--before")
    last = min(position - 1 if before.isdigit() else position, head - 1)  # the newest stays: it is the head
    if last < first:
        raise NotFound(f"there is nothing before {before}", hint=f"the log has positions {first} to {head}")
    store = Store(paths)
    try:
        for begin in range(first, last + 1, MOST_EVENTS):
            made = write_file(paths, begin, min(last, begin + MOST_EVENTS - 1))
            _cut(store, paths, made)
            file = os.path.join(paths.home, made.file)
            count = made.head.position - begin + 1
            show(f"{count} events up to {local(made.head.time)} moved to {file}\n")
        _shrink(store)
    finally:
        store.close()


def _shrink(store: Store) -> None:
    """Give back the room on the disk; what was archived stays archived when that fails."""
    why = "an earlier marvel made it; archive once while no daemon runs"
    try:
        if store.shrink():
            return
    except LogUnavailable as error:
        why = error.message
    say(f"{store.path} keeps its size on the disk; new events use the room ({why})")


def _cut(store: Store, paths: Paths, made: Cut) -> None:
    """Record an archive, and take its events out of the log, in one transaction."""
    try:
        store.record(lambda *_: [made.draft()], actor=user(), and_then=lambda found: cut(found, made))
    except BaseException:
        with Reader(paths) as reader:
            recorded = [name for _, _, name in reader.archives()]
        if made.file not in recorded:
            remove(os.path.join(paths.home, made.file))
        raise


def _take_along(paths: Paths, directory: str) -> None:
    """Copy the archives that a restored log refers to from beside its backup, where they are missing."""
    with Reader(paths) as reader:
        wanted = [(name, (last, reader.hash_at(last))) for _, last, name in reader.archives()]
    for name, head in wanted:
        source, target = os.path.join(directory, name), os.path.join(paths.home, name)
        if not os.path.exists(target) and head_of_file(source) == head:
            back_up(source, target)


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
