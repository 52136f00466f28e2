"""config.toml: what a person prefers, and what is said when it makes no sense."""

import os
from pathlib import Path

import pytest

from marvel import config
from marvel.errors import MarvelError


def environ(tmp_path: Path, text: str | None = None) -> dict[str, str]:
    if text is not None:
        file = tmp_path / "marvel" / "config.toml"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": "/nowhere"}


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    found = config.load(environ(tmp_path))
    assert vars(found) == vars(config.Config())
    assert config.config_path({"HOME": "/home/ann"}) == "/home/ann/.config/marvel/config.toml"
    assert config.config_path({"HOME": "/home/ann", "XDG_CONFIG_HOME": "relative"}).startswith("/home/ann/")


def test_every_field_is_read(tmp_path: Path) -> None:
    text = 'output = "wide"\ncolours = "never"\ntmux_conf = "/etc/tmux.conf"\nhistory_limit = 9\n'
    text += 'on_attention = ["notify", "--now"]\n[bubblewrap]\nread = ["~/.gitconfig"]\nnetwork = false\n'
    found = config.load(environ(tmp_path, text))
    assert vars(found) == {
        "output": "wide",
        "colours": "never",
        "tmux_conf": "/etc/tmux.conf",
        "history_limit": 9,
        "on_attention": ("notify", "--now"),
        "bubblewrap": {"read": ("~/.gitconfig",), "network": False},
        "disobeyed": "",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("outptu = 1", "unknown field 'outptu'"),
        ('output = "yaml"', "output: must be one of table, wide"),
        ("colours = true", "colours: must be one of auto, always, never, is True"),
        ('tmux_conf = "mine"', "tmux_conf: must be an absolute path"),
        ("history_limit = -1", "history_limit: must be a number of lines"),
        ("history_limit = true", "history_limit: must be a number of lines"),
        ('on_attention = "notify"', "on_attention: must be a command and its arguments"),
        ("on_attention = []", "on_attention: must be a command and its arguments"),
        ("bubblewrap = true", "bubblewrap: must be a table of read, write and network"),
        ('[bubblewrap]\nwrite = ["relative"]', "bubblewrap: must be a list of absolute paths"),
        ("[bubblewrap]\nread = 5", "bubblewrap: must be a list of absolute paths"),
        ("[bubblewrap]\nnetwork = 1", "bubblewrap: network must be true or false"),
        ("= 3", "is not TOML"),
        ("#" + "x" * 70_000, "more than 65536 bytes"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MarvelError) as error:
        config.load(environ(tmp_path, text))
    assert said in error.value.message
    assert str(tmp_path) in error.value.message


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o646])
def test_a_file_that_others_may_write_is_not_obeyed_and_said(tmp_path: Path, mode: int) -> None:
    surroundings = environ(tmp_path, 'on_attention = ["theirs"]\n')
    file = tmp_path / "marvel" / "config.toml"
    file.chmod(mode)
    found = config.load(surroundings)
    assert found.on_attention == ()
    assert found.disobeyed.startswith(f"{file} is not obeyed: others may write it (mode {mode:04o})")
    file.chmod(0o600)
    assert config.load(surroundings).on_attention == ("theirs",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_obeyed_nor_a_tmux_conf_of_one(tmp_path: Path) -> None:
    conf = tmp_path / "tmux.conf"
    conf.write_text("")
    surroundings = environ(tmp_path, f'tmux_conf = "{conf}"\noutput = "wide"\n')
    os.chown(conf, 65534, 65534)
    found = config.load(surroundings)
    assert (found.tmux_conf, found.output) == ("", "wide")
    assert found.disobeyed == f"{conf} is not obeyed: it belongs to uid 65534, not to you"
    os.chown(tmp_path / "marvel" / "config.toml", 65534, 65534)
    assert config.load(surroundings).output == "table"
