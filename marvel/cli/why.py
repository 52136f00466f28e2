"""`marvel why`: the reasons, and the chain of causes that led there, from the log alone."""

import json
import time
from itertools import islice
from typing import Any, NamedTuple

from marvel import keys, settings
from marvel.cli import archived, objects, reasons, servers
from marvel.cli.dialogs import described, dialog_of
from marvel.cli.generations import Reason, Why
from marvel.cli.get import find, show
from marvel.cli.history import public
from marvel.cli.last_screen import last_lines
from marvel.cli.paging import stream_of_key, warns
from marvel.cli.reasons import Known
from marvel.cli.summaries import line
from marvel.cli.times import age, local, until
from marvel.errors import NotFound, UsageError
from marvel.resources import RoleKey, Session, TeamKey
from marvel.store.condition import OUT_OF_DATE, remarks
from marvel.store.query import STREAMS_OF_TEAM, Reader, daemon_note, streams_of
from marvel.store.rows import load_world, world_at
from marvel.text import printable
from marvel.world import World

Row = dict[str, Any]

OUTPUTS = ("text", "json")
CRASHED = ("failed", "crashloop-backoff")  # states of a session whose last screen has the reason, perhaps
MAX_HOPS = 20_000  # of a chain of causes: 5,000 restarts of one slot
SHOWN_NEWEST = 6  # events of a chain, besides its beginning
SHOWN_OLDEST = 3
STATES = (  # kinds that say why a session is where it is
    *("scheduled", "cleared", "start-delayed", "started", "start-failed", "stopping", "ended"),
    *("backed-off", "gave-up", "released", "restart-requested"),
)
STATE_KINDS = ", ".join(f"'session.{name}'" for name in STATES)
WISHES = "(kind GLOB 'role.*' OR kind GLOB 'shift.*' OR kind GLOB 'team.*')"
LINKS = ("workspace.", "team.", "role.", "cohort.", "shift.", "endpoint.", "daemon.", "tmux.")
SESSION_LINKS = (
    *(f"session.{name}" for name in STATES),
    *("session.triggered", "session.retiring", "session.dismissed", "session.forgotten"),
    *("health.changed", "session.kept"),
)


class Answer(NamedTuple):
    """All that is to be told of one resource."""

    kind: str  # session, role, team
    key: str
    state: str
    since: float | None
    why: Why
    chain: list[Row]  # of causes, oldest first
    left_out: int = 0  # events of the chain that are not in it
    archived: str = ""  # the file with what led to its beginning
    uid: str | None = None
    last_line: str = ""  # on the screen of what crashed
    roles: tuple["Answer", ...] = ()


def why(key: str, output: str) -> int:
    """Print why a session, team or role is as it is. Raises MarvelError."""
    output = output.removeprefix("=")
    if output not in OUTPUTS:
        raise UsageError(f"there is no output {output!r}", hint=f"-o {' | '.join(OUTPUTS)}")
    paths, now = settings.paths(), time.time()
    if output == "json":
        answer, has_daemon = _asked(paths, key, now)
        told = objects.published({**told_of(answer), "daemon_running": has_daemon})
        show(json.dumps(told, indent=2) + "\n")
    else:
        show(words(paths, key, now))
    return 0


def words(paths: settings.Paths, key: str, now: float) -> str:
    """The same as text for people. Raises MarvelError."""
    return _page(_asked(paths, key, now)[0], now)


def _asked(paths: settings.Paths, key: str, now: float) -> tuple[Answer, bool]:
    """The answer, and whether a daemon runs."""
    note = daemon_note(paths)
    has_daemon = note is not None
    with Reader(paths) as reader:
        answer = _answer(reader, key, now)
        row = next((row for row in reader.rows("sessions") if row["uid"] == answer.uid), None)
        silent = [f"{line}; {OUT_OF_DATE}" for line in servers.unreachable(reader)]
    if row is not None and (dialog := dialog_of(row)):
        answer.why.waits_for.insert(
            0, Reason(f"you: it shows {described(dialog)}", hint=f"marvel attach {answer.key}")
        )
    if row is not None and (row["state"] in CRASHED or row.get("streak")):
        answer = answer._replace(last_line="".join(last_lines(paths, row, 1)))
    if note is None:
        answer.why.not_done.insert(0, reasons.without_daemon())
    else:
        answer.why.not_done[:0] = [Reason(remark) for remark in (*remarks(note), *silent)]
    return answer, has_daemon


