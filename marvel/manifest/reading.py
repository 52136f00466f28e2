"""Files → manifests. Everything that is wrong with all of them is said at once."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marvel import keys
from marvel.errors import ManifestError, MarvelError
from marvel.manifest import build, rules
from marvel.manifest.check import Block, check
from marvel.manifest.problems import Lines, Problems
from marvel.resources import Manifest

SIZE_LIMIT = 1024 * 1024  # bytes of one file
STDIN = "-"
YAML_ENDINGS = (".yaml", ".yml")
YAML_BEGINNINGS = (
    "---",
    "{",
    "workspace:",
    "team:",
    "teams:",
    "endpoint:",
    "endpoints:",
    "apiVersion:",
    "kind:",
)


def read(
    source: str, *, stdin: str | None = None, directory: Path | None = None, force_large: bool = False
) -> Manifest:
    """One manifest, validated; `ManifestError` has every problem of it.

    `source` is a path, or `-` for the text in `stdin`. Relative paths in the manifest belong to its own
    directory, or to `directory` when that is given.
    """
    return read_all([source], stdin=stdin, directory=directory, force_large=force_large)[0]


def read_all(
    sources: Sequence[str],
    *,
    stdin: str | None = None,
    directory: Path | None = None,
    force_large: bool = False,
) -> list[Manifest]:
    """One manifest per workspace: files that speak of the same one are merged."""
    files = [_File(source, stdin, directory) for source in dict.fromkeys(sources)]
    read_files = [file for file in files if file.block is not None]
    parts: dict[Any, list[_File]] = {}
    for file in read_files:
        parts.setdefault(file.workspace or id(file), []).append(file)
    complete = len(files) == 1 or all(file.workspace for file in files)
    for group in parts.values():
        rules.together([file.part for file in group], several=len(files) > 1, complete=complete)
    if not force_large:
        rules.replicas([file.part for file in read_files])
    _raise(files)
    return [_manifest(group) for group in parts.values()]


class _File:
    """One source: its text, what it says, and what is wrong with it."""

    def __init__(self, source: str, stdin: str | None, directory: Path | None) -> None:
        self.source = source
        self.directory = Path(os.path.abspath(directory or "."))
        self.failure = ""  # why there is nothing to check
        self.hint = ""
        self.unreachable = False  # the failure is the file's, not that of its content
        self.problems = Problems()
        self.document: dict[str, Any] = {}
        self.block: Block | None = None
        self._text = ""
        self._lines: Lines | None = None
        try:
            content = _stdin(stdin) if source == STDIN else self._content(directory is None)
        except MarvelError as error:
            self.failure, self.hint, self.unreachable = error.message, error.hint, True
            return
        try:
            self._understand(content)
        except ValueError as error:
            self.failure = str(error)

    @property
    def workspace(self) -> str:
        block = self.block.one("workspace") if self.block else None
        name = block.value("name") if block else None
        return name if isinstance(name, str) else ""

    @property
    def part(self) -> rules.Part:
        assert self.block is not None  # noqa: S101  only files that were read have a part
        return rules.Part(self.source, self.block)

    def told(self) -> list[str]:
        if self.failure:
            return [self.failure]
        return self.problems.told(self.document, self._locate)

    def _content(self, beside_file: bool) -> bytes:
        path = Path(os.path.expanduser(self.source))
        content, regular = _bytes(path)
        if beside_file and regular:
            self.directory = Path(os.path.abspath(path)).parent
        return content

    def _understand(self, content: bytes) -> None:
        if not keys.is_text(str(self.directory)):
            raise ValueError("lies in a directory whose name is not UTF-8")
        self._text = _text(content)
        self.document, self._lines = _parse(self._text, self.source)
        self.block = check(self.document, self.problems)
        rules.contradictions(self.block)
        build.read_prompts(self.block, self.directory)

    def _locate(self) -> Lines:
        from marvel.manifest import toml_text

        return self._lines or toml_text.locate(self._text)


def _stdin(text: str | None) -> bytes:
    if text is None:
        raise MarvelError("nothing on standard input", hint="name a manifest, or pipe one in")
    content = text.encode(errors="surrogatepass")
    if len(content) > SIZE_LIMIT:
        raise _too_large()
    return content


def _bytes(path: Path) -> tuple[bytes, bool]:
    """The content, and whether it lies in a directory of its own (a pipe does not)."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > SIZE_LIMIT:
                raise _too_large()
            content = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise MarvelError(
            "no such file", hint="a manifest is a TOML or YAML file; - reads standard input"
        ) from None
    except IsADirectoryError:
        raise MarvelError("is a directory", hint="name the manifest in it") from None
    except OSError as error:
        raise MarvelError(f"can't be read: {error.strerror}") from None
    except ValueError:
        raise MarvelError("no such file") from None
    if len(content) > SIZE_LIMIT:
        raise _too_large()
    return content, stat.S_ISREG(status.st_mode)


def _too_large() -> MarvelError:
    return MarvelError("larger than 1 MiB", hint="that is no manifest; long prompts belong in a prompt_file")


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"must be UTF-8 text (byte {error.start + 1} is not)") from None
    if "\0" in text:
        raise ValueError(
            f"must not contain a NUL byte (line {text.count(chr(10), 0, text.index(chr(0))) + 1})"
        )
    if not text.strip():
        raise ValueError('is empty, a manifest begins with [workspace] and name = "…"')
    return text


def _parse(text: str, source: str) -> tuple[dict[str, Any], Lines | None]:
    if source.lower().endswith(YAML_ENDINGS):
        return _yaml(text)
    from marvel.manifest import toml_text

    try:
        return toml_text.parse(text), None
    except ValueError as error:
        looks_like_yaml = any(line.startswith(YAML_BEGINNINGS) for line in text.splitlines())
        if source == STDIN and looks_like_yaml:
            return _yaml(text)
        hint = ", a YAML manifest is called *.yaml" if looks_like_yaml else ""
        raise ValueError(f"not valid TOML: {error}{hint}") from None


def _yaml(text: str) -> tuple[dict[str, Any], Lines | None]:
    from marvel.manifest import yaml_text

    try:
        return yaml_text.parse(text)
    except ValueError as error:
        raise ValueError(f"not valid YAML: {error}") from None


def _raise(files: list[_File]) -> None:
    told = {file.source: file.told() for file in files}
    if not any(told.values()):
        return
    if len(files) == 1 and files[0].unreachable:
        raise MarvelError(f"{files[0].source}: {files[0].failure}", hint=files[0].hint)
    if len(files) == 1:
        raise ManifestError(files[0].source, told[files[0].source])
    lines = [f"{source}: {line}" for source, file_lines in told.items() for line in file_lines]
    raise ManifestError(f"{len(files)} manifests", lines)


def _manifest(group: list[_File]) -> Manifest:
    """Several files of one workspace are one manifest."""
    blocks = [(file.part.block, file.directory) for file in group]
    return Manifest(
        workspace=group[0].workspace,
        teams=tuple(build.team(team, there) for block, there in blocks for team in block.each("team")),
        endpoints=tuple(
            build.endpoint(end, there) for block, there in blocks for end in block.each("endpoint")
        ),
    )
