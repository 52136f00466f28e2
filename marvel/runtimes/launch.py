"""What is the same for every agent: placeholders, argv, and the environment that tells it who it is."""

import re
from collections.abc import Callable

import msgspec

from marvel.resources import RuntimeSpec, Session, Template
from marvel.runtimes.adapter import Adapter, LaunchPlan, Wish
from marvel.runtimes.generic import GENERIC
from marvel.runtimes.values import plain_id

BEATS_PER_TIMEOUT = 3  # so that one lost beat is no miss
DEFAULT_BEAT_SECONDS = 10.0  # where no heartbeat check asks for more
PLACEHOLDER = re.compile(r"\{\{(index|name|team|role)\}\}|\{(index|name|team|role)\}")


def launch_plan(wish: Wish, adapter: Adapter) -> LaunchPlan:
    """Return how to start the session, by its adapter. A private prompt is typed, whatever the CLI takes."""
    template = expanded(wish.template, wish.session)
    # The log may hold what an earlier marvel took for an id.
    session = msgspec.structs.replace(wish.session, resumes=plain_id(wish.session.resumes))
    runtime = template.runtime
    plan = LaunchPlan(
        argv=(runtime.command or runtime.image, *runtime.args),
        cwd=runtime.cwd,
        env=runtime.env,
    )
    private = template.prompt_text if wish.private_prompt and not session.resumes else ""
    if private:
        template = msgspec.structs.replace(template, prompt_text="")
    wish = msgspec.structs.replace(wish, template=template, session=session)
    prepared = (GENERIC if is_too_old(adapter, wish.version) else adapter).prepare(wish, plan)
    if private:
        files = {**prepared.files, wish.place.private_prompt: b""}
        prepared = msgspec.structs.replace(prepared, typed_prompt=private, files=files)
    return msgspec.structs.replace(prepared, env={**prepared.env, **identity(wish)})


def is_too_old(adapter: Adapter, version: tuple[int, ...]) -> bool:
    """Whether a CLI lacks what its adapter relies on; one whose version is not known does not."""
    return bool(version) and version < adapter.minimum


def too_old_words(adapter: Adapter, version: tuple[int, ...]) -> str:
    """The same for people."""
    known, needed = (".".join(map(str, numbers)) for numbers in (version, adapter.minimum))
    return f"{adapter.name} {known} is older than {needed}: started without what tells of it"


def expanded(template: Template, session: Session) -> Template:
    """Fill in `{index} {name} {team} {role}` in cwd, args, prompt and env; `{{name}}` is `{name}` itself.

    Other braces stay. The text of a prompt_file is left as it is in the file: it may well be about code.
    """
    names = {
        "index": str(session.index),
        "name": session.name,
        "team": session.team,
        "role": session.role,
    }

    def expand(text: str) -> str:
        return PLACEHOLDER.sub(lambda found: names.get(found[2], f"{{{found[1]}}}"), text)

    runtime = _expanded_runtime(template, expand)
    return msgspec.structs.replace(
        template,
        runtime=runtime,
        prompt=expand(template.prompt),
    )


def _expanded_runtime(template: Template, expand: Callable[[str], str]) -> RuntimeSpec:
    runtime = template.runtime
    return msgspec.structs.replace(
        runtime,
        cwd=expand(runtime.cwd),
        args=tuple(expand(arg) for arg in runtime.args),
        env={name: expand(value) for name, value in runtime.env.items()},
    )


def identity(wish: Wish) -> dict[str, str]:
    """The variables by which an agent finds itself and marvel."""
    session, place = wish.session, wish.place
    variables = {
        "MARVEL_HOME": place.home,
        "MARVEL_SOCKET": place.socket,
        "MARVEL_SESSION": session.name,
        "MARVEL_SESSION_UID": session.uid,
        "MARVEL_WORKSPACE": session.workspace,
        "MARVEL_TEAM": session.team,
        "MARVEL_ROLE": session.role,
        "MARVEL_GENERATION": str(session.generation),
        "MARVEL_INDEX": str(session.index),
        "MARVEL_TOKEN": place.token,
        "MARVEL_BEAT": place.beat,
        "MARVEL_HEARTBEAT_SECONDS": f"{_beat_seconds(wish):g}",
    }
    if wish.role is not None and wish.role.shift.handoff:
        variables["MARVEL_HANDOFF"] = f"{place.directory}/handoff.md"
        if session.predecessor:
            parent = place.directory.rpartition("/")[0]
            theirs, copy = f"{parent}/{session.predecessor}/handoff.md", f"{place.directory}/predecessor.md"
            variables["MARVEL_HANDOFF_FROM"] = copy if wish.template.runtime.contain else theirs
    return variables


def _beat_seconds(wish: Wish) -> float:
    check = wish.role.healthcheck if wish.role else None
    if check is None or check.type != "heartbeat":
        return DEFAULT_BEAT_SECONDS
    return check.timeout / BEATS_PER_TIMEOUT