def _answer(reader: Reader, key: str, now: float) -> Answer:
    role = reasons.role_key(key)
    rows = reader.rows("teams")
    if role is not None and not key.startswith(("session/", "team/")):
        return _of_role(reader, load_world(reader, role.workspace), role)
    if key.startswith("shift/"):
        key = f"team/{key.removeprefix('shift/')}"
    sessions = reader.sessions()
    try:
        what, name = find(key, sessions, [(row["workspace"], row["name"]) for row in rows])
    except NotFound:
        return _of_the_past(reader, key, now)
    if what == "team":
        team = TeamKey(*keys.team_key(name))
        return _of_team(reader, load_world(reader, team.workspace), team)
    workspace = next(row["workspace"] for row in sessions if row["uid"] == name)
    world = load_world(reader, workspace)
    return _of_session(reader, world, world.sessions[name], now)


def _of_the_past(reader: Reader, key: str, now: float) -> Answer:
    """A session that has left the tables: its last event tells which moment to look at."""
    try:
        stream = stream_of_key(reader, key)
    except NotFound:
        raise archived.unknown(reader, keys.no_such("session or team", key)) from None
    position = next(reader.events("stream = ? AND kind <> 'session.forgotten'", stream))["position"]
    uid = next(reader.events("position = ?", position))["uid"]
    world = world_at(reader, position)
    if uid not in world.sessions:  # its last event was about it, and changed nothing any more
        raise keys.no_such("session or team", key)
    return _of_session(reader, world, world.sessions[uid], now)


def _of_session(reader: Reader, world: World, session: Session, now: float) -> Answer:
    state = _state_event(reader, session)
    chain, left_out = _chain(reader, state)
    return Answer(
        archived=_archived(reader, chain),
        kind="session",
        key=session.key,
        state=session.state,
        since=state["time"] if state else session.ended_at or session.started_at or session.created_at,
        why=reasons.of_session(world, session, now, _known(reader, session)),
        chain=chain,
        left_out=left_out,
        uid=session.uid,
    )


def _state_event(reader: Reader, session: Session) -> Row | None:
    """Return the event that brought a session to its state, however long it has been in it."""
    where = f"stream = ? AND uid = ? AND kind IN ({STATE_KINDS})"
    if session.state == "running" and session.started:
        where += f" AND position <= {session.started:d}"
    return next(reader.events(where, *_place(session)), None)


def _place(session: Session) -> tuple[str, str]:
    return f"session/{session.workspace}/{session.name}", session.uid


def _known(reader: Reader, session: Session) -> Known:
    if session.alive:
        return Known()
    where = "stream = ? AND kind = 'session.ended'"
    ends = reader.events(where, f"session/{session.workspace}/{session.name}")
    times = [event["time"] for event in islice(ends, session.streak + 1)]
    stream = f"role/{session.workspace}/{session.team}/{session.role}"
    where = "stream = ? AND generation = ? AND kind = 'shift.aborted'"
    aborted = next(reader.events(where, stream, session.generation), None)
    told = aborted["payload"] if aborted else {}
    return Known(times[-1] if times else None, told.get("detail") or told.get("reason", ""))


def _of_role(reader: Reader, world: World, key: RoleKey) -> Answer:
    role = world.roles.get(key)
    if role is None:
        raise NotFound(f"no such role: {key}", hint=f"marvel get teams {key.workspace}/{key.team}")
    stream = f"role/{key.workspace}/{key.team}/{key.role}"
    newest = next(reader.events(f"stream = ? AND {WISHES}", stream), None)
    shift = world.shifts.get(key)
    chain, left_out = _chain(reader, newest)
    return Answer(
        archived=_archived(reader, chain),
        kind="role",
        key=str(key),
        state=shift.shown_phase if shift is not None and shift.started_at is not None else "",
        since=newest["time"] if newest else None,
        why=reasons.of_role(world, role),
        chain=chain,
        left_out=left_out,
        uid=role.uid,
    )


def _of_team(reader: Reader, world: World, key: TeamKey) -> Answer:
    roles = tuple(_of_role(reader, world, role.key) for role in world.roles_of(key))
    wanted = sum(role.replicas for role in world.roles_of(key))
    sessions = [s for role in world.roles_of(key) for s in world.sessions_of(role.key)]
    ready = sum(1 for s in sessions if s.state == "running" and s.ready and not s.one_off)
    newest = next(reader.events(f"({STREAMS_OF_TEAM}) AND {WISHES}", *streams_of(*key)), None)
    chain, left_out = _chain(reader, newest)
    return Answer(
        archived=_archived(reader, chain),
        kind="team",
        key=str(key),
        state="",
        since=newest["time"] if newest else None,
        why=Why(f"{ready} of {wanted} sessions are ready", [], []),
        chain=chain,
        left_out=left_out,
        uid=world.teams[key].uid,
        roles=roles,
    )


# --- causes --------------------------------------------------------------------------------------


