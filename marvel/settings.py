"""Where marvel keeps things, and what the environment says about it. No I/O but what a name needs.

Imported by the fast lane: standard library only, and little of that.
"""

import os
import stat

from marvel.errors import MarvelError

MODE_PRIVATE_DIRECTORY = 0o700
MODE_PRIVATE_FILE = 0o600


class Paths:
    """The files of one state directory."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.database = os.path.join(home, "marvel.db")
        self.bell = os.path.join(home, "marvel.db.bell")
        self.lock = os.path.join(home, "daemon.lock")
        self.log = os.path.join(home, "daemon.log")
        self.socket = os.path.join(home, "marvel.sock")
        self.beats = os.path.join(home, "beats")
        self.head = os.path.join(home, "head")
        self.token_key = os.path.join(home, "token.key")
        self.tmux = os.path.join(home, "tmux")
        self.sessions = os.path.join(home, "sessions")

    def tmux_socket(self, workspace: str) -> str:
        """Socket of a workspace's own tmux server."""
        return os.path.join(self.tmux, f"{workspace}.sock")

    def session(self, uid: str) -> str:
        """Directory of one session: generated settings, pane log, kept tail."""
        return os.path.join(self.sessions, uid)

    def session_socket(self, uid: str) -> str:
        """The socket of a contained session, in its directory: it reaches no other."""
        return os.path.join(self.session(uid), "marvel.sock")

    def beat(self, uid: str) -> str:
        """The file a session touches to beat."""
        return os.path.join(self.beats, uid)

    def handoff(self, uid: str) -> str:
        """The file a session writes for its successor."""
        return os.path.join(self.session(uid), "handoff.md")

    def predecessor_handoff(self, uid: str) -> str:
        """The copy of its predecessor's, for a contained session."""
        return os.path.join(self.session(uid), "predecessor.md")

    def output(self, uid: str) -> str:
        """Everything a session of a role with `log_output` printed; the part before it has `.1` added."""
        return os.path.join(self.session(uid), "output.log")

    def typing_lock(self, uid: str) -> str:
        """Held by whoever types to a session, so that two texts never mix."""
        return os.path.join(self.session(uid), "typing.lock")

    def tail(self, uid: str) -> str:
        """The last lines of an ended session's screen."""
        return os.path.join(self.session(uid), "tail")


def regular(path: str, flags: int, mode: int = MODE_PRIVATE_FILE, *, dir_fd: int | None = None) -> int:
    """Open a regular file: an opener of files that an agent could have put something else in the place of.

    A FIFO would make us wait forever. Raises OSError.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=dir_fd)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        from errno import EINVAL

        raise OSError(EINVAL, "not a regular file", path)
    return descriptor


def own_file(path: str, flags: int, mode: int = MODE_PRIVATE_FILE, *, dir_fd: int | None = None) -> int:
    """Open a file of the state directory: a regular file, never through a link; one that is made has `mode`,
    whatever the umask. Raises OSError.

    The directory itself may be a link: where the state is kept is for the user to say.
    """
    descriptor = regular(path, flags | os.O_NOFOLLOW, mode, dir_fd=dir_fd)
    if flags & os.O_CREAT and stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)
    return descriptor


def session_file(path: str, flags: int, mode: int = MODE_PRIVATE_FILE) -> int:
    """The same for a file whose directory an agent could have put a link in the place of. Raises OSError."""
    directory, name = os.path.split(path)
    parent = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return own_file(name, flags, mode, dir_fd=parent)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(parent)


def private_directory(path: str) -> None:
    """Make a directory inside the state directory, private whatever the umask, unless it is there.

    Raises OSError, also when something else is there, such as a link.
    """
    os.makedirs(os.path.dirname(path), mode=MODE_PRIVATE_DIRECTORY, exist_ok=True)
    try:
        os.mkdir(path, MODE_PRIVATE_DIRECTORY)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            from errno import ENOTDIR

            raise NotADirectoryError(ENOTDIR, "is not a directory", path) from None
    else:
        os.chmod(path, MODE_PRIVATE_DIRECTORY)


def state_directory(environ: "os._Environ[str] | dict[str, str]" = os.environ) -> str:
    """`$MARVEL_HOME`, else `$XDG_STATE_HOME/marvel`, else `~/.local/state/marvel`; absolute."""
    home = environ.get("MARVEL_HOME")
    if home:
        return os.path.abspath(home)
    state = environ.get("XDG_STATE_HOME")
    if state and os.path.isabs(state):
        return os.path.join(state, "marvel")
    user = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(os.path.abspath(user), ".local", "state", "marvel")


def paths(environ: "os._Environ[str] | dict[str, str]" = os.environ) -> Paths:
    """The files of the state directory that the environment names."""
    return Paths(state_directory(environ))


def is_of(home: str, uid: str, socket_path: str, directory: str) -> bool:
    """Whether an environment's session is one of this state directory.

    Its socket decides: an agent that works on another marvel sets MARVEL_HOME and keeps the rest.
    """
    if not socket_path:
        return not directory or _same(directory, home)
    place = os.path.dirname(socket_path)
    return _same(place, home) or _same(place, os.path.join(home, "sessions", uid))


def _same(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def check_private(directory: str) -> bool:
    """Whether a state directory exists; refuses one that is not ours alone.

    Raises MarvelError when it is not a directory, belongs to someone else or is open to others.
    """
    try:
        found = os.stat(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MarvelError(f"state directory {directory}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise MarvelError(f"state directory {directory} is not a directory")
    if found.st_uid != os.geteuid():
        raise MarvelError(
            f"state directory {directory} belongs to uid {found.st_uid}, not to you",
            hint="set MARVEL_HOME to a directory of your own",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise MarvelError(
            f"state directory {directory} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod 700 {directory}",
        )
    return True


def secure_contents(paths: Paths) -> None:
    """Refuse a state directory in which somebody put a link, or what is another's, in our files' places;
    make the directories in it, private like itself.

    Raises MarvelError.
    """
    directories = (paths.beats, paths.tmux, paths.sessions)
    files = (paths.database, paths.bell, paths.lock, paths.log, paths.head, paths.token_key)
    for path in (*directories, *files):
        try:
            found = os.lstat(path)
        except OSError:
            continue  # made where it is needed, which says what is wrong
        if stat.S_ISLNK(found.st_mode):
            raise MarvelError(f"{path} is a symbolic link", hint="set MARVEL_HOME to where the files are")
        if found.st_uid != os.geteuid():
            raise MarvelError(f"{path} belongs to uid {found.st_uid}, not to you")
        what = "a directory" if path in directories else "a regular file"
        if stat.S_IFMT(found.st_mode) != (stat.S_IFDIR if path in directories else stat.S_IFREG):
            raise MarvelError(f"{path} is not {what}", hint="move it away: marvel makes it again")
    for path in directories:
        os.makedirs(path, mode=MODE_PRIVATE_DIRECTORY, exist_ok=True)
        os.chmod(path, MODE_PRIVATE_DIRECTORY)  # an earlier marvel left some open, inside what is closed


def make_private(directory: str) -> None:
    """Create a state directory (and what is in it for directories) that only we can enter."""
    if check_private(directory):
        return
    umask = os.umask(0o077)  # whoever could write to a directory above could put another in its place
    try:
        os.makedirs(directory)
    except FileExistsError:
        check_private(directory)
    except OSError as error:
        raise MarvelError(
            f"state directory {directory} can't be created: {error.strerror}",
            hint="set MARVEL_HOME to a directory that can be written",
        ) from error
    finally:
        os.umask(umask)
