"""Is the daemon, in this process."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from marvel import config, logs
from marvel.daemon import head as heads
from marvel.daemon import observations
from marvel.daemon.detached import READY, READY_VARIABLE, is_detached, tell_starter
from marvel.daemon.init import leave_process_1
from marvel.daemon.lock import Lock
from marvel.daemon.loop import ASKED_FOR, Loop
from marvel.daemon.machine import Machine
from marvel.daemon.reconciler import CONTROLLERS
from marvel.errors import DaemonUnavailable, MarvelError, UsageError
from marvel.settings import Paths, make_private, secure_contents
from marvel.store.log import Store
from marvel.tmux import check_socket_path, check_version, conf_problem
from marvel.tmux.filelimit import FileLimit, raise_for


def run(paths: Paths, *, controllers: Sequence[str] = (), console: bool = True) -> str:
    """Be the daemon until it is asked to end; returns why it ended.

    Raises MarvelError when it can't start, and when it ends without having been asked to.
    """
    in_container = leave_process_1()
    with _last_words(paths):
        with _explained(paths):
            loop, lock = _prepare(paths, controllers, console and not is_detached())
        try:
            why = loop.run(lambda: tell_starter(READY), stops_agents=in_container)
        finally:
            lock.release()
        if why not in ASKED_FOR:
            raise DaemonUnavailable(
                f"the daemon ended: {why}; its sessions run on",
                hint=f"see {paths.log}, then marvel daemon -d",
            )
        return why


def drain(paths: Paths) -> None:
    """Be a daemon for as long as it takes to end all sessions. Raises MarvelError when it can't."""
    with _last_words(paths):
        with _explained(paths):
            loop, lock = _prepare(paths, (), console=False)
        try:
            loop.run(lambda: None, drain=True)
        finally:
            lock.release()


@contextlib.contextmanager
def _last_words(paths: Paths) -> Iterator[None]:
    """Write into daemon.log why a daemon could not start, or died; tell its starter, who may be waiting.

    A detached daemon has nowhere else to say it. What is no MarvelError is a bug: with its traceback.
    """
    try:
        yield
    except MarvelError as error:
        logs.last_words(paths.log, "daemon failed", error=error.message, hint=error.hint)
        tell_starter(json.dumps({"message": error.message, "hint": error.hint}))
        raise
    except Exception as error:
        logs.last_words(paths.log, "daemon died of a bug", exc_info=error)
        message = f"the daemon died of a bug: {type(error).__name__}: {error}"
        tell_starter(json.dumps({"message": message, "hint": f"its traceback is in {paths.log}"}))
        raise


def _prepare(paths: Paths, controllers: Sequence[str], console: bool) -> tuple[Loop, Lock]:
    unknown = sorted(set(controllers) - set(CONTROLLERS))
    if unknown:
        raise UsageError(f"no such controller: {unknown[0]}", hint=f"there are {', '.join(CONTROLLERS)}")
    make_private(paths.home)
    secure_contents(paths)
    preferences = config.load()
    check_version()
    _check_conf(preferences)
    file_limit = FileLimit()
    raise_for(os.getpid())  # a pidfd for each agent, and whoever beats
    _check_socket_path(paths)
    run_id = uuid4().hex[:12]
    lock = Lock(paths, run_id)
    try:
        log = logs.set_up(paths.log, console=console)
        if preferences.disobeyed:
            log.warning("preferences not obeyed", error=preferences.disobeyed)
        store = Store(paths, keep_world=True)
        lost_after = heads.lost_after(paths.head, store.head())
        loop = Loop(
            paths,
            store,
            Machine(file_limit),
            run_id=run_id,
            controllers={n: c for n, c in CONTROLLERS.items() if not controllers or n in controllers},
            environ={name: value for name, value in os.environ.items() if name != READY_VARIABLE},
            config=preferences,
            log=log,
            note=lock.note,
        )
        if lost_after is not None:
            loop.observe(observations.log_truncated(lost_after))
    except BaseException:
        lock.release()
        raise
    return loop, lock


@contextlib.contextmanager
def _explained(paths: Paths) -> Iterator[None]:
    """A file of ours that can't be made or opened is no bug: name it."""
    try:
        yield
    except OSError as error:
        where = error.filename or paths.home
        raise DaemonUnavailable(
            f"{where}: {error.strerror or error}", hint="marvel doctor looks for the cause"
        ) from error


def _check_conf(preferences: config.Config) -> None:
    """Refuse a tmux configuration that tmux would drop without a word."""
    if preferences.tmux_conf and (why := conf_problem(Path(preferences.tmux_conf))):
        where = config.config_path()
        raise MarvelError(f"tmux_conf: {why}", hint=f"correct it, or take tmux_conf out of {where}")


def _check_socket_path(paths: Paths) -> None:
    """Refuse a state directory whose socket names are too long, before anything is made in it."""
    check_socket_path(Path(f"{paths.socket}.new"))
