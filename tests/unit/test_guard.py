"""The guard: which sessions may be typed to now; and that no text gets past it."""

import ast
from pathlib import Path

import msgspec
import pytest

import marvel
from marvel.resources import Session
from marvel.tmux import Leave, Standing, standing_of
from marvel.tmux.guard import refusal
from marvel.tmux.records import Watcher

NOW = 1000.0
SOURCES = Path(marvel.__file__).parent
FREE = Standing(activity="idle")
TRUST = Standing(heard=False, words=(("Trust it?", "trust"),))
CLAUDE = Session(
    position=1,
    workspace="w",
    team="t",
    role="r",
    name="t-r-g1-0",
    uid="u1",
    generation=1,
    index=0,
    state="running",
    created_at=1.0,
    image="claude",
    command="",
)
TYPES = Watcher(pane="%1", active_at=NOW - 1, read_only=False)


def said(
    standing: Standing | None,
    screen: str = "> ",
    *watchers: Watcher,
    text: str = "",
    own: str = "",
    **leave: bool,
) -> str:
    failed = refusal(standing, screen, watchers, pane="%1", now=NOW, leave=Leave(**leave), text=text, own=own)
    return failed.message if failed is not None else ""


@pytest.mark.parametrize("activity", ["", "working", "idle", "limited", "compacting", "stuck"])
def test_an_agent_that_asks_nothing_may_be_typed_to(activity: str) -> None:
    assert said(msgspec.structs.replace(FREE, activity=activity)) == ""


def test_a_dialog_a_question_a_waiting_or_unheard_agent_is_left_to_a_user_and_keys_may_answer() -> None:
    for standing, screen, why in (
        (Standing(activity="waiting"), "> ", "it waits for a person's answer"),
        (TRUST, "Trust it?", "it shows a trust dialog"),
        (FREE, "Go on? [y/N] ", "it shows a question"),
        (Standing(heard=False, starts=True), "", "it has not reported its start yet"),
    ):
        assert said(standing, screen) == why
        assert said(standing, screen, over_person=True) == why
        assert said(standing, screen, over_dialog=True) == ""


def test_nothing_is_typed_over_someone_but_an_old_key_a_reader_or_another_pane_is_no_one() -> None:
    assert said(FREE, "> ", TYPES) == "a person is typing there"
    assert said(FREE, "> ", TYPES, over_dialog=True) == "a person is typing there"
    assert said(FREE, "> ", TYPES, over_person=True) == ""
    for other in ({"pane": "%2"}, {"active_at": NOW - 60}, {"read_only": True}):
        assert said(FREE, "> ", msgspec.structs.replace(TYPES, **other)) == ""


def test_the_form_of_a_question_in_the_message_itself_is_none_of_the_program() -> None:
    assert said(FREE, "> Go on? [y/N]", own="Go on? [y/N]") == ""
    assert said(Standing(activity="waiting"), "> Go on? [y/N]", own="Go on? [y/N]")


def test_a_dialog_that_opens_after_a_text_which_quotes_one_is_still_a_dialog() -> None:
    dialog = "Do you want to proceed?\n> 1. Yes\n  2. No"
    own = f"A user saw:\n{dialog}"
    assert said(FREE, dialog, own=own) == "it shows a question"
    assert said(FREE, f"> {own}", own=own) == ""
    assert said(FREE, f"│ > {own}  │\n\nDelete it all? [y/N]", own=own) == "it shows a question"
    assert said(TRUST, "Trust it?", own=own) == "it shows a trust dialog"


def test_gemini_is_sent_what_begins_with_a_slash_when_it_is_idle_and_the_others_at_any_time() -> None:
    for image, activity, refused in (
        ("gemini", "working", True),
        ("gemini", "idle", False),
        ("claude", "working", False),
    ):
        session = msgspec.structs.replace(CLAUDE, image=image, activity=activity, signaled_at=1.0)
        why = "it submits no text that begins with / while it works" if refused else ""
        assert said(standing_of(session), text="/srv/data is full") == why
        assert said(standing_of(session), text="see /srv/data") == ""
        assert said(standing_of(session), text="/srv/data is full", over_dialog=True) == ""


def test_one_that_has_ended_is_not_typed_to_by_any_leave() -> None:
    assert said(None, over_person=True, over_dialog=True)


def test_what_is_recorded_of_a_session_says_whether_it_was_heard_and_is_to_report_its_start() -> None:
    replaced = msgspec.structs.replace
    claude = replaced(CLAUDE, heartbeat="once-seen")

    def starts(session: Session) -> bool:
        standing = standing_of(session)
        assert standing is not None
        return standing.starts

    assert starts(claude)
    assert not starts(replaced(claude, signaled_at=2.0))
    assert not starts(replaced(claude, degraded="too old"))
    assert not starts(replaced(claude, image="", command="sh"))
    assert standing_of(replaced(claude, state="failed")) is None
    assert standing_of(None) is None


# --- no other way --------------------------------------------------------------------------------------


def users(names: set[str]) -> set[str]:
    """The modules of marvel that call a method or function of one of these names, or refer to it."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = (
                node.attr
                if isinstance(node, ast.Attribute)
                else node.id
                if isinstance(node, ast.Name)
                else ""
            )
            if name in names and not (isinstance(node, ast.Attribute) and _is_own(node)):
                found.add(str(path.relative_to(SOURCES)))
    return found


def _is_own(node: ast.Attribute) -> bool:
    """Whether a method of the object itself is meant, as `self.paste`."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def holders(words: tuple[str, ...]) -> set[str]:
    """The modules in which a string, but for docstrings, contains one of these words."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in docs and any(word in node.value for word in words):
                found.add(str(path.relative_to(SOURCES)))
    return found


def importers(module: str, name: str) -> set[str]:
    """The modules that import a name from a module."""
    return {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == module
        if name in {alias.name for alias in node.names}
    }


def test_no_other_path_reaches_what_types_in_tmux() -> None:
    assert holders(("paste-buffer", "send-keys", "pasteb")) == {"tmux/scripts.py"}
    assert users({"paste_text"}) == {"tmux/server.py"}
    assert users({"send_keys"}) == {"tmux/server.py", "tmux/typist.py"}
    assert users({"type_to"}) == {"client/messages.py", "daemon/hands.py"}
    assert importers("marvel.tmux.guard", "refusal") == {"tmux/typist.py"}


def test_the_typist_pastes_and_presses_only_what_the_guard_allowed() -> None:
    """Each effect is in a method that only the guard's check leads to, or a step after one."""
    tree = ast.parse((SOURCES / "tmux" / "typist.py").read_text(encoding="utf-8"))
    [attempt] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "_Attempt"]
    methods = {node.name: node for node in attempt.body if isinstance(node, ast.FunctionDef)}

    def mentions(name: str) -> set[str]:
        return {
            method
            for method, body in methods.items()
            for node in ast.walk(body)
            if isinstance(node, ast.Attribute) and node.attr == name
        }

    assert mentions("paste") | mentions("send_keys") == {"_begin_typing", "_press"}
    assert mentions("_begin_typing") == {"begin"}  # handed to the check
    assert mentions("_press") == {"_begin_typing", "_pasted", "_may_enter"}  # the guard's, or the terminal's
    assert mentions("_check") == {"begin", "_may_enter"}
    assert mentions("_pasted") == {"_begin_typing"}
