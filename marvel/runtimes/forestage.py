"""forestage: runs claude in a persona; what stands after `--` is claude's, and so are the signals."""

import msgspec

from marvel.runtimes.adapter import Adapter, LaunchPlan, Overlay, Wish
from marvel.runtimes.claude import DIALOGS, KEEPS, LOGIN, SIGNALS, conversation, opening, own_settings, trust
from marvel.runtimes.claude import parse as parse_claude
from marvel.runtimes.values import absent, without


def prepare(wish: Wish, plan: LaunchPlan) -> LaunchPlan:
    """Its own flags, then claude's. No system prompt: claude keeps only the last, the persona's."""
    session, template = wish.session, wish.template
    before, _, after = _split(plan.argv)
    overlays: dict[str, Overlay] = {}
    if wish.merges:
        after, settings = without(after, "--settings")
        path, overlays = own_settings(wish, settings)
        after = (*after, "--settings", path)
    own = [
        *absent(before, "--persona", template.persona),
        *absent(before, "--identity", template.identity),
        *absent(before, "--role", session.role),
        *absent(before, "--name", session.name),
        *absent(before, "--workspace", session.workspace),
        *absent(before, "--team", session.team),
        *absent(before, "--socket", wish.place.socket),
        *absent(before, "--permission-mode", template.permissions),
        *absent(before, "--script", template.runtime.script),
    ]
    argv = (*before, *own, "--", *after, *conversation(wish, after))
    return msgspec.structs.replace(plan, argv=argv, overlays=overlays, typed_prompt=opening(wish))


def _split(argv: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    if "--" not in argv:
        return argv, "", ()
    place = argv.index("--")
    return argv[:place], "--", argv[place + 1 :]


FORESTAGE = Adapter(
    "forestage",
    "once-seen",
    prepare,
    parse_claude,
    resumes=True,
    first_signal="start",
    keeps=KEEPS,
    signals=SIGNALS,
    login=LOGIN,
    trust=trust,
    dialogs=DIALOGS,
)
