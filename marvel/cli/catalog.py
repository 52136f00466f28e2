"""All commands by name: what the help says of them, and where they are. Light: completion reads it too."""

SEE, CHANGE, SESSIONS, DAEMON, LOG = "See", "Change", "One session", "The daemon", "The event log"
SECTIONS = (SEE, CHANGE, SESSIONS, DAEMON, LOG)

_READING, _CHANGING, _DAEMON = "marvel.cli.reading", "marvel.cli.changing", "marvel.cli.daemon"
_PANES = "marvel.cli.talking"


class Entry:
    """One command. A plain class: completion must not pay for dataclasses."""

    __slots__ = ("help", "section", "where")

    def __init__(self, section: str, where: str, help: str) -> None:  # noqa: A002  # what Typer calls it
        self.section = section  # of the help; empty: not shown
        self.where = where  # module:name of a function, or of a Typer with commands of its own
        self.help = help  # one line


COMMANDS = {
    "get": Entry(SEE, f"{_READING}:get", "List sessions, teams, workspaces, endpoints or shifts."),
    "describe": Entry(SEE, f"{_READING}:describe", "Tell all about one resource."),
    "top": Entry(SEE, "marvel.top.command:top", "The whole fleet on one screen, live, and the hand on it."),
    "why": Entry(SEE, f"{_READING}:why", "Why something is as it is, and what it waits for."),
    "export": Entry(SEE, f"{_READING}:export", "Write a workspace or team back as a manifest."),
    "schema": Entry(SEE, f"{_READING}:schema", "Print the JSON Schema of manifests."),
    "diff": Entry(SEE, f"{_CHANGING}:diff", "What working a manifest would change."),
    "wait": Entry(SEE, f"{_CHANGING}:wait", "Wait until something is as wanted."),
    "work": Entry(CHANGE, f"{_CHANGING}:work", "Make the world what manifests declare."),
    "apply": Entry("", f"{_CHANGING}:work", "The same as work."),
    "up": Entry(CHANGE, f"{_CHANGING}:up", "A daemon, a manifest, ready sessions: all at once."),
    "scale": Entry(CHANGE, f"{_CHANGING}:scale", "Set how many sessions a role shall have."),
    "shift": Entry(CHANGE, f"{_CHANGING}:shift", "Replace a team's sessions by fresh ones, bit by bit."),
    "restart": Entry(CHANGE, f"{_CHANGING}:restart", "Replace a session, or a team's one at a time."),
    "delete": Entry(CHANGE, f"{_CHANGING}:delete", "Delete a resource and all that is in it."),
    "run": Entry(SESSIONS, f"{_CHANGING}:run", "Start a one-off session."),
    "heartbeat": Entry(SESSIONS, f"{_READING}:heartbeat", "Tell marvel that this agent lives."),
    "kill": Entry(SESSIONS, f"{_CHANGING}:kill", "End a session; its slot is filled again."),
    "attach": Entry(SESSIONS, f"{_PANES}:attach", "Be at an agent's pane."),
    "capture": Entry(SESSIONS, f"{_PANES}:capture", "What an agent's screen shows."),
    "inject": Entry(SESSIONS, f"{_PANES}:inject", "Type to an agent, or to a team."),
    "logs": Entry(SESSIONS, f"{_PANES}:logs", "What a session printed."),
    "mcp": Entry(SESSIONS, f"{_PANES}:mcp", "Serve an agent that runs a team (MCP)."),
    "daemon": Entry(DAEMON, f"{_DAEMON}:app", "Run the daemon; its status and its log."),
    "doctor": Entry(DAEMON, f"{_READING}:doctor", "Check this machine, the state directory, the teams."),
    "completion": Entry(DAEMON, f"{_READING}:completion", "Print a shell's completion script."),
    "stop": Entry(DAEMON, f"{_CHANGING}:stop", "Stop all sessions, then the daemon."),
    "events": Entry(LOG, f"{_READING}:events", "What happened, newest last."),
    "report": Entry(LOG, f"{_READING}:report", "What each agent did, one row each."),
    "replay": Entry(LOG, f"{_READING}:replay", "Play the event log into the live table."),
    "verify": Entry(LOG, f"{_READING}:verify", "Check the hash chain of the event log."),
    "rebuild": Entry(LOG, f"{_READING}:rebuild", "Derive the tables anew from the event log."),
    "backup": Entry(LOG, f"{_CHANGING}:backup", "Copy the event log to a file."),
    "archive": Entry(LOG, f"{_CHANGING}:archive", "Move old events to a file beside the event log."),
    "restore": Entry(LOG, f"{_CHANGING}:restore", "Put a backup in the place of the event log."),
    "version": Entry(LOG, f"{_READING}:version", "Print the version."),
    "simulator": Entry(SESSIONS, f"{_READING}:simulator", "A fake agent, for trying things out."),
}

# What an agent session may run whatever its capabilities: it changes nothing and copies nothing of a secret.
# All others ask the gate (marvel/cli/door.py), or are an order, which is asked for.
READS = frozenset({
    "get", "describe", "top", "why", "export", "schema", "diff", "wait", "heartbeat", "capture", "logs",
    "mcp",
    "daemon status", "daemon logs", "doctor", "completion", "events", "report", "replay", "verify", "version",
    "simulator",
})  # fmt: skip
