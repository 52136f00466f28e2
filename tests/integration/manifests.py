"""Small manifests for tests."""

import json

PATIENT = "[team.role.shift]\n"  # min_ready as it is by default
AT_ONCE = '[team.role.shift]\nmin_ready = "0s"\n'


def role(
    *argv: str,
    name: str = "r",
    replicas: int = 1,
    more: str = "",
    sections: str = "",
) -> str:
    """One `[[team.role]]` that runs an argv; `more` are its own keys, `sections` its tables.

    It is ready as soon as it runs, unless a table says otherwise.
    """
    if "[team.role.shift]" not in sections:
        sections += f"\n{AT_ONCE}"
    args = json.dumps(list(argv[1:]), ensure_ascii=False)
    return (
        f'[[team.role]]\nname = "{name}"\nreplicas = {replicas}\n{more}\n'
        f"[team.role.runtime]\ncommand = {json.dumps(argv[0])}\nargs = {args}\n"
        f"{sections}\n"
    )


def manifest(*roles: str, workspace: str = "w", team: str = "t") -> str:
    """A workspace with one team."""
    return f'[workspace]\nname = "{workspace}"\n[[team]]\nname = "{team}"\n' + "".join(roles)


SLEEP = ("sleep", "1000")
_DEAF = 'trap "" TERM HUP; while :; do sleep 1; done'
_STUBBORN = f"setsid sh -c '{_DEAF}' & {_DEAF}"
STUBBORN = ("sh", "-c", _STUBBORN)  # ignores TERM and HUP, and has a child that left its group
