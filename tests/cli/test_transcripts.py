"""What a user types and sees: transcripts, line by line, on a real daemon and real tmux."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from marvel.cli.catalog import COMMANDS
from tests.integration.home import Home
from tests.pages import pattern

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
TEAM = """
[workspace]
name = "w"
[[team]]
name = "t"
[[team.role]]
name = "coder"
replicas = 2
[team.role.runtime]
image = "simulator"
args = ["--tick", "200"]
[team.role.healthcheck]
type = "heartbeat"
[[team.role]]
name = "supervisor"
[team.role.runtime]
command = "sleep"
args = ["10000"]
[[endpoint]]
name = "coders"
team = "t"
role = "coder"
"""


def steps(transcript: Path) -> list[tuple[str, list[str], list[str], int]]:
    """Each command with the lines it prints, those on standard error (`! …`), and its exit status."""
    found: list[tuple[str, list[str], list[str], int]] = []
    for line in transcript.read_text(encoding="utf-8").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], [], [], 0))
        elif line.startswith("[exit "):
            command, out, err, _ = found[-1]
            found[-1] = (command, out, err, int(line[6:-1]))
        elif line.startswith("! "):
            found[-1][2].append(line[2:])
        elif found:
            found[-1][1].append(line)
    return found


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_is_what_is_seen(home: Home, transcript: Path) -> None:
    home.write(TEAM, "team.toml")
    for command, out, err, status in steps(transcript):
        done = home.marvel(*shlex.split(command)[1:], ok=False, stdin="")
        seen = f"$ {command}\n{done.stdout}---\n{done.stderr}[exit {done.returncode}]"
        assert done.returncode == status, seen
        assert pattern(out).fullmatch(done.stdout), seen
        assert pattern(err).fullmatch(done.stderr), seen


def test_every_command_of_the_readme_is_in_a_transcript() -> None:
    typed = {tuple(command.split()[:3]) for path in TRANSCRIPTS for command, *_ in steps(path)}
    missing = {name for name, entry in COMMANDS.items() if not any(words[1] == name for words in typed)}
    assert missing == set()
    daemon = set(re.findall(r"`marvel (daemon \w+)", README))
    assert daemon <= {" ".join(words[1:3]) for words in typed}
