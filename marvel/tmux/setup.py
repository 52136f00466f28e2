"""Getting a tmux server ready: the session, its options, its keeper window, who it is, its environment.

The **keeper** is a window with a process that does nothing for 68 years. Without it the session would
end with its last agent, and with the session the control client that is attached to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from marvel.tmux import scripts
from marvel.tmux.control import printed
from marvel.tmux.listing import FIRST_PID
from marvel.tmux.pipeline import Reply
from marvel.tmux.quote import command, either, sequence

_KEEPER = "_keeper"  # the name of its window; no uid begins with an underscore
_KEEPER_ARGV = ("sleep", "2147483647")  # `infinity` is GNU only
_WIDTH, _HEIGHT = 200, 50

# Set in agent sessions from the environment of whoever attaches, and then handed to every agent
# started after; `update-environment ''` below and `new-session -E` keep that from happening.
_OPTIONS: tuple[tuple[str, ...], ...] = (
    ("-s", "exit-empty", "off"),
    ("-g", "destroy-unattached", "off"),
    ("-g", "detach-on-destroy", "on"),
    ("-g", "update-environment", ""),
    ("-g", "default-size", f"{_WIDTH}x{_HEIGHT}"),
    ("-wg", "remain-on-exit", "on"),
    ("-wg", "automatic-rename", "off"),
    ("-wg", "allow-rename", "off"),
    ("-g", "set-titles", "off"),
    ("-s", "set-clipboard", "off"),
    ("-s", "message-limit", "0"),  # its log of commands would show tokens and values of variables
    ("-wg", "allow-passthrough", "off"),
)


# The size of the control client, which a new window gets with 3.2a. In all versions it counts while no one
# else is attached, and beside read-only visitors, whose size does not. Given again, it makes tmux resize all
# windows now: by itself it leaves a window as its last visitor had it until the next one looks at it.
OWN_SIZE = command("refresh-client", "-C", f"{_WIDTH}x{_HEIGHT}")


def keeper(workspace: str) -> str:
    """The keeper window, as a target."""
    return f"={workspace}:={_KEEPER}"


def attach(workspace: str, *, create: bool) -> list[str]:
    """Arguments that attach a control client; with `create`, to a session made if there is none."""
    flags = ["-f", "no-output"]
    if not create:
        return ["attach-session", "-E", "-t", f"={workspace}", *flags]
    size = ["-x", str(_WIDTH), "-y", str(_HEIGHT)]
    return ["new-session", "-A", "-E", "-s", workspace, "-n", _KEEPER, *size, *flags, "--", *_KEEPER_ARGV]


def options(workspace: str, history_limit: int) -> bytes:
    """Each on its own line, so that one unknown to an old version leaves the others alone."""
    lines = [command("set-option", *option) for option in _OPTIONS]
    lines.append(command("set-option", "-g", "history-limit", str(history_limit)))
    return b"\n".join([*lines, OWN_SIZE, keep(workspace)])


def keep(workspace: str) -> bytes:
    """Make the keeper unless it is there, and mark it."""
    window = keeper(workspace)
    make = command("new-window", "-d", "-S", "-t", f"={workspace}:", "-n", _KEEPER, "--", *_KEEPER_ARGV)
    stamp = command("set-option", "-p", "-t", window, "@marvel_keeper", "1")
    return sequence([make, either(window, "#{==:#{window_panes},1}", [stamp], [])])


_IDENTITY = re.compile(rb"marvel-server ([0-9]{1,7})/([0-9]{1,15}) (@[0-9]{1,10})?")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    name: str
    keeper: str  # id of its window
    raw_paste: bool = False  # it can paste a text as it is: see `scripts.paste`


def identify(workspace: str) -> bytes:
    """Ask which server this is, and what it can do. An old one may refuse the second question."""
    who = "marvel-server #{pid}/#{start_time} #{window_id}"
    return b"\n".join(
        [
            command("display-message", "-p", "-t", keeper(workspace), who),
            scripts.ASK_PASTE,
        ]
    )


def read_identity(reply: Reply) -> Identity | None:
    lines = printed(reply)
    for line in lines:
        found = _IDENTITY.fullmatch(line)
        if found and int(found[1]) >= FIRST_PID:
            pid, start, window = (part.decode() if part else "" for part in found.groups())
            return Identity(
                pid=int(pid), name=f"{pid}/{start}", keeper=window, raw_paste=scripts.pastes_raw(lines)
            )
    return None


_OTHERS = "#{S:#{W:#{P:#{?@marvel_keeper,,x}}}}"  # a letter for each pane but the keepers
BUSY = b"marvel-busy"
END_IF_EMPTY = command("if-shell", "-F", _OTHERS, f"display-message -p {BUSY.decode()}", "kill-server")

SHOW_ENVIRONMENT = command("show-environment", "-g")


def refresh_environment(shown: Iterable[bytes], wanted: Mapping[str, str]) -> bytes | None:
    """Make the server's environment what it would be, had it been started with `wanted`.

    tmux prints values raw, so a second line of a value may look like a variable of its own. That only
    removes a name that is not there.
    """
    named = [line.split(b"=", 1)[0] for line in shown if b"=" in line]
    present = {name.decode("utf-8", "surrogateescape") for name in named if b"\0" not in name}
    lines = [command("set-environment", "-gu", "--", name) for name in sorted(present - wanted.keys())]
    lines += [command("set-environment", "-g", "--", name, value) for name, value in wanted.items()]
    return b"\n".join(lines) or None
