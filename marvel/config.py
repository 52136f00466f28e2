"""What a person prefers: `$XDG_CONFIG_HOME/marvel/config.toml`, else `~/.config/marvel/config.toml`.

    output = "wide"                     # what get prints without -o
    colours = "auto"                    # auto | always | never
    tmux_conf = "~/.tmux.conf"          # sourced by our tmux servers
    history_limit = 5000                # lines of scrollback for each pane
    on_attention = ["notify", "--urgent"]   # run by the daemon, the event as JSON on stdin

    [bubblewrap]                        # for roles with contain = "bubblewrap"
    read = ["~/.gitconfig"]             # there too, read-only
    write = ["~/.cache/pip"]            # there too, to be written
    network = true

No file means the defaults. Imported where it is needed, and reading costs nothing where no file is.
"""

from __future__ import annotations

import os
from stat import S_IMODE, S_IWGRP, S_IWOTH

from marvel.errors import MarvelError
from marvel.settings import regular

TYPE_CHECKING = False  # typing is not worth 3 ms of every start
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OUTPUTS = ("table", "wide", "json", "name", "jsonl")
COLOURS = ("auto", "always", "never")
HISTORY_LIMIT, MOST_HISTORY = 500, 1_000_000  # lines
MAX_BYTES = 64 * 1024


class Config:
    """The preferences, checked."""

    def __init__(self) -> None:
        self.output = "table"
        self.colours = "auto"
        self.tmux_conf = ""  # absolute
        self.history_limit = HISTORY_LIMIT
        self.on_attention: tuple[str, ...] = ()
        self.bubblewrap: dict[str, Any] = {}  # read, write, network
        self.disobeyed = ""  # why the file, or one that it names, is not obeyed


def config_path(environ: Mapping[str, str] = os.environ) -> str:
    """Where the file is, whether it exists or not."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "marvel", "config.toml")


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the preferences. Raises MarvelError that names the file and what is wrong in it.

    A file of another user, or one that others may write, names programs that would run as this user: it is
    not obeyed, and `disobeyed` says why.
    """
    path = config_path(environ)
    config = Config()
    try:
        with open(path, "rb", opener=regular) as file:
            config.disobeyed = _of_others(path, os.fstat(file.fileno()))
            content = b"" if config.disobeyed else file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return config
    except OSError as error:
        raise MarvelError(f"{path} can't be read: {error.strerror}") from error
    for name, value in _parsed(path, content).items():
        if name not in CHECKS:
            raise MarvelError(f"{path}: unknown field {name!r}", hint=f"there are {', '.join(CHECKS)}")
        try:
            setattr(config, name, CHECKS[name](value))
        except ValueError as error:
            raise MarvelError(f"{path}: {name}: {error}") from error
    if config.tmux_conf and (why := others_file(config.tmux_conf)):
        config.tmux_conf, config.disobeyed = "", why
    return config


def others_file(path: str) -> str:
    """Why a file must not be obeyed: it is another user's, or open to others. Empty when it may be."""
    try:
        return _of_others(path, os.stat(path))
    except OSError:
        return ""  # whoever reads it says what is wrong


def _of_others(path: str, found: os.stat_result) -> str:
    if found.st_uid not in (0, os.geteuid()):
        return f"{path} is not obeyed: it belongs to uid {found.st_uid}, not to you"
    if found.st_mode & S_IWOTH or (found.st_mode & S_IWGRP and not _is_own_group(found.st_gid)):
        mode = S_IMODE(found.st_mode)
        return f"{path} is not obeyed: others may write it (mode {mode:04o}); chmod go-w {path}"
    return ""


def _is_own_group(gid: int) -> bool:
    """Whether a group has nobody in it but this user, as the group of each user's own has on many systems."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return (
        group.gr_gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
    )


def _parsed(path: str, content: bytes) -> dict[str, Any]:
    import tomllib

    if len(content) > MAX_BYTES:
        raise MarvelError(f"{path}: more than {MAX_BYTES} bytes")
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and TOMLDecodeError are ValueErrors
        raise MarvelError(f"{path} is not TOML: {error}") from error


def _output(value: object) -> str:
    return _one_of(value, OUTPUTS)


def _colours(value: object) -> str:
    return _one_of(value, COLOURS)


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be one of {', '.join(known)}, is {value!r}")
    return value


def _tmux_conf(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("must be the path of a file")
    path = os.path.expanduser(value)
    if not os.path.isabs(path):
        raise ValueError(f"must be an absolute path, or begin with ~, is {value!r}")
    return path


def _history_limit(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_HISTORY:
        raise ValueError(f"must be a number of lines from 0 to {MOST_HISTORY}, is {value!r}")
    return value


def _on_attention(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else []
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words) or not words[0]:
        raise ValueError('must be a command and its arguments, such as ["notify-send", "marvel"]')
    return tuple(words)


def _bubblewrap(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= {"read", "write", "network"}:
        raise ValueError("must be a table of read, write and network")
    network = value.get("network", True)
    if not isinstance(network, bool):
        raise ValueError(f"network must be true or false, is {network!r}")
    places = {name: _places(value[name]) for name in ("read", "write") if name in value}
    return {**places, "network": network}


def _places(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [None]
    if not all(isinstance(word, str) and "\0" not in word and _is_place(word) for word in words):
        raise ValueError(f"must be a list of absolute paths or of paths that begin with ~/, is {value!r}")
    return tuple(words)


def _is_place(word: str) -> bool:
    return os.path.isabs(word) or word.startswith("~/")


CHECKS = {
    "output": _output,
    "colours": _colours,
    "tmux_conf": _tmux_conf,
    "history_limit": _history_limit,
    "on_attention": _on_attention,
    "bubblewrap": _bubblewrap,
}
