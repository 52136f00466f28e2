"""doctor, completion, daemon install: what helps people before and around the work."""

import os
import socket

import pytest

from marvel.cli.app import made
from marvel.cli.catalog import COMMANDS
from marvel.cli.completion import SCRIPTS, candidates
from marvel.cli.unit import quoted
from marvel.errors import Rejected
from tests.integration.home import Home
from tests.integration.manifests import SLEEP, manifest, role


def test_doctor_on_a_fresh_machine_finds_nothing_failed(home: Home) -> None:
    told = home.marvel("doctor").stdout
    assert "tmux 3" in told
    assert "failed" not in told


def test_doctor_names_missing_commands_and_mends_what_is_safe(home: Home) -> None:
    home.marvel("work", home.write(manifest(role("no-such-agent"))))
    os.chmod(home.path / "marvel.db", 0o644)
    (home.path / "marvel.sock").touch()
    (home.path / "sessions" / "0123").mkdir(parents=True)
    (home.path / "tmux").mkdir()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(home.path / "tmux" / "old.sock"))
    told = home.marvel("doctor", ok=False)
    assert told.returncode == 1
    assert "team t, role r: command no-such-agent not found" in told.stdout
    assert told.stdout.count("marvel doctor --fix does it") == 4
    home.marvel("doctor", "--fix", ok=False)
    assert os.stat(home.path / "marvel.db").st_mode & 0o777 == 0o600
    assert not (home.path / "marvel.sock").exists()
    assert not (home.path / "sessions" / "0123").exists()
    assert not (home.path / "tmux" / "old.sock").exists()
    assert "fixed" not in home.marvel("doctor", "--fix", ok=False).stdout


def test_doctor_mends_an_open_state_directory(home: Home) -> None:
    os.chmod(home.path, 0o755)
    assert home.marvel("get", "sessions", ok=False).returncode == 1
    told = home.marvel("doctor", ok=False)
    assert (told.returncode, told.stdout.count("open to others")) == (1, 1)
    home.marvel("doctor", "--fix")
    home.marvel("get", "sessions")


def test_completion_knows_commands_live_names_and_values(home: Home) -> None:
    home.marvel("work", home.write(manifest(role(*SLEEP), team="squad")))

    def complete(*words: str) -> list[str]:
        return home.marvel("__complete", *words).stdout.splitlines()

    assert "work" in complete("w")
    assert "wait" in complete("w")
    assert complete("scale", "w/") == ["w/squad"]
    assert complete("scale", "w/squad", "--role", "") == ["r"]
    assert complete("delete", "te") == ["team"]
    assert complete("delete", "team", "") == ["w/squad"]
    assert complete("get", "sessions", "-o", "w") == ["wide"]
    assert complete("daemon", "s") == ["status"]
    assert complete("kill", "") == []  # none is alive


def test_completion_offers_what_the_command_takes(home: Home) -> None:
    home.marvel("work", home.write(manifest(role(*SLEEP), team="squad")))

    def complete(*words: str) -> list[str]:
        return home.marvel("__complete", *words).stdout.splitlines()

    assert complete("events", "-o", "") == ["table", "wide", "json", "jsonl"]
    assert complete("describe", "team", "w/squad", "--output", "") == ["text", "json"]
    assert complete("why", "-") == ["--output", "-o"]
    assert complete("daemon", "status", "--") == ["--output"]
    assert complete("get", "sh") == ["shifts"]
    assert complete("shift", "u") == ["undo"]
    assert complete("shift", "undo", "") == ["w/squad"]
    assert complete("shift", "--role", "r", "hist") == ["history"]
    assert complete("get", "sessions", "--team", "") == ["squad"]
    assert complete("events", "--team", "") == ["w/squad"]
    assert "shift.started" in complete("events", "--kind", "shift.")
    assert complete("run", "--", "ki") == []


def test_every_option_of_every_command_is_offered() -> None:
    for name, entry in COMMANDS.items():
        params = made(name, entry).params
        wanted = {name for option in params for name in option.opts if name.startswith("-")}
        assert wanted <= set(candidates([name, "-"])), name


def test_every_completion_script_asks_for_candidates(home: Home) -> None:
    for shell in SCRIPTS:
        assert "marvel __complete" in home.marvel("completion", shell).stdout
    assert home.marvel("completion", "tcsh", ok=False).returncode == 2


def test_the_unit_leaves_the_agents_alive_and_is_not_overwritten(home: Home) -> None:
    told = home.marvel("daemon", "install").stdout
    unit = home.path / "config" / "systemd" / "user" / "marvel.service"
    assert str(unit) in told
    text = unit.read_text(encoding="utf-8")
    assert "KillMode=process\n" in text
    assert f'Environment="MARVEL_HOME={home.path}"' in text
    assert "agents need" not in told
    home.marvel("daemon", "install")
    unit.write_text("mine", encoding="utf-8")
    assert home.marvel("daemon", "install", ok=False).returncode == 1
    home.marvel("daemon", "install", "--force")
    assert unit.read_text(encoding="utf-8") == text


def test_the_unit_says_which_variables_agents_need(home: Home) -> None:
    needs = 'env_from = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]\n'
    home.marvel("work", home.write(manifest(role(*SLEEP, sections=needs))))
    told = home.marvel("daemon", "install").stdout
    file = home.path / "config" / "marvel" / "environment"
    assert (
        f"agents need ANTHROPIC_API_KEY OPENAI_API_KEY (env_from): put NAME=VALUE lines into {file}" in told
    )
    unit = home.path / "config" / "systemd" / "user" / "marvel.service"
    assert f"EnvironmentFile=-{file}\n" in unit.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/home/my user/p", '"/home/my user/p"'),
        ('/a"b', '"/a\\"b"'),
        ("/100%/$HOME", '"/100%%/$HOME"'),
        ("/a\\b", '"/a\\\\b"'),
        ("/größe'", '"/größe\'"'),
    ],
)
def test_a_path_is_one_word_of_a_unit_file(text: str, word: str) -> None:
    assert quoted(text) == word


@pytest.mark.parametrize("text", ["/a\nExecStart=/bin/evil", "/a\0", "/\udcff"])
def test_a_path_that_would_end_its_line_of_a_unit_file_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="cannot stand in a unit file"):
        quoted(text)
