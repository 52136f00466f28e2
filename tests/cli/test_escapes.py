"""Whatever an agent says of itself, and whatever stands in a manifest: no terminal is steered by it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cli_terminal import Terminal
from recorded import History

from marvel import events
from marvel.cli.table import harmless
from marvel.resources import (
    EndpointSpec,
    HealthcheckSpec,
    Manifest,
    RoleKey,
    RoleSpec,
    RuntimeSpec,
    TeamSpec,
    Template,
)

# Clears the screen, renames the window, goes back over the line, C1 CSI, and writes from right to left.
EVIL = "a\x1b[2J\x1b]0;pwned\x07\x9b31m\r\b\x7f\u202eb\n$(c)"
SQUAD = RoleKey("demo", "squad", "agent")
PAGES = (
    "get sessions",
    "get sessions --all -o wide",
    "get teams -o wide",
    "get endpoints",
    "get shifts",
    "get sessions -o name",
    "describe session demo/squad-agent-g1-0",
    "describe session demo/squad-agent-g1-1",
    "describe team demo/squad",
    "describe workspace demo",
    "describe endpoint demo/e",
    "events -n 100",
    "export demo",
    "why demo/squad-agent-g1-0",
    "why demo/squad-agent-g1-1",
    "why demo/squad",
    "report",
    "get sessions --at 15",
    "describe demo/squad-agent-g1-1 --at 15",
    "replay --speed 1000000",
    "get sessions -o json",
    "get sessions -o jsonl",
    "describe session demo/squad-agent-g1-0 -o json",
    "events -o json",
    "capture demo/squad-agent-g1-1",
    "logs demo/squad-agent-g1-1",
    "logs demo/squad-agent-g1-0",
)


def evil_world(home: Path) -> None:
    """A role and two sessions in which every text is evil."""
    history = History(home)
    runtime = RuntimeSpec(
        image="claude",
        command=f"/bin/{EVIL}",
        args=(EVIL, f"--{EVIL}"),
        env={"NAME": EVIL},
        cwd=f"/tmp/{EVIL}",
    )
    template = Template(runtime=runtime)
    told = {
        field.name: EVIL
        for field in msgspec.structs.fields(Template)
        if field.type is str and field.name in ("persona", "identity", "prompt", "resume_prompt")
    }
    template = msgspec.structs.replace(template, **told)
    role = RoleSpec(name="agent", replicas=2, template=template, healthcheck=HealthcheckSpec())
    team = TeamSpec(name="squad", roles=(role,))
    history.apply(
        Manifest(workspace="demo", teams=(team,), endpoints=(EndpointSpec(name="e", team="squad"),))
    )
    history.cohort(SQUAD, 1, template, 2)
    lives, ended = (history.schedule(SQUAD, 1, index, image="claude") for index in (0, 1))
    for pane, ref in enumerate((lives, ended), 1):
        history.start(ref, pane)
    said = events.SessionSignaled(activity="waiting", detail=EVIL, model=EVIL, agent_session_id=EVIL)
    history.add(lives, said)
    history.add(lives, events.SessionAttention(reason="waiting", detail=EVIL))
    history.add(lives, events.HealthChanged(health="unhealthy", reason=EVIL))
    history.end(ended, exit_status=1, reason=EVIL, detail=EVIL, tail_sha256="ab")
    history.close()
    for uid in (lives.uid, ended.uid):
        directory = home / "sessions" / str(uid)
        directory.mkdir(parents=True, mode=0o700)
        (directory / "tail").write_text(f"{EVIL}\n{EVIL}\n")
    (home / "sessions" / str(lives.uid) / "output.log").write_text(f"{EVIL}\n{EVIL}")


@pytest.fixture
def evil(empty: Terminal) -> Terminal:
    evil_world(empty.home)
    return empty


def steers(text: str) -> list[str]:
    return sorted({c for c in text if not c.isprintable() and c not in "\n\t"})


@pytest.mark.parametrize("line", PAGES)
def test_nothing_evil_reaches_the_terminal(evil: Terminal, line: str) -> None:
    out, err, status = evil.full(line)
    assert status == 0, err
    assert out + err
    assert (steers(out), steers(err)) == ([], [])


@pytest.mark.parametrize("line", ["describe session {}", "kill {}", "get {}", "{}", "capture {}", "wait {}"])
def test_what_is_refused_is_quoted_without_its_escapes(evil: Terminal, line: str) -> None:
    out, err, status = evil.full(line.format("x\x1b[2J\x9bm"))
    assert status in (1, 2, 4)
    assert err.startswith("error: ")
    assert (steers(out), steers(err)) == ([], [])


def test_a_screen_keeps_what_shows_and_loses_what_steers() -> None:
    family = "👨\u200d👩\u200d👧\té日\n"
    assert harmless(family) == family
    assert harmless("a\x1b[2J\x9b\r\u202e") == "a?[2J???"


@pytest.mark.parametrize("line", ["run {}", "get sessions --workspace {}", "events --kind {}", "describe {}"])
def test_words_that_are_not_utf_8_are_refused_as_such(evil: Terminal, line: str) -> None:
    assert evil.error(line.format("\udcff"), 2).startswith("error: argument ")
