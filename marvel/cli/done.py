"""When what was asked for is done, and when it can no longer come: one meaning for everything that waits.

A role is done when it has as many sessions of the wanted generation as are wanted that meet the condition,
and no shift of it is in progress; one of which nothing is wanted, when nothing of it is left. Each role is
judged for itself. Pure, but for the rows that `Seen.of` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from marvel.controllers.restarts import judge
from marvel.resources import Cohort, Role, RoleKey, Session, Shift, TeamKey
from marvel.rules import counts_as_ready, current_of, is_crashing, wants_shift, was_aborted
from marvel.store.query import Reader

R = TypeVar("R")
Test = Callable[[Session, Role | None], bool]
REFUSED = "tmux-refused"  # tried again, but seldom to a better end


class Progress(NamedTuple):
    """How far it is: `done` of `total`, and what is said of it."""

    done: int
    total: int
    note: str = ""
    failed: str = ""  # waiting longer is in vain, and why


class Seen(NamedTuple):
    """One look at the projections."""

    teams: dict[TeamKey, tuple[str, ...]]  # names of roles
    roles: dict[RoleKey, Role]
    cohorts: dict[RoleKey, list[Cohort]]  # oldest first
    shifts: dict[RoleKey, Shift]
    sessions: list[Session]

    @classmethod
    def of(cls, reader: Reader, workspace: str | None = None) -> Seen:
        """What a reader has of a workspace, or of all."""
        cohorts: dict[RoleKey, list[Cohort]] = {}
        for cohort in _rows(reader, "cohorts", Cohort, workspace):
            cohorts.setdefault(cohort.key, []).append(cohort)
        teams = {
            TeamKey(row["workspace"], row["name"]): tuple(row.get("roles", ()))
            for row in reader.rows("teams", workspace)
        }
        return cls(
            teams=teams,
            roles={role.key: role for role in _rows(reader, "roles", Role, workspace)},
            cohorts={key: sorted(rows, key=lambda c: c.generation) for key, rows in cohorts.items()},
            shifts={shift.key: shift for shift in _rows(reader, "shifts", Shift, workspace)},
            sessions=_rows(reader, "sessions", Session, workspace),
        )

    def of_role(self, key: RoleKey) -> list[Session]:
        """The sessions of a role that hold a slot or still live."""
        return [s for s in self.sessions if s.role_key == key and not s.one_off and (s.current or s.alive)]


def is_up(session: Session, role: Role | None) -> bool:
    """Whether a session is ready, or done for good with success; not while it crashes again and again."""
    policy = role.spec.restart_policy if role is not None and not session.one_off else "never"
    return counts_as_ready(session, policy) and not is_crashing(session)


def of_roles(
    seen: Seen, keys: list[RoleKey], now: float, *, test: Test = is_up, word: str = "ready", declared: bool
) -> Progress:
    """Some roles together. `declared`: as their manifest says, not as an abort left them."""
    found = [of_role(seen, key, now, test=test, word=word, declared=declared) for key in keys]
    failed = next((one.failed for one in found if one.failed), "")
    notes = [one.note for one in found if one.note]
    done, total = sum(one.done for one in found), sum(one.total for one in found)
    return Progress(done, total, "; ".join([f"{done} of {total} {word}", *notes[:3]]), failed)


def of_role(seen: Seen, key: RoleKey, now: float, *, test: Test, word: str, declared: bool) -> Progress:
    """One role. A role that is not there any more was deleted."""
    role = seen.roles.get(key)
    if role is None:
        what = (
            f"role {key}"
            if TeamKey(key.workspace, key.team) in seen.teams
            else f"team {key.workspace}/{key.team}"
        )
        return Progress(0, 1, failed=f"{what} was deleted")
    cohorts, shift, sessions = seen.cohorts.get(key, []), seen.shifts.get(key), seen.of_role(key)
    current = current_of(cohorts, shift)
    if shift is not None and shift.stuck:
        return Progress(0, 1, failed=f"the shift of {role.name} is stuck: marvel why {key}")
    kept_back = current is None or current.template != role.template
    if declared and shift is None and kept_back and was_aborted(role, cohorts):
        why = f"the shift of {role.name} was aborted: marvel shift history {key.workspace}/{key.team}"
        return Progress(0, 1, failed=why)
    target = shift.target if shift is not None and shift.target else current.generation if current else 0
    ours = [s for s in sessions if s.generation == target]
    met = min(role.replicas, sum(1 for s in ours if test(s, role)))
    is_to_begin = wants_shift(role, cohorts, shift)  # what ended is replaced by the shift
    lost = next((s for s in ours if not test(s, role) and is_final(s, role, now)), None)
    if lost is not None and not is_to_begin and not (shift is not None and shift.aborted_at is not None):
        return Progress(met, role.replicas, failed=ended_words(lost))
    if shift is not None or current is None or is_to_begin:
        phase = f"shift of {role.name} {shift.shown_phase}" if shift is not None else ""
        return Progress(min(met, max(role.replicas - 1, 0)), max(role.replicas, 1), phase)
    if not role.replicas and any(s.alive for s in sessions):
        left = sum(1 for s in sessions if s.alive)
        return Progress(0, 1, f"{left} of {role.name} still stopping")
    return Progress(met, role.replicas, _waits_for(ours, role, test))


def _waits_for(sessions: list[Session], role: Role, test: Test) -> str:
    """Which session is waited for, in words: the one that ended most often."""
    unmet = [s for s in sessions if not test(s, role)]
    return state_words(max(unmet, key=lambda s: s.streak)) if unmet else ""


def state_words(session: Session) -> str:
    """What a session that is waited for does instead."""
    ends = session.streak + (not session.alive)
    if ends >= 2:
        return f"{session.name} ended {ends} times without a good run{_how(session)}"
    if session.state == "running" and session.activity == "waiting":
        return f"{session.name} waits for a person"
    return f"{session.name} is {session.state}" + (f", {session.reason}" if session.reason else "")


def is_final(session: Session, role: Role | None, now: float) -> bool:
    """Whether a session has ended, and nothing comes in its place unless somebody acts."""
    if session.alive:
        return False
    if role is None or session.one_off or session.reason == REFUSED:
        return True
    return judge(session, role, now).act in ("leave", "give-up")


def ended_words(session: Session) -> str:
    """How a session ended for good."""
    why = session.detail or session.reason
    policy = "" if why or session.one_off else ": its restart_policy lets it be"
    return f"{session.name} is {session.state}{_how(session)}" + (f": {why}" if why else policy)


def _how(session: Session) -> str:
    if session.signal:
        return f" (SIG{session.signal})"
    return f" (exit {session.exit_status})" if session.exit_status is not None else ""


def _rows(reader: Reader, table: str, kind: type[R], workspace: str | None) -> list[R]:
    rows: list[dict[str, Any]] = reader.rows(table, workspace)
    return [msgspec.convert(row, kind) for row in rows]
