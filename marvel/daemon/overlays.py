"""Makes the settings that an agent gets out of the user's own and ours. What is the user's is only read."""

import json
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from marvel.runtimes import LaunchPlan
from marvel.runtimes.adapter import Mirror, Overlay
from marvel.runtimes.values import at
from marvel.settings import regular

MAX_SETTINGS_BYTES = 8 * 1024 * 1024
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_VARIABLE = re.compile(r"\$(\w+)")


class Unmergeable(Exception):
    """Why settings of the user's can't be merged with ours."""


def resolved(plan: LaunchPlan, environ: Mapping[str, str]) -> LaunchPlan:
    """Return a plan whose overlays are files, and whose mirror has a path. Raises Unmergeable."""
    files, env = dict(plan.files), dict(plan.env)
    known = {**environ, **env}
    for path, overlay in plan.overlays.items():
        theirs = _theirs(overlay, plan.cwd, known)
        for names, variable in overlay.displaced:
            value = at(theirs, *names)
            if isinstance(value, str) and value:
                env[variable] = value
        content = merged(merged(overlay.defaults, theirs), overlay.ours)
        files[path] = json.dumps(content, indent=1).encode()
    mirror = plan.mirror and plan.mirror._replace(of=(_first(plan.mirror.of, known),))
    return msgspec.structs.replace(
        plan, files=files, env={**env, **plan.after}, overlays={}, mirror=mirror, after={}
    )


def merged(base: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with what `added` has: tables are merged, lists follow each other, else `added` wins."""
    whole = dict(base)
    for name, value in added.items():
        known = whole.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            whole[name] = merged(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            whole[name] = [*known, *value]
        else:
            whole[name] = value
    return whole


def reflect(mirror: Mirror, files: Collection[str]) -> None:
    """Fill a mirror with links to all that its directory has, but for these files. Raises OSError."""
    [of] = mirror.of
    os.makedirs(mirror.path, mode=0o700, exist_ok=True)
    for name in ("", *mirror.directories):
        os.makedirs(os.path.join(of, name), mode=0o700, exist_ok=True)
    for name in {*os.listdir(of), *mirror.files}:
        path = os.path.join(mirror.path, name)
        if path not in files and not os.path.lexists(path):
            os.symlink(os.path.join(of, name), path)


def _theirs(overlay: Overlay, cwd: str, environ: Mapping[str, str]) -> dict[str, Any]:
    base = _first(overlay.base, environ)
    if not base:
        return {}
    if base.lstrip().startswith("{"):
        return _document(base, "the settings on its command line")
    path = os.path.join(cwd, os.path.expanduser(base))
    try:
        with open(path, "rb", opener=regular) as file:
            text = file.read(MAX_SETTINGS_BYTES).decode()
    except FileNotFoundError:
        if len(overlay.base) == 1:  # named by the role
            raise Unmergeable(f"{path} does not exist") from None
        return {}
    except (OSError, ValueError) as error:
        raise Unmergeable(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    return _document(text, path) if text.strip() else {}


def _document(text: str, name: str) -> dict[str, Any]:
    """Return JSON that may have comments, as gemini allows them. Raises Unmergeable."""
    try:
        content = json.loads(_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else " ", text))
    except (ValueError, RecursionError):
        raise Unmergeable(f"{name}: not JSON") from None
    if not isinstance(content, dict):
        raise Unmergeable(f"{name}: not a JSON object")
    return content


def _first(templates: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """Return the first text whose variables are all set, with their values."""
    for text in templates:
        if text.lstrip().startswith("{"):
            return text
        if all(environ.get(name) for name in _VARIABLE.findall(text)):
            return _VARIABLE.sub(lambda found: environ[found[1]], text)
    return ""
