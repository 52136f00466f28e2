"""What no single field can tell: fields that contradict each other, names that collide, endpoints that
lead nowhere. Every rule looks only at values that are valid by themselves, so that one mistake is one line.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from marvel import durations
from marvel.manifest.check import Block
from marvel.manifest.problems import quoted, spelled

REPLICAS_UNFORCED = 1_000  # in all


def contradictions(manifest: Block) -> None:
    """Fields of one role that can't both be meant."""
    for role in manifest.each("team", "role"):
        _prompts(role)
        _order(role, "backoff_initial", "backoff_max")
        for runtime in role.each("runtime"):
            _runtime(runtime)
        for healthcheck in role.each("healthcheck"):
            _healthcheck(healthcheck)
        for shift in role.each("shift"):
            _shift(shift)


def _prompts(role: Block) -> None:
    if role.has("prompt") and role.has("prompt_file"):
        role.report("give either prompt or prompt_file, not both", "prompt_file")


def _runtime(runtime: Block) -> None:
    env = runtime.value("env") or {}
    for index, name in enumerate(runtime.value("env_from") or ()):
        if name in env:
            runtime.report(f"{quoted(name)} stands in env too, give it once", "env_from", index)


def _healthcheck(check: Block) -> None:
    kind = check.value("type")
    if kind is None:
        return
    if kind == "exec" and not check.has("command"):
        check.report('is required by type = "exec"', "command")
    for key in ("command", "interval"):
        if kind != "exec" and check.has(key):
            check.report(f'only goes with type = "exec", the type is {kind}', key)
    if kind == "process-alive" and check.has("startup_timeout"):
        check.report("waits for a first beat, process-alive has none", "startup_timeout")


def _shift(shift: Block) -> None:
    if shift.value("max_surge") == 0 and shift.value("max_unavailable") == 0:
        shift.report("must be at least 1 when max_unavailable is 0, or nothing can move", "max_surge")
    if shift.has("handoff_timeout") and not shift.value("handoff") and "handoff" not in shift.refused:
        shift.report("only goes with handoff", "handoff_timeout")
    _order(shift, "min_ready", "ready_timeout")


def _order(block: Block, lower: str, upper: str) -> None:
    """Reported at the field that was given, the later one when both were."""
    low, high = block.value(lower), block.value(upper)
    if low is None or high is None or low <= high:
        return
    low_text, high_text = durations.spell(low), durations.spell(high)
    if block.has(lower):
        block.report(f"must be at most {upper} ({high_text}), is {low_text}", lower)
    else:
        block.report(f"must be at least {lower} ({low_text}), is {high_text}", upper)


class Part:
    """What one file says about a workspace."""

    def __init__(self, source: str, block: Block) -> None:
        self.source = source
        self.block = block


def together(parts: list[Part], *, several: bool, complete: bool) -> None:
    """Names and references across all files of one workspace; `complete` when none of them is missing."""
    teams = [(part, team) for part in parts for team in part.block.each("team")]
    _unique(teams, several)
    _unique([(part, end) for part in parts for end in part.block.each("endpoint")], several)
    for part, team in teams:
        _unique([(part, role) for role in team.each("role")], several=False)
    _session_names(team for _, team in teams)
    if complete:
        _endpoints(parts, [team for _, team in teams])


def _unique(blocks: Iterable[tuple[Part, Block]], several: bool) -> None:
    first: dict[str, tuple[Part, Block]] = {}
    for part, block in blocks:
        name = block.value("name")
        if not isinstance(name, str):
            continue
        known, other = first.setdefault(name, (part, block))
        if other is not block:
            file = f" of {known.source}" if several and known is not part else ""
            block.report(f"{quoted(name)} is already the name of {spelled(other.where)}{file}", "name")


def _session_names(teams: Iterable[Block]) -> None:
    """`a` + `b-c` and `a-b` + `c` would both make sessions `a-b-c-g1-0`."""
    first: dict[str, tuple[str, str]] = {}
    for team in teams:
        for role in team.each("role"):
            names = team.value("name"), role.value("name")
            if not isinstance(names[0], str) or not isinstance(names[1], str):
                continue
            other = first.setdefault(f"{names[0]}-{names[1]}", names)
            if other != names:
                role.report(
                    f"sessions would be named {names[0]}-{names[1]}-…, "
                    f"like those of role {other[1]} of team {other[0]}",
                    "name",
                )


def _endpoints(parts: list[Part], teams: list[Block]) -> None:
    """Looks only at names as given; among names that were refused any could have been meant."""
    roles: dict[str, set[str]] = defaultdict(set)
    unsure: set[str] = set()  # teams with a role whose name was refused
    for team in teams:
        name = team.given.get("name")
        if isinstance(name, str):
            roles[name].update(_names(team.each("role")))
            if "role" in team.refused or any("name" in role.refused for role in team.each("role")):
                unsure.add(name)
    teams_unsure = any("name" in team.refused for team in teams)
    teams_unsure = teams_unsure or any("team" in part.block.refused for part in parts)
    for part in parts:
        for endpoint in part.block.each("endpoint"):
            _endpoint(endpoint, roles, unsure, teams_unsure)


def _names(blocks: Iterable[Block]) -> set[str]:
    names = (block.given.get("name") for block in blocks)
    return {name for name in names if isinstance(name, str)}


def _endpoint(endpoint: Block, roles: dict[str, set[str]], unsure: set[str], teams_unsure: bool) -> None:
    team: Any = endpoint.valid.get("team")
    role: Any = endpoint.valid.get("role")
    if team is None or (team not in roles and teams_unsure) or endpoint.problems.full:
        return
    if team not in roles:
        endpoint.report(f"no team {quoted(team)} in this manifest{_did_you_mean(team, roles)}", "team")
    elif role is not None and role not in roles[team] and team not in unsure:
        endpoint.report(f"no role {quoted(role)} in team {team}{_did_you_mean(role, roles[team])}", "role")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name[:64], [*known][:100], n=1)
    return f", did you mean {close[0]}?" if close else ""


def replicas(parts: list[Part]) -> None:
    """More than a thousand sessions are seldom meant."""
    roles = [role for part in parts for role in part.block.each("team", "role")]
    total = sum(role.value("replicas") or 0 for role in roles)
    if total > REPLICAS_UNFORCED:
        most = max(roles, key=lambda role: role.value("replicas") or 0)
        most.report(
            f"{total} replicas in all, more than {REPLICAS_UNFORCED} need --force-large",
            "replicas",
        )
