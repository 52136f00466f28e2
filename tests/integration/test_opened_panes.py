"""What an agent opens on marvel's own tmux server ends with it; what a person opens there does not."""

import os

from tests.integration.home import Home, until
from tests.integration.manifests import manifest, role

OPENS = "tmux split-window -d 'exec sleep 7001'; tmux new-window -d 'exec sleep 7002'; exec sleep 1000"


def sleeping(home: Home, seconds: int) -> list[int]:
    """Processes on the server of w that sleep for so many seconds."""
    listed = home.tmux("w", "list-panes", "-a", "-F", "#{pane_pid} #{pane_dead} #{pane_start_command}")
    rows = [line.split(None, 2) for line in listed.splitlines()]
    wanted = f"exec sleep {seconds}"
    return [int(pid) for pid, dead, command in rows if dead == "0" and command.strip(chr(34)) == wanted]


def opened(home: Home) -> list[int]:
    return sleeping(home, 7001) + sleeping(home, 7002)


def agent() -> str:
    return manifest(role("sh", "-c", OPENS, sections='[team.role.stop]\ngrace = "1s"'))


def test_panes_that_an_agent_opened_end_with_it_and_a_persons_stay(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(agent()), "--wait")
    until(lambda: len(opened(home)) == 2, "the agent opened its panes", home.describe)
    first = opened(home)
    [row] = home.running(1)
    home.tmux("w", "split-window", "-d", "-t", row["pane"], "exec sleep 7003")
    [mine] = sleeping(home, 7003)
    home.marvel("kill", "w/t-r-g1-0")
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in first), "they end", home.describe)
    until(lambda: len(opened(home)) == 2, "so do those of the next one open", home.describe)
    home.marvel("delete", "workspace", "w", "--wait")
    until(lambda: opened(home) == [], "nothing is left", home.describe)
    assert sleeping(home, 7003) == [mine]
    assert home.tmux("w", "list-panes", "-a", "-F", "#{pane_dead}").split().count("1") == 0
    assert f"(pid {mine}, sleep 7003) is no session's" in home.marvel("doctor", ok=False).stdout
    assert "left running: pane" in home.marvel("stop", "--yes").stderr
    assert os.path.exists(f"/proc/{mine}")


def test_panes_that_an_agent_opened_do_not_keep_its_server(home: Home) -> None:
    home.start()
    home.marvel("work", home.write(agent()), "--wait")
    until(lambda: len(opened(home)) == 2, "the agent opened its panes", home.describe)
    pids = opened(home)
    home.kill_daemon()
    home.start()
    home.marvel("stop", "--yes")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert home.tmux_pid("w") is None
