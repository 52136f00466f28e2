"""Variables from a file: nothing of it is cut, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from marvel.daemon import env_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "env"


def read(file: Path, content: str | bytes) -> dict[str, str]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return env_file.read(str(file))


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        ("\ufeffKEY=a\n", {"KEY": "a"}),
        ("\ufeff# comment\r\nA=1\r\nB='two'\r\n", {"A": "1", "B": "two"}),
        ("export A=1\nexport\tB=2\nexport=3", {"A": "1", "B": "2", "export": "3"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A = b c \n\n  # x\n\tB=\n", {"A": "b c", "B": ""}),
        ("A=1 # not a comment\nB=$A\nC=\\n", {"A": "1 # not a comment", "B": "$A", "C": "\\n"}),
        ("A=it's\nB=say \"x\"\nC=\"a' b\"\nD=''", {"A": "it's", "B": 'say "x"', "C": "a' b", "D": ""}),
        ("A=a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh", {"A": "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh"}),
        ("A=\xa0x\u3000", {"A": "\xa0x\u3000"}),
    ],
)
def test_what_stands_in_it_is_what_the_agent_gets(
    file: Path, content: str, variables: dict[str, str]
) -> None:
    assert read(file, content) == variables


@pytest.mark.parametrize("value", ["'open", '"', "\"x' ", "'a' # b", '"two'])
def test_a_quote_that_is_not_closed_is_refused(file: Path, value: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2: the value begins with a quote that does not end it$"):
        read(file, f'OK=1\nA={value}\nlines"\n')


def test_a_file_is_read_whole_or_refused(file: Path) -> None:
    most = b"A=" + b"x" * (env_file.MAX_BYTES - 2)
    assert len(read(file, most)["A"]) == env_file.MAX_BYTES - 2
    with pytest.raises(ValueError, match=r"^larger than 256 KiB$"):
        read(file, most + b"x")
