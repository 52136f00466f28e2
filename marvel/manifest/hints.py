"""What somebody meant who wrote a key that a manifest does not have."""

import re
from collections.abc import Iterator

from marvel.manifest.table import MANIFEST, Section

LONGEST_KEY = 64  # a longer key is not a slip of the pen

REQUIRED = {
    "workspace": 'write [workspace] with name = "…"',
    "runtime": "write [team.role.runtime] with a command or an image",
}

# Words of Kubernetes, Compose and process managers, by the section they are likely to stand in: the key
# that is meant, or a sentence.
MEANT = {
    "manifest": {
        "apiVersion": "a manifest has no apiVersion, it begins with [workspace]",
        "kind": "a manifest has no kind, it begins with [workspace]",
        "metadata": "the name stands under [workspace]",
        "spec": "a manifest has no spec, teams stand at the top as [[team]]",
        "namespace": "workspace",
        "services": "did you mean team, or endpoint?",
        "service": "endpoint",
    },
    "workspace": {"namespace": "name"},
    "team": {
        "metadata": "the name stands in the team itself",
        "spec": "a team has no spec, its roles stand in it as [[team.role]]",
        "agents": "role",
        "members": "role",
    },
    "role": {
        "containers": "the process stands under [team.role.runtime]",
        "template": "the process stands under [team.role.runtime]",
        "spec": "the process stands under [team.role.runtime]",
        "strategy": "shift",
        "livenessProbe": "healthcheck",
        "readinessProbe": "healthcheck",
        "startupProbe": "healthcheck.startup_timeout",
        "probe": "healthcheck",
        "restart": "restart_policy",
        "count": "replicas",
        "instances": "replicas",
        "terminationGracePeriodSeconds": "stop.grace",
        "model": 'agents take it as an argument: args = ["--model", "…"] under [team.role.runtime]',
        "workingDir": "runtime.cwd",
        "environment": "runtime.env",
        "entrypoint": "runtime.command",
    },
    "runtime": {
        "entrypoint": "command",
        "cmd": "command",
        "adapter": "image",
        "workdir": "cwd",
        "workingDir": "cwd",
        "working_dir": "cwd",
        "dir": "cwd",
        "environment": "env",
        "envFrom": "env_from",
        "model": 'agents take it as an argument: args = ["--model", "…"]',
    },
    "healthcheck": {
        "periodSeconds": "interval",
        "period": "interval",
        "timeoutSeconds": "timeout",
        "initialDelaySeconds": "startup_timeout",
        "start_period": "startup_timeout",
        "retries": "failure_threshold",
        "exec": 'write type = "exec" and command = ["…"]',
        "httpGet": 'write type = "exec" and a command that asks',
        "test": 'write type = "exec" and command = ["…"]',
    },
    "shift": {
        "rollingUpdate": "its keys stand here directly: max_surge, max_unavailable",
        "progressDeadlineSeconds": "ready_timeout",
        "minReadySeconds": "min_ready",
    },
    "stop": {
        "stop_signal": "signal",
        "timeout": "grace",
        "terminationGracePeriodSeconds": "grace",
    },
    "endpoint": {"selector": "did you mean team, and role?", "workspace": "it is that of the manifest"},
}


def meant(section: Section, key: str) -> str:
    """The key that was meant, dotted when it stands deeper; or a sentence; or nothing."""
    if len(key) > LONGEST_KEY:
        return ""
    if known := MEANT.get(section.key, {}).get(key):
        return known
    keys = _keys(section)
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).replace("-", "_").replace(" ", "_").lower()
    if snake in keys:
        return snake
    for path, inner in _below(section, ""):
        if snake in _keys(inner):
            return f"{path}{snake}"
    if close := _closest(snake, keys, 0.8):
        return close
    if top := MANIFEST.section(snake):
        return f"it stands at the top of the file, as {_header(top, top.key)}"
    if header := _elsewhere(snake):
        return f"it belongs under {header}"
    return _closest(snake, keys, 0.6)


def unknown(meaning: str) -> str:
    """The message for a key that is not in the table, given what was meant."""
    if not meaning:
        return "unknown key"
    return f"unknown key, {meaning}" if " " in meaning else f"unknown key, did you mean {meaning}?"


def _keys(section: Section) -> list[str]:
    return [
        *(field.key for field in section.fields),
        *(key for inner in section.sections for key in inner.keys),
    ]


def _below(section: Section, path: str) -> Iterator[tuple[str, Section]]:
    """Tables inside this one; lists of tables are another thing's business."""
    for inner in section.sections:
        if not inner.plural:
            yield f"{path}{inner.key}.", inner
            yield from _below(inner, f"{path}{inner.key}.")


def _elsewhere(key: str) -> str:
    """The header of the only table that has this key, if there is one."""
    headers = [
        header for header, section in _headers(MANIFEST, "") if section.field(key) or section.section(key)
    ]
    return headers[0] if len(headers) == 1 else ""


def _headers(section: Section, path: str) -> Iterator[tuple[str, Section]]:
    for inner in section.sections:
        dotted = f"{path}.{inner.key}" if path else inner.key
        yield _header(inner, dotted), inner
        yield from _headers(inner, dotted)


def _header(section: Section, dotted: str) -> str:
    return f"[[{dotted}]]" if section.plural else f"[{dotted}]"


def _closest(key: str, known: list[str], cutoff: float) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=cutoff)), "")
