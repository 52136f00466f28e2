"""What can be done to a line of the fleet: a command of marvel, and in words what it will do. Pure.

The command itself is what runs, so that the rules, the rights and the words are those of the command line.
"""

from typing import Any, NamedTuple

from marvel.cli.table import counted
from marvel.top.tree import Line

Row = dict[str, Any]
GAP = "{}"  # in an argv: what is asked for goes here


class Ask(NamedTuple):
    """What a person has to say first."""

    label: str
    value: str = ""
    number: bool = False


class Act(NamedTuple):
    """One thing to do."""

    name: str
    title: str
    says: str  # what it will do
    argv: tuple[str, ...]
    ask: Ask | None = None

    def command(self, value: str = "") -> list[str]:
        """The arguments of marvel."""
        return [value if word == GAP else word for word in self.argv]


def act_on(name: str, line: Line) -> Act | str:
    """What a verb does to a line; in words why it does nothing there."""
    session = line.session
    if line.kind in ("workspace", "waits"):
        return f"{name}: choose a team, a role or a session first"
    if session is not None and name in ON_SESSION:
        return ON_SESSION[name](f"session/{session['key']}", session)
    team, role = _place(line)
    if name not in ON_ROLE:
        return f"{name} is for a session: {line.key} is a {line.kind}"
    if name == "restart" and line.kind == "role":
        return "restart is for a session or a team; shift replaces a role's sessions"
    if session is not None and session["one_off"]:
        return f"{name} is for teams: {session['key']} is a one-off"
    if name == "scale" and role is None:
        return f"scale: choose one of {team}'s roles first"
    return ON_ROLE[name](team, role, line)


def _place(line: Line) -> tuple[str, str | None]:
    """The team that a line is of, and the role; None for all of them."""
    if line.session is not None:
        return f"{line.session['workspace']}/{line.session['team']}", line.session["role"]
    if line.kind == "role":
        team, _, role = line.key.rpartition("/")
        return team, role
    return line.key, None


# --- one session ---------------------------------------------------------------------------------


def _attach(key: str, session: Row) -> Act:
    says = (
        "Leaves this screen for the agent's own pane; C-b d comes back. Inside tmux it opens a window beside "
    )
    says += "this one. The agent goes on either way."
    return Act("attach", f"Attach to {session['key']}", says, ("attach", key))


def _inject(key: str, session: Row) -> Act:
    says = "Types the text into the agent's pane and presses Enter, as you would. Not while a person types "
    says += "there or the agent waits in a dialog."
    return Act(
        "inject", f"Type to {session['key']}", says, ("inject", key, "-e", "--", GAP), Ask("What to type")
    )


def _kill(key: str, session: Row) -> Act:
    says = f"Ends its process (pid {session['pid'] or 'none yet'}) and all that it started. "
    if session["one_off"]:
        says += "It is a one-off: nothing restarts it."
    else:
        says += "Its slot is filled again, as the restart policy says."
    return Act("kill", f"Kill {session['key']}", says, ("kill", key))


def _restart(key: str, session: Row) -> Act:
    says = (
        "Ends it as a stop does, with its grace, and starts a fresh one in its slot at once, without backoff."
    )
    return Act("restart", f"Restart {session['key']}", says, ("restart", key))


# --- roles and teams -----------------------------------------------------------------------------


def _inject_all(team: str, role: str | None, line: Line) -> Act:
    runs = sum(1 for s in line.inside if s["state"] == "running")
    says = f"Types the text to each of the {runs} running sessions, and presses Enter."
    argv = ("inject", f"team/{team}", "-e", *_role(role), "--", GAP)
    return Act("inject", f"Type to all of {_name(team, role)}", says, argv, Ask("What to type"))


def _restart_team(team: str, role: str | None, line: Line) -> Act:
    sessions = counted(len(line.inside), "session")
    says = f"Replaces the team's {sessions} one at a time, within the same generation."
    return Act("restart", f"Restart team {team}", says, ("restart", f"team/{team}"))


def _scale(team: str, role: str | None, line: Line) -> Act:
    now = "" if line.replicas is None else str(line.replicas)
    says = "Starts or ends sessions until the role has that many."
    says += f" It is to have {now} now." if now else ""
    argv = ("scale", team, *_role(role), "--replicas", GAP)
    return Act("scale", f"Scale {_name(team, role)}", says, argv, Ask("How many sessions", now, number=True))


def _shift(team: str, role: str | None, line: Line) -> Act:
    whose = f"the sessions of role {role}" if role else "all sessions of the team, role after role,"
    says = f"Replaces {whose} by fresh ones of a new generation, bit by bit: each old one leaves when a new "
    says += "one is ready."
    return Act("shift", f"Shift {_name(team, role)}", says, ("shift", team, *_role(role)))


def _pause(team: str, role: str | None, line: Line) -> Act:
    says = "Halts the shift where it is: old and new sessions stay until it is resumed or aborted."
    return Act(
        "pause", f"Pause the shift of {_name(team, role)}", says, ("shift", "pause", team, *_role(role))
    )


def _resume(team: str, role: str | None, line: Line) -> Act:
    says = "Lets the paused shift go on."
    return Act(
        "resume", f"Resume the shift of {_name(team, role)}", says, ("shift", "resume", team, *_role(role))
    )


def _abort(team: str, role: str | None, line: Line) -> Act:
    says = "Runs the shift back: new sessions end, and the old generation is brought to full strength."
    return Act(
        "abort", f"Abort the shift of {_name(team, role)}", says, ("shift", "abort", team, *_role(role))
    )


def _role(role: str | None) -> tuple[str, ...]:
    return ("--role", role) if role else ()


def _name(team: str, role: str | None) -> str:
    return f"{team}/{role}" if role else team


ON_SESSION = {"attach": _attach, "inject": _inject, "kill": _kill, "restart": _restart}
ON_ROLE = {
    "inject": _inject_all,
    "restart": _restart_team,
    "scale": _scale,
    "shift": _shift,
    "pause": _pause,
    "resume": _resume,
    "abort": _abort,
}
