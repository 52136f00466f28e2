"""The argv that puts an agent into a sandbox."""

import os
from pathlib import Path

import pytest

from marvel.daemon import containment
from marvel.daemon.containment import Profile, Tools, contain
from marvel.daemon.handoffs import copy_text
from marvel.resources import RuntimeSpec, Template
from marvel.runtimes import LaunchPlan, Unlaunchable, Wish
from tests.unit.test_runtimes import PLACE, SESSION


class Machine:
    """Directories of a machine, in one of a test's own."""

    def __init__(self, root: Path) -> None:
        self.home, self.cwd = root / "home", root / "work"
        self.state = self.home / ".local/state/marvel"
        for directory in (self.cwd, self.state / "sessions/u1", self.home / ".claude"):
            directory.mkdir(parents=True)
        (self.home / ".claude.json").write_text("{}")
        (self.home / ".gitconfig").write_text("")
        self.environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        self.place = PLACE._replace(
            home=str(self.state),
            socket="/state/sessions/u1/marvel.sock",
            directory=str(self.state / "sessions/u1"),
        )

    def options(self, profile: Profile | None = None, **runtime: str) -> list[str]:
        """The whole argv of a claude that is a shell."""
        spec = RuntimeSpec(image="claude", command="sh", cwd=str(self.cwd), contain="bubblewrap", **runtime)
        plan = LaunchPlan(argv=("sh",), cwd=str(self.cwd), env={})
        wish = Wish(session=SESSION, template=Template(runtime=spec), role=None, place=self.place)
        return list(contain(wish, plan, self.environ, profile or Profile()).argv)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(
        containment, "usable", lambda path, network=True: Tools("/usr/bin/bwrap", "/usr/bin/env")
    )
    return Machine(tmp_path)


def bound(argv: list[str], option: str) -> list[str]:
    """What is bound in this way, in order."""
    return [argv[n + 1] for n, word in enumerate(argv) if word == option]


def test_an_agent_gets_its_directory_and_what_its_cli_keeps(machine: Machine) -> None:
    argv = machine.options()
    written = bound(argv, "--bind")
    home, state = machine.home, machine.state
    assert written == [
        f"{home}/.claude",
        f"{home}/.claude.json",
        str(machine.cwd),
        f"{state}/sessions/u1",
        PLACE.beat,
    ]
    assert {str(home), str(state), "/tmp", "/run"} <= set(bound(argv, "--tmpfs"))
    assert argv.index(str(state)) > argv.index(str(machine.cwd))  # it is hidden after all else is there
    assert argv[-1] == "/usr/bin/sh"


def test_the_profile_adds_what_is_there_and_takes_the_network(machine: Machine) -> None:
    profile = Profile(read=("~/.gitconfig", "~/.nothing"), write=(str(machine.home),), network=False)
    argv = machine.options(profile=profile)
    assert f"{machine.home}/.gitconfig" in bound(argv, "--ro-bind")
    assert f"{machine.home}/.nothing" not in argv
    assert "--unshare-net" in argv
    assert "--unshare-net" not in machine.options()


def test_what_would_act_on_the_sandbox_itself_goes_to_the_agent_only(machine: Machine) -> None:
    plan = LaunchPlan(argv=("sh",), cwd=str(machine.cwd), env={"LD_PRELOAD": "./evil.so", "A": "1"})
    runtime = RuntimeSpec(command="sh", contain="bubblewrap")
    wish = Wish(session=SESSION, template=Template(runtime=runtime), role=None, place=machine.place)
    made = contain(wish, plan, machine.environ, Profile())
    assert made.env == {"A": "1"}
    at = made.argv.index("--setenv")
    assert made.argv[at + 1 : at + 3] == ("LD_PRELOAD", "./evil.so")


def test_a_directory_that_would_make_it_no_boundary_is_refused(machine: Machine) -> None:
    for cwd, words in (
        (machine.home, "holds your home directory"),
        (machine.home.parent, "holds your home directory"),
        (machine.state / "sessions", "is in marvel's state directory"),
    ):
        machine.cwd = cwd
        with pytest.raises(Unlaunchable, match=words):
            machine.options()


def test_an_env_file_that_the_agent_made_a_link_of_is_refused(machine: Machine) -> None:
    secret = machine.home / "credentials"
    secret.write_text("KEY=1")
    (machine.cwd / ".env").symlink_to(secret)
    with pytest.raises(Unlaunchable, match="leads out of cwd"):
        machine.options(env_file=str(machine.cwd / ".env"))


def test_a_link_in_an_emptied_directory_is_there_too(machine: Machine, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    (machine.home / ".claude").rmdir()
    real.mkdir()
    (machine.home / ".claude").symlink_to(real)
    argv = machine.options()
    assert str(real) in bound(argv, "--bind")
    at = argv.index("--symlink")
    assert argv[at + 1 : at + 3] == [str(real), f"{machine.home}/.claude"]


def test_a_handoff_is_copied_and_no_link_is_followed(tmp_path: Path) -> None:
    secret, handoff, copy = tmp_path / "secret", tmp_path / "handoff.md", tmp_path / "copy.md"
    secret.write_text("s")
    handoff.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        copy_text(str(handoff), str(copy))
    handoff.unlink()
    handoff.write_text("know this")
    copy.symlink_to(secret)
    (tmp_path / "copy.md.new").symlink_to(secret)
    copy_text(str(handoff), str(copy))
    assert (copy.read_text(), secret.read_text()) == ("know this", "s")
    assert not copy.is_symlink()


def test_a_beat_file_that_was_only_made_is_of_1970_and_stays_when_it_was_touched(tmp_path: Path) -> None:
    place = PLACE._replace(beat=str(tmp_path / "u1"))
    containment.make_ready(place)
    assert os.stat(place.beat).st_mtime == 0
    os.utime(place.beat, (5, 5))
    containment.make_ready(place)
    assert os.stat(place.beat).st_mtime == 5
