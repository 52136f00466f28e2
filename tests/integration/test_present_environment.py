"""An agent gets the environment of the daemon which starts it, whoever started the tmux server."""

from __future__ import annotations

from pathlib import Path

from tests.integration.home import Home, until
from tests.integration.manifests import manifest, role


def environ(pid: int) -> dict[str, str]:
    data = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape")
    return dict(word.split("=", 1) for word in data.split("\0") if "=" in word)


def tool(directory: Path, says: str) -> str:
    """A program `agent` in a directory of its own, which says where it is from; returns the directory."""
    directory.mkdir()
    file = directory / "agent"
    file.write_text(f"#!/bin/sh\necho {says}\nexec sleep 1000\n")
    file.chmod(0o755)
    return str(directory)


def test_the_next_start_gets_the_environment_of_the_daemon_that_makes_it(home: Home) -> None:
    path = home.environ["PATH"]
    older, newer = (tool(home.path / name, f"from {name}") for name in ("older", "newer"))
    home.environ |= {"PATH": f"{older}:{path}", "KEY": "old", "GONE": "1", "LINES_OF": "a\nGONE=2\n-x=3"}
    home.start()
    home.marvel("work", home.write(manifest(role("agent", replicas=2))))
    first, second = home.running(2)
    assert environ(first["pid"])["KEY"] == "old"
    home.marvel("stop", "--keep-sessions")
    for name in ("GONE", "LINES_OF"):
        del home.environ[name]
    home.environ |= {
        "PATH": f"{newer}:{path}",
        "KEY": "new",
        "ADDED": "a=b\nc",
        "MARVEL_X": "ours",
        "TMUX_X": "tmux's",
    }
    home.start()
    server = home.tmux_pid("w")
    home.marvel("kill", first["key"])
    until(lambda: first["uid"] not in {row["uid"] for row in home.sessions()}, "it is replaced")
    row = next(row for row in home.running(2) if row["uid"] != second["uid"])
    until(
        lambda: "from newer" in home.marvel("capture", row["key"]).stdout,
        "the new PATH finds the new program",
    )
    found = environ(row["pid"])
    wanted = {n: v for n, v in home.environ.items() if not n.startswith(("MARVEL", "TMUX", "TERM", "CLAUDE"))}
    names = wanted.keys() - {"PWD", "OLDPWD", "SHLVL", "_", "COLORTERM", "PATH"}
    assert {name: found.get(name) for name in names} == {name: wanted[name] for name in names}
    assert found["PATH"].startswith(f"{newer}:{path}")  # marvel's own directory may follow
    assert not {"GONE", "LINES_OF", "MARVEL_X", "TMUX_X"} & found.keys()
    assert environ(second["pid"])["KEY"] == "old"  # what runs is left alone
    assert home.tmux_pid("w") == server
