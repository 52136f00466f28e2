"""The README's quick start, typed as it stands there."""

import re
from pathlib import Path

from tests.integration.home import Home, until

ROOT = Path(__file__).resolve().parent.parent.parent


def block(name: str) -> list[str]:
    """The commands of a marked block, comments taken off."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n```sh\n(.+?)\n```", readme, re.DOTALL)
    assert found is not None
    return [line.partition("  #")[0].strip() for line in found[1].splitlines()]


def test_the_quick_start_works_to_the_letter(home: Home) -> None:
    commands = block("quick start")
    assert commands[0] == "marvel daemon &"
    home.start()
    for line in commands[1:3]:
        argv = line.replace("examples/", f"{ROOT}/examples/").split()[1:]
        home.marvel(*argv)
    rows = home.running(4)
    assert {row["workspace"] for row in rows} == {"demo"}
    until(lambda: any((row["context_percent"] or 0) > 5 for row in home.sessions()), "context rises")
    home.marvel(*commands[3].split()[1:])
    assert home.processes() == []


def test_the_demo_command_shows_running_sessions_and_can_be_repeated(home: Home) -> None:
    [line] = block("demo")
    argv = line.rpartition("marvel ")[2].replace("examples/", f"{ROOT}/examples/").split()
    for _ in range(2):
        shown = home.marvel(*argv).stdout.splitlines()
        assert shown[0].split()[:6] == ["WORKSPACE", "TEAM", "ROLE", "GEN", "NAME", "STATE"]
        assert [row.split()[5] for row in shown[1:]] == ["running"] * 4
    assert home.marvel("daemon", "status").returncode == 0
    home.marvel("stop")
    assert home.processes() == []