def _chain(reader: Reader, event: Row | None) -> tuple[list[Row], int]:
    """What led to an event, oldest first, up to the command; a long middle is left out, and counted.

    Beats and other small talk in between are passed over: a crash is caused by no heartbeat.
    """
    links: list[Row] = []
    for _ in range(MAX_HOPS):
        if event is None:
            break
        if _is_link(event) or not links:
            links.append(event)
        event = _before(reader, event)
    links.reverse()
    excess = len(links) - SHOWN_OLDEST - SHOWN_NEWEST
    if excess <= 1:
        return links, 0
    return links[:SHOWN_OLDEST] + links[-SHOWN_NEWEST:], excess


def _before(reader: Reader, event: Row) -> Row | None:
    """What an event followed from. Small talk of a session says nothing of how it came to where it is."""
    if event["uid"] and not _is_link(event):
        where = f"stream = ? AND uid = ? AND position < ? AND kind IN ({STATE_KINDS})"
        stream = f"session/{event['workspace']}/{event['session']}"
        return next(reader.events(where, stream, event["uid"], event["position"]), None)
    cause = event["cause"]
    return next(reader.events("position = ?", cause), None) if cause else None


def _archived(reader: Reader, chain: list[Row]) -> str:
    """The file that holds the cause of a chain's first event; empty when the log does, or there is none."""
    if not chain:
        base = reader.base()
        return base[2] if base else ""
    cause = chain[0]["cause"]
    if not cause:
        return ""
    return next((file for first, last, file in reader.archives() if first <= cause <= last), "")


def _is_link(event: Row) -> bool:
    if event["kind"] == "shift.progressed" or event["payload"].get("health") == "healthy":
        return False
    return event["kind"] in SESSION_LINKS or event["kind"].startswith(LINKS)


# --- telling -------------------------------------------------------------------------------------


def told_of(answer: Answer) -> Row:
    """As programs get it."""
    told: Row = {
        "key": answer.key,
        "uid": answer.uid,
        "kind": answer.kind,
        "state": answer.state or None,
        "since": answer.since,
        "because": answer.why.because,
        "waits_for": [reason_of(one) for one in answer.why.waits_for],
        "not_done": [reason_of(one) for one in answer.why.not_done],
        "actor": _actor(answer.chain),
        "chain": [public(event) for event in answer.chain],
        "left_out": answer.left_out,
        "archived": answer.archived or None,
        "last_line": answer.last_line or None,
    }
    if answer.kind == "team":
        told["roles"] = [told_of(role) for role in answer.roles]
    return told


def _actor(chain: list[Row]) -> str | None:
    """Who wished it: the last in the chain who is no controller and no daemon."""
    actors = [event["actor"] for event in chain]
    return next((one for one in reversed(actors) if one.startswith(("user:", "session:"))), None)


def reason_of(reason: Reason) -> Row:
    return {"text": reason.text, "until_at": reason.until, "hint": reason.hint or None}


def _page(answer: Answer, now: float) -> str:
    """As people get it."""
    state = f" is {answer.state}" if answer.state else ""
    since = f" for {age(now - answer.since)}" if answer.state and answer.since is not None else ""
    out = [f"{answer.key}{state}{since}: {printable(answer.why.because)}\n"]
    if answer.last_line:
        out.append(f"The last line on its screen when it crashed:\n  {printable(answer.last_line)}\n")
    out.append(_section("Waits for", answer.why.waits_for, now))
    out.append(_section("Deliberately not done", answer.why.not_done, now))
    out += [f"\n{_page(role, now)}" for role in answer.roles]
    if not answer.roles:
        out.append(_causes(answer))
    return "".join(out)


def _section(title: str, found: list[Reason], now: float) -> str:
    if not found:
        return ""
    lines = []
    for reason in found:
        text = reason.text if reason.until is None else f"{reason.text}, {until(reason.until, now)}"
        lines.append(f"  {printable(text)}" + (f"  ({printable(reason.hint)})" if reason.hint else ""))
    return f"{title}:\n" + "".join(f"{line}\n" for line in lines)


def _causes(answer: Answer) -> str:
    """The chain of causes, newest last, each with who it was."""
    if not answer.chain:
        return f"What led to it is in {answer.archived}.\n" if answer.archived else ""
    lines = [
        f"{printable(line(event, warning=warns(event)))}  by {printable(event['actor'])}"
        for event in answer.chain
    ]
    if answer.left_out:
        since = local(answer.chain[SHOWN_OLDEST - 1]["time"])
        lines.insert(SHOWN_OLDEST, f"  … {answer.left_out} more since {since}")
    if answer.archived:
        lines.insert(0, f"  … what led to that is in {answer.archived}")
    return "Led to it, newest last:\n" + "".join(f"{text}\n" for text in lines)
