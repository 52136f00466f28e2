"""The format of an `env_file`: one `NAME=value` a line, and nothing of it is cut or guessed.

UTF-8, at most 256 KiB; a byte order mark at its beginning and CRLF line ends are taken off. Blank lines, and
lines that begin with `#`, are skipped; `export` before a name is allowed. Blanks around name and value are
taken off, then one pair of matching quotes around the value. Everything else is the value as it stands: there
are no escapes, no `$NAME`, no comments behind a value, no values of several lines. Of a name that is given
twice the last one counts.
"""

from marvel.settings import regular
from marvel.shortages import is_unknown

MAX_BYTES = 256 * 1024
_BLANKS = " \t"
_QUOTES = ("'", '"')


def read(path: str) -> dict[str, str]:
    """Return the variables of a file. Raises ValueError, which says what is wrong and where, and OSError when
    it can't be told what is there.
    """
    try:
        with open(path, "rb", opener=regular) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        if is_unknown(error):
            raise
        raise ValueError(error.strerror) from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024} KiB")
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    variables: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            variables.update(_variable(line.removesuffix("\r").strip(_BLANKS)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return variables


def _variable(line: str) -> dict[str, str]:
    if not line or line.startswith("#"):
        return {}
    name, equals, value = line.partition("=")
    words = name.split()
    if words[:1] == ["export"] and len(words) > 1:
        words = words[1:]
    if not equals or len(words) != 1 or "\0" in line:
        raise ValueError("not NAME=value")
    value = value.strip(_BLANKS)
    if value[:1] in _QUOTES and value[:1]:
        if len(value) < 2 or value[-1] != value[0]:
            raise ValueError("the value begins with a quote that does not end it")
        value = value[1:-1]
    return {words[0]: value}
