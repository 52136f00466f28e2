"""What is typed to agents, by whom and when; on real tmux."""

from __future__ import annotations

from tests.integration.home import Home, until
from tests.integration.manifests import manifest, role
from tests.integration.test_panes import as_session

ASKS = ("sh", "-c", "printf 'Overwrite? [y/N] '; read answer; echo answered $answer; exec cat")
LATE = """
import os, sys, termios, time, tty
print("Agent 1.0", flush=True)
time.sleep(float(sys.argv[1]))
tty.setraw(0, termios.TCSAFLUSH)
os.write(1, b"ready> ")
while data := os.read(0, 65536):
    os.write(1, b"got " + data.strip() + b"\\r\\nready> ")
"""
STARTS_LATE = ("python3", "-c", LATE)


def screen(home: Home, key: str) -> str:
    return home.marvel("capture", key).stdout


def test_a_question_is_left_to_a_user_who_answers_it_with_keys(home: Home) -> None:
    home.start()
    roles = (role(*ASKS), role("cat", name="helper", more='capabilities = ["inject"]'))
    home.marvel("work", home.write(manifest(*roles)))
    home.running(2)
    until(lambda: "[y/N]" in screen(home, "r-0"), "it asks", home.describe)
    refused = home.marvel("inject", "r-0", "-e", "y", ok=False)
    assert refused.returncode == 1
    assert "it shows a question" in refused.stderr
    for words in (("-e", "y"), ("--keys", "y", "Enter"), ("--force", "-e", "y")):
        assert as_session(home, "t-helper-g1-0", "inject", "w/t-r-g1-0", *words).returncode == 1
    assert "answered" not in screen(home, "r-0")
    assert home.events("session.refused")[-1]["payload"]["command"] == "inject w/t-r-g1-0 --force"
    assert home.marvel("inject", "r-0", "--keys", "y", "Enter").stdout == "w/t-r-g1-0 submitted\n"
    until(lambda: "answered y" in screen(home, "r-0"), "it was answered", home.describe)
    assert home.marvel("inject", "r-0", "-e", "hello").stdout == "w/t-r-g1-0 submitted\n"


def test_a_message_with_wait_is_typed_once_the_question_is_answered(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*ASKS, sections='[team.role.stop]\ngrace = "1s"\n'))))
    home.running(1)
    until(lambda: "[y/N]" in screen(home, "r-0"), "it asks", home.describe)
    late = home.marvel("inject", "r-0", "-e", "--wait", "--timeout", "600ms", "hello", ok=False)
    assert late.returncode == 3
    assert "it shows a question, for 0.6 s" in late.stderr
    assert "hello" not in screen(home, "r-0")


def test_the_keys_that_end_an_agent_do_not_answer_its_question(home: Home) -> None:
    home.start()
    stop = '[team.role.stop]\nkeys = ["y", "Enter"]\ngrace = "1s"\n'
    home.marvel("work", home.write(manifest(role(*ASKS, sections=stop))))
    home.running(1)
    until(lambda: "[y/N]" in screen(home, "r-0"), "it asks", home.describe)
    [row] = home.sessions()
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "0")
    until(lambda: home.events("session.ended"), "it ended", home.describe)
    [event] = home.events("session.injected")
    assert (event["payload"]["outcome"], event["payload"]["keys"]) == ("failed", True)
    assert event["payload"]["detail"] == "it shows a question"
    assert "answered" not in home.marvel("capture", row["uid"]).stdout


def test_a_prompt_waits_for_an_agent_that_takes_its_keyboard_late(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(manifest(role(*STARTS_LATE, "3", more='prompt = "do it"'))))
    home.running(1)
    until(lambda: "got do it" in screen(home, "r-0"), "the agent has read it", home.describe)
    until(lambda: home.events("session.injected"), "it is recorded", home.describe)
    assert home.events("session.attention") == []


def test_a_prompt_waits_for_ready_pattern_and_ready_delay(home: Home) -> None:
    home.start()
    slow = (
        "echo begun; until test -e go; do sleep 0.05; done; echo '=> '; read line; echo got $line; exec cat"
    )
    roles = (
        role("sh", "-c", slow, more='prompt = "first"', sections='ready_pattern = "^=> *$"\n'),
        role("cat", name="q", more='prompt = "second"', sections='ready_delay = "7s"\n'),
    )
    home.marvel("work", home.write(manifest(*roles)))
    home.running(2)
    until(lambda: home.events("session.injected"), "the delay is over", home.describe)
    [event] = home.events("session.injected")
    assert event["session"] == "t-q-g1-0"
    started = next(e for e in home.events("session.started") if e["session"] == "t-q-g1-0")
    assert event["time"] - started["time"] >= 7
    (home.path / "go").touch()
    until(lambda: "got first" in screen(home, "r-0"), "the pattern came", home.describe)


def test_a_prompt_that_is_typed_and_not_read_calls_someone(home: Home) -> None:
    home.start()
    home.marvel(
        "work", home.write(manifest(role("sh", "-c", "echo begun; exec sleep 1000", more='prompt = "do"')))
    )
    until(lambda: home.events("session.attention"), "someone is called", home.describe)
    [event] = home.events("session.attention")
    assert event["payload"]["reason"] == "unprompted"
    assert "has not read it" in event["payload"]["detail"]
    assert home.sessions()[0]["attention"] == "unprompted"
    assert home.events("session.injected")[0]["payload"]["outcome"] == "typed"


def test_a_handoff_request_that_a_dialog_kept_from_being_typed_is_an_event_that_says_so(home: Home) -> None:
    home.start()
    shift = '[team.role.shift]\nhandoff = "Write."\nhandoff_timeout = "1s"\n'
    home.marvel("work", home.write(manifest(role("cat", sections=shift))), "--wait")
    assert as_session(home, "t-r-g1-0", "heartbeat", "--state", "waiting").returncode == 0
    until(lambda: home.sessions()[0]["activity"] == "waiting", "it waits for an answer", home.describe)
    home.marvel("shift", "w/t")
    until(lambda: home.events("session.typed"), "its time is over", home.describe)
    until(lambda: len(home.events("session.typed")) == 2, "the successor got its notice", home.describe)
    told = {e["payload"]["purpose"]: e["payload"].get("problem", "") for e in home.events("session.typed")}
    assert told == {
        "handoff": "not typed in its time: it waits for a person's answer",
        "handoff-notice": "",
    }
