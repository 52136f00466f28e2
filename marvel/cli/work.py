"""What `work`, `up` and `diff` do: a manifest becomes desired state."""

import os
import sys
import time

from marvel import commands, manifest
from marvel.cli import door, waiting
from marvel.cli.dialogs import described, dialog_of, is_silent
from marvel.cli.errors import say
from marvel.cli.get import run as print_listing
from marvel.cli.get import show
from marvel.cli.request import Request
from marvel.cli.table import counted
from marvel.commands import Plan
from marvel.commands.orders import Apply
from marvel.errors import DaemonUnavailable, Rejected, TimedOut
from marvel.resources import Manifest, RoleKey
from marvel.runtimes import adapter_of
from marvel.runtimes.launch import PLACEHOLDER
from marvel.settings import paths
from marvel.store.query import daemon_note
from marvel.world import World


def work(
    sources: list[str],
    *,
    dry_run: bool,
    prune: bool,
    strict: bool,
    force_large: bool,
    yes: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Record what manifests declare; with `wait` until its sessions are ready."""
    declared = _read(sources, force_large=force_large)
    _look_for_commands(declared, strict=strict)
    _warn(declared)
    plans = [_plan(door.present(one.workspace), one, prune=prune) for one in declared]
    if dry_run:
        for plan in plans:
            show(plan.told(whole=True))
        return
    _ask(plans, yes=yes)
    for one in declared:
        door.send(Apply(one, prune=prune))
    door.warn_without_daemon(paths())
    if wait:
        for one in declared:
            waiting.until_ready(one.workspace, [team.name for team in one.teams], timeout)


def up(sources: list[str], *, timeout: float) -> None:
    """A daemon, the manifests, ready sessions, and a look at them."""
    declared = _read(sources, force_large=False)
    _look_for_commands(declared, strict=False)
    _warn(declared)
    door.check_person("up")
    if daemon_note(paths()) is None:
        from marvel.daemon.detached import detach

        try:
            say(f"daemon started, pid {detach(paths())}")
        except DaemonUnavailable:
            if daemon_note(paths()) is None:  # else another `up` was quicker: its daemon is as good
                raise
    for one in declared:
        door.send(Apply(one), quietly=True)
    until = time.monotonic() + timeout
    for one in declared:
        teams = [team.name for team in one.teams]
        try:
            waiting.until_ready(one.workspace, teams, until - time.monotonic())
            waiting.until_heard(one.workspace, teams, until - time.monotonic())
        except TimedOut:
            for row in waiting.unproven_sessions(one.workspace):
                key, dialog = f"{row['workspace']}/{row['name']}", dialog_of(row)
                where = f" (it shows {described(dialog)})" if dialog else ""
                if is_silent(row):
                    say(f"{key}: no sign of life, marvel attach {key}{where}")
                elif dialog:
                    say(f"{key}: not ready, marvel attach {key}{where}")
            raise
    for one in declared:
        request = Request("sessions", None)
        request.workspace = one.workspace
        print_listing(request)


def diff(sources: list[str], *, prune: bool) -> int:
    """What `work` would change; 1 when that is anything."""
    plans = [_plan(door.present(one.workspace), one, prune=prune) for one in _read(sources, force_large=True)]
    for plan in plans:
        if not plan.changes_nothing:
            show(plan.told())
        else:
            for line in plan.notes():
                say(line)
    return 0 if all(plan.changes_nothing for plan in plans) else 1


def _read(sources: list[str], *, force_large: bool) -> list[Manifest]:
    stdin = sys.stdin.read() if "-" in sources else None
    declared = manifest.read_all(sources, stdin=stdin, force_large=force_large)
    for one in declared:
        door.check_workspace(one.workspace)
    return declared


def _look_for_commands(declared: list[Manifest], *, strict: bool) -> None:
    """Commands that are nowhere to be found, all at once: a warning, with `strict` an error."""
    path = os.environ.get("PATH", os.defpath)
    missing = [line for one in declared for line in manifest.missing_commands(one, path)]
    if missing and strict:
        raise Rejected("missing commands\n" + "\n".join(f"  {line}" for line in missing))
    for line in missing:
        say(f"warning: {line}")


def _warn(declared: list[Manifest]) -> None:
    """Warn of what is accepted and does less than it seems to."""
    for one in declared:
        for team in one.teams:
            for role in team.roles:
                key = RoleKey(one.workspace, team.name, role.name)
                if found := PLACEHOLDER.search(role.template.prompt_text):
                    what = f"{found[0]} in {role.template.prompt_file}"
                    say(f"warning: {key}: {what} stays as it is: placeholders expand in prompt only")
                check = role.healthcheck
                if check is None or check.type != "heartbeat":
                    continue
                adapter = adapter_of(role.template)
                if adapter.heartbeat == "none":
                    say(f"warning: {key}: {adapter.name} sends no heartbeats: judged by its process alone")


def _plan(world: World, one: Manifest, *, prune: bool) -> Plan:
    return commands.plan(world, one, commands.apply(world, one, 0.0, prune=prune))


def _ask(plans: list[Plan], *, yes: bool) -> None:
    disturbed = sum(plan.disturbed for plan in plans)
    if not disturbed or yes:
        return
    working = sum(plan.working for plan in plans)
    busy = f", {working} of them working" if working else ""
    waiting.confirm(f"{counted(disturbed, 'session')} will be stopped or replaced{busy}. Go on?")
