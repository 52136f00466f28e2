"""Every tmux command line marvel sends, and how its reply is read. Pure.

Three rules hold throughout. A pane is addressed by its `%id` **and** its stamp, checked by tmux in
the same line as the effect: ids restart at %0 with each server. Session and window names are exact
(`=name`), since a bare name matches prefixes. And what belongs together is one line: tmux runs a
line without letting anything else happen in between.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from marvel.tmux.control import Block, blocks, printed
from marvel.tmux.listing import FIELDS, LOG_ID, UID, marked, read_panes
from marvel.tmux.pipeline import Reply
from marvel.tmux.quote import command, either, encode, plain, sequence
from marvel.tmux.records import Failed, Look, Pane, PaneSpec, Watcher
from marvel.tmux.writer import writer

_NEW = "-new"  # behind the mark, on the line of a pane that was made just now
_PLACE = "-place"  # the same, up to the end of the block, for the directory it was started in
_PANE = re.compile(r"%[0-9]{1,10}")
_VARIABLE = re.compile(r"[^=\0]+")

# One element would go to a shell; these exec their argument and do nothing else. They are named in
# full, because a pane may have any PATH. To `env`, a program called `a=b` would be a variable.
_ENV = (shutil.which("env") or "/usr/bin/env", "--")
_NICE = (shutil.which("nice") or "/usr/bin/nice", "-n", "0", "--")


def create(workspace: str, spec: PaneSpec, mark: str) -> bytes:
    """A new window, its stamps, and what it became: one line, so never a pane without stamps.

    `-S` makes it harmless to ask twice: a window of that name is kept, not doubled. Such a window
    was stamped when it was made. The condition keeps a pane that a user, or a hook just now, split off from
    being stamped in its place; then `-P` names the new one, which `stamp_again` stamps.
    """
    window = f"={workspace}:={spec.uid}"
    wrapper = () if len(spec.argv) > 1 else _NICE if "=" in spec.argv[0] else _ENV
    variables = [word for name, value in spec.env.items() for word in ("-e", f"{name}={value}")]
    place = ["-t", f"={workspace}:", "-n", spec.uid, "-c", plain(spec.cwd)]
    stamps = _stamps(window, spec.uid, spec.log_id)
    if spec.log:
        stamps.append(pipe(window, spec.log))  # last: without a log it runs all the same
    make = [
        "new-window",
        "-d",
        "-S",
        "-P",
        "-F",
        f"{mark}{_NEW} {FIELDS}\n{mark}{_PLACE} #{{pane_start_path}}",
    ]
    return sequence(
        [
            command(*make, *place, *variables, "--", *wrapper, *spec.argv),
            either(window, "#{==:#{window_panes},1}", stamps, []),
            command("list-panes", "-t", window, "-F", f"{mark} {FIELDS}"),
        ]
    )


def _stamps(target: str, uid: str, log_id: str) -> list[bytes]:
    return [
        command("set-option", "-p", "-t", target, "@marvel_uid", uid),
        command("set-option", "-p", "-t", target, "@marvel_log", log_id),
    ]


def stamp_again(pane: Pane, *, log: str = "", mark: str = "") -> bytes:
    """Stamp a pane whose process is still the same; with `log`, append what it prints to that file."""
    same = f"#{{&&:#{{==:#{{pane_id}},{pane.pane}}},#{{==:#{{pane_pid}},{pane.pid}}}}}"
    stamps = _stamps(pane.pane, pane.uid, pane.log_id)
    if log:
        stamps.append(pipe(pane.pane, log))
    show = command("display-message", "-p", "-t", pane.pane, f"{mark} {FIELDS}")
    return sequence([either(pane.pane, same, stamps, []), show])


def pipe(target: str, log: str) -> bytes:
    """Return the command that hands what a pane prints to `writer`; with no `log`, the one that ends it.

    tmux gives its text to strftime, to its formats and to a shell, in this order.
    """
    if not log:
        return command("pipe-pane", "-t", target)
    return command("pipe-pane", "-t", target, plain(writer(log)).replace("%", "%%"))


def problem(spec: PaneSpec) -> str | None:
    """Why no pane can be made from this."""
    if not UID.fullmatch(spec.uid):
        return f"not a uid: {spec.uid!r}"
    if not LOG_ID.fullmatch(spec.log_id):
        return f"not a log id: {spec.log_id!r}"
    if not spec.argv:
        return "there is no command"
    if any("\0" in word for word in (*spec.argv, spec.cwd, spec.log, *spec.env.values())):
        return "a NUL byte can't be passed to a process"
    if not all(_VARIABLE.fullmatch(name) for name in spec.env):
        return "not the name of an environment variable"
    if not spec.cwd.startswith("/"):
        return f"the working directory must be an absolute path: {spec.cwd!r}"
    return None


class Unstamped(NamedTuple):
    """A window was made, or was there, and no pane in it carries the stamp."""

    made: Pane | None  # the pane that was made just now
    there: tuple[Pane, ...]  # all in the window


def created(reply: Reply, spec: PaneSpec, mark: str) -> Pane | Unstamped | Failed:
    """Read the answer to `create` or `stamp_again`. A pane that was made counts, whatever failed after it."""
    lines = printed(reply)
    made = read_panes(marked(lines, mark + _NEW))
    there = read_panes(marked(lines, mark))
    if (place := _place(reply, mark)) and _skeleton(place) != _skeleton(spec.cwd):
        return Failed(reason="refused", message=f"tmux started it in {place}, not in {spec.cwd}")
    failed = next((block.text for block in blocks(reply) if not block.ok), "")
    for pane in there:
        if (pane.uid, pane.log_id) == (spec.uid, spec.log_id):
            return msgspec.structs.replace(pane, unlogged=failed if spec.log else "")
    if made or there:
        return Unstamped(made[0] if made else None, there)
    return Failed(reason="refused", message=failed or "tmux gave no answer")


def _place(reply: Reply, mark: str) -> str:
    """The directory in which tmux says that it started a pane; empty when it does not say (3.2a)."""
    start = f"{mark}{_PLACE} ".encode()
    for block in blocks(reply):
        found = [number for number, line in enumerate(block.lines) if line.startswith(start)]
        if found:
            return os.fsdecode(b"\n".join(block.lines[found[0] :])[len(start) :])
    return ""


_ESCAPES = re.compile(r"\\[0-7]{3}|\\[A-Za-z$]|[^A-Za-z0-9/._-]")


def _skeleton(path: str) -> str:
    """Return what every version prints alike of a path: 3.4 and 3.5 escape some characters, not all."""
    return _ESCAPES.sub("", path)


_WATCHER = "marvel-watcher #{client_control_mode} #{client_readonly} #{client_activity} #{pane_id}"
_WATCHED = re.compile(rb"marvel-watcher 0 ([01]) ([0-9]{1,15}) (%[0-9]{1,10})")


def list_watchers() -> bytes:
    return command("list-clients", "-F", _WATCHER)


def read_watchers(reply: Reply) -> tuple[Watcher, ...]:
    """Attached terminals; control clients are programs."""
    found = (_WATCHED.fullmatch(line) for line in printed(reply))
    return tuple(
        Watcher(pane=match[3].decode(), active_at=float(match[2]), read_only=match[1] == b"1")
        for match in found
        if match
    )


# --- one pane, guarded -----------------------------------------------------------------------------

_YES, _NO = "marvel-yes", "marvel-no"


def guarded(
    pane: str, uid: str, then: Sequence[bytes], *, alive: bool = False, otherwise: Sequence[bytes] = ()
) -> bytes:
    """Do `then` if `pane` carries the stamp `uid` (and, with `alive`, is not dead), all within tmux."""
    conditions = [f"#{{==:#{{pane_id}},{pane}}}", f"#{{==:#{{@marvel_uid}},{uid}}}"]
    if alive:
        conditions.append("#{!=:#{pane_dead},1}")
    test = conditions.pop()
    while conditions:
        test = f"#{{&&:{conditions.pop()},{test}}}"
    why = command("display-message", "-p", "-t", pane, f"{_NO} #{{pane_dead}} #{{pane_id}} #{{@marvel_uid}}")
    return either(pane, test, [command("display-message", "-p", _YES), *then], [why, *otherwise])


def addressable(pane: str, uid: str) -> bool:
    """Both parts of an address end up in formats and targets, so they must be nothing but what they are."""
    return bool(_PANE.fullmatch(pane) and UID.fullmatch(uid))


def outcome(reply: Reply, pane: str, uid: str, *, before: int = 0) -> list[Block] | Failed:
    """What the commands behind a guard answered, or why they were not run. The first of them may
    answer with foreign text. `before` commands came ahead of the guard.
    """
    found = blocks(reply, greedy=before + 2)[before:]
    if len(found) < 2 or not found[0].ok:
        return Failed(reason="refused", message=found[0].text if found else "tmux gave no answer")
    verdict = found[1].lines
    if verdict == (_YES.encode(),):
        failed = next((block for block in found[2:] if not block.ok), None)
        return Failed(reason="refused", message=failed.text) if failed else found[2:]
    if verdict == (encode(f"{_NO} 1 {pane} {uid}"),):
        return Failed(reason="refused", message=f"the process in pane {pane} has ended")
    return Failed(reason="gone", message=f"there is no pane {pane} of session {uid}")


def kill_pane(pane: str) -> list[bytes]:
    return [command("kill-pane", "-t", pane)]


def close_dead(pane: str) -> bytes:
    dead = f"#{{&&:#{{==:#{{pane_id}},{pane}}},#{{&&:#{{pane_dead}},#{{==:#{{@marvel_uid}},}}}}}}"
    return either(pane, dead, kill_pane(pane), [])


def capture(pane: str, *, start: int | None, end: int | None, join: bool, ansi: bool) -> list[bytes]:
    flags = ["-p"] + ["-J"] * join + ["-e"] * ansi
    flags += ["-S", str(start)] if start is not None else []
    flags += ["-E", str(end)] if end is not None else []
    return [command("capture-pane", *flags, "-t", pane)]


_LOOK = "#{bracket_paste_flag}|#{pane_tty}"  # a format that this tmux does not know is empty


def look(pane: str) -> list[bytes]:
    """The screen comes first: a reply's first block may hold foreign text."""
    return [
        *capture(pane, start=None, end=None, join=False, ansi=False),
        command("display-message", "-p", "-t", pane, _LOOK),
    ]


