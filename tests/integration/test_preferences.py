"""config.toml, as the commands and the daemon follow it."""

from tests.integration.home import Home, until
from tests.integration.manifests import SLEEP, manifest, role


def prefer(home: Home, text: str) -> None:
    file = home.path / "config" / "marvel" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_a_persons_preferences_are_followed(home: Home) -> None:
    conf = home.path / "tmux.conf"
    conf.write_text("set -g status-right 'mine'\n", encoding="utf-8")
    prefer(
        home,
        f'output = "name"\ncolours = "always"\ntmux_conf = "{conf}"\nhistory_limit = 1234\n',
    )
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP))))
    until(lambda: home.states() == {"t-r-g1-0": "running"}, "it runs")
    assert home.marvel("get", "sessions").stdout == "session/w/t-r-g1-0\n"
    assert "\x1b[32mrunning" in home.marvel("get", "sessions", "-o", "table").stdout
    assert home.tmux("w", "show-options", "-gv", "status-right") == "mine"
    [session] = home.running(1)
    assert home.tmux("w", "display-message", "-pt", session["pane"], "#{history_limit}") == "1234"


def test_a_tmux_configuration_with_a_wrong_line_is_refused_with_the_line(home: Home) -> None:
    conf = home.path / "tmux.conf"
    conf.write_text("set -g status-right 'mine'\nnonsense here\n", encoding="utf-8")
    prefer(home, f'tmux_conf = "{conf}"\n')
    refused = home.marvel("daemon", ok=False)
    assert refused.returncode == 1
    assert f"{conf}:2: unknown command: nonsense" in refused.stderr
    assert f"{conf}:2: unknown command: nonsense" in home.marvel("doctor", ok=False).stdout


def test_a_tmux_configuration_that_went_wrong_since_keeps_a_server_from_starting(home: Home) -> None:
    conf = home.path / "tmux.conf"
    conf.write_text("set -g status-right 'mine'\n", encoding="utf-8")
    prefer(home, f'tmux_conf = "{conf}"\n')
    home.start()
    conf.write_text("nonsense here\n", encoding="utf-8")
    home.marvel("work", home.write(manifest(role(*SLEEP))))
    until(lambda: home.events("session.start-delayed"), "it is told", home.describe)
    [told] = {event["payload"]["detail"] for event in home.events("session.start-delayed")}
    assert told == f"tmux_conf is not used: {conf}:1: unknown command: nonsense"
    conf.write_text("", encoding="utf-8")
    home.running(1)


def test_a_preference_that_makes_no_sense_is_told(home: Home) -> None:
    prefer(home, 'colours = "purple"\n')
    refused = home.marvel("get", "sessions", ok=False)
    assert refused.returncode == 1
    assert "config.toml: colours: must be one of auto, always, never" in refused.stderr
    assert "Traceback" not in refused.stderr
