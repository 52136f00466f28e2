"""The event log for people and programs: `events`, `verify`, `rebuild`; marvel/cli/tailing.py follows it."""

import json
import sys
from collections.abc import Iterable
from textwrap import indent
from typing import Any

from marvel import settings
from marvel.cli import archived
from marvel.cli.door import check_person
from marvel.cli.errors import say
from marvel.cli.get import show
from marvel.cli.objects import published
from marvel.cli.paging import Pages, Wanted, warns
from marvel.cli.runs import Run, folded, single
from marvel.cli.summaries import line
from marvel.cli.table import RED, RESET, is_coloured
from marvel.errors import UsageError
from marvel.store.query import EVENT_COLUMNS, Reader
from marvel.text import printable

Row = dict[str, Any]

OUTPUTS = ("table", "wide", "json", "jsonl")
FIELDS = [name for name in EVENT_COLUMNS.split() if name != "schema"]  # of an event, as programs get it


def events(wanted: Wanted, output: str = "table", *, follow: bool = False) -> int:
    """Print events, newest last; with `follow`, those to come too. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    if wanted.count is not None and wanted.count < 0:
        raise UsageError(f"-n must be at least 0, is {wanted.count}", hint="marvel events --help")
    if follow:
        from marvel.cli.tailing import follow as go_on

        return go_on(wanted, output)
    pages = Pages(settings.paths(), wanted)
    if output == "json":
        _print_array(pages)
        return 0
    found = False
    for page in pages:
        found = True
        show("".join(map(json_line, page)) if output == "jsonl" else lines(page, wide=output == "wide"))
        sys.stdout.flush()
    if not found and output != "jsonl":
        say("No events found.")
    return 0


def _print_array(pages: Iterable[list[Row]]) -> None:
    """Print one JSON array, as json.dumps would."""
    opening = "["
    for page in pages:
        for event in page:
            show(opening + "\n" + indent(json.dumps(public(event), indent=2), "  "))
            opening = ","
        sys.stdout.flush()
    show("[]\n" if opening == "[" else "\n]\n")


def lines(found: list[Row], *, wide: bool = False) -> str:
    """Events as lines for people, warnings marked; runs of alike ones folded unless authors show."""
    runs = map(single, found) if wide else folded(found)
    return "".join(run_line(run, wide=wide) for run in runs)


def run_line(run: Run, *, wide: bool = False) -> str:
    """One line for people."""
    warning = warns(run.event)
    text = printable(line(run.event, warning=warning, wide=wide) + run.suffix)
    return f"{RED}{text}{RESET}\n" if warning and is_coloured() else text + "\n"


def json_line(event: Row) -> str:
    """One line for programs."""
    return json.dumps(public(event)) + "\n"


def public(event: Row) -> Row:
    """An event as programs get it."""
    shown: Row = published({name: event[name] for name in FIELDS})
    return shown


def verify(file: str | None = None) -> int:
    """Check the hash chain, of a backup or archive if one is named; the exit status tells."""
    from marvel.store.log import Store

    if file is not None:
        from marvel.store.chain import check_file

        show(f"{file}: whole, each event as it was recorded up to position {check_file(file).position}\n")
        return 0
    store = _existing(Store)
    count, wrong = store.verify() if store else (0, None)
    if wrong:
        say(f"error: {wrong}; the {count} events before it are whole")
        say("hint: stop the daemon and restore a backup: marvel restore FILE")
        return 1
    show(f"{count} events, each as it was recorded\n")
    paths = settings.paths()
    with Reader(paths) as reader:
        for first, last, name in reader.archives():
            show(f"positions {first} to {last} are in {name}\n")
        for fault in archived.faults(reader, paths.home):
            say(f"warning: {fault.text}")
    return 0


def rebuild(*, check: bool) -> int:
    """Derive the tables anew from the log; with `check`, only say where they differ."""
    from marvel.store.log import Store

    if not check:
        check_person("rebuild")
    store = _existing(Store)
    if not check:
        count = store.rebuild().position if store else 0
        if store:
            with Reader(settings.paths()) as reader:
                count -= reader.first() - 1
        show(f"rebuilt from {count} events\n")
        return 0
    differences = store.check() if store else []
    show("".join(printable(difference) + "\n" for difference in differences))
    if differences:
        count = "1 row is" if len(differences) == 1 else f"{len(differences)} rows are"
        say(f"error: {count} not what the event log says")
        say("hint: marvel rebuild")
        return 1
    show("every row is what the event log says\n")
    return 0


def _existing(store: Any) -> Any:
    """The log opened for writing, whatever became of its triggers; None: looking must not make one."""
    import os

    paths = settings.paths()
    if not (settings.check_private(paths.home) and os.path.exists(paths.database)):
        say("there is no event log yet")
        return None
    return store(paths, any_triggers=True)