def looked(found: list[Block]) -> Look | Failed:
    """Read the reply to `look`."""
    if len(found) != 2:
        return Failed(reason="refused", message="tmux gave no answer")
    flag, _, tty = found[1].text.partition("|")
    return Look(screen=found[0].text, tty=tty, bracketed=flag == "1" if flag else None)


def send_keys(pane: str, keys: Sequence[str]) -> list[bytes]:
    """Copy mode would swallow them, so it is left first; `-q` is content with a pane in no mode."""
    return [command("copy-mode", "-q", "-t", pane), command("send-keys", "-t", pane, "--", *keys)]


def load_buffer(file: Path, buffer: str) -> bytes:
    """Its own line, before the guard: tmux reads files between events, and a pane must not be able
    to die between the guard and the paste. **Pasting into a dead pane crashes tmux up to 3.3a.**
    """
    return command("load-buffer", "-b", buffer, plain(str(file)))


ASK_PASTE = command("list-commands", "-F", "marvel-paste #{command_list_usage}", "paste-buffer")
_RAW = re.compile(rb"marvel-paste \[-[A-Za-z]*S[A-Za-z]*\].*")


def pastes_raw(lines: Sequence[bytes]) -> bool:
    """Whether the reply to `ASK_PASTE` says that a text can be pasted as it is."""
    return any(_RAW.fullmatch(line) for line in lines)


def paste(pane: str, buffer: str, *, raw: bool = False) -> list[bytes]:
    """Text arrives through a buffer: no size limit, no parsing, bracketed if the program asked for it.

    In copy mode the brackets would be missing and each line would submit, so that is left first. If
    the buffer could not be loaded (its file is deleted when the request times out), pasting it is an error.
    Enter is never in the same request: a program that reads both at once takes it for a newline.

    `raw`: from 3.7 on tmux writes control characters and bytes that are not UTF-8 in another form unless
    `-S` is given, which an older one refuses. Escape characters were removed before.
    """
    return [
        command("copy-mode", "-q", "-t", pane),
        command("paste-buffer", "-p", "-r", *(["-S"] if raw else []), "-d", "-b", buffer, "-t", pane),
    ]


def paste_text(pane: str, uid: str, file: Path, buffer: str, *, raw: bool = False) -> bytes:
    """The whole request. A guard that says no throws the buffer away."""
    forget = [command("delete-buffer", "-b", buffer)]
    typed = guarded(pane, uid, paste(pane, buffer, raw=raw), alive=True, otherwise=forget)
    return b"\n".join([load_buffer(file, buffer), typed])
