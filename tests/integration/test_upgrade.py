"""A newer marvel takes over from an older one: every agent runs on, and none is shifted."""

import shutil
from pathlib import Path

import marvel
from tests.integration.home import Home
from tests.integration.manifests import SLEEP, manifest, role

NEWER = "9.9.9"
TELLS_MORE = '[team.role.healthcheck]\ntype = "heartbeat"\ntimeout = "40s"\n'


def newer_marvel(directory: Path) -> Path:
    """A copy of marvel as a later release could be: another version, and fields with defaults added."""
    package = Path(marvel.__file__).parent
    shutil.copytree(package, directory / "marvel", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(package.parent / "migrations", directory / "migrations")
    for name, old, new in (
        ("__init__.py", f'"{marvel.__version__}"', f'"{NEWER}"'),
        ("resources.py", '    image: str = ""  #', '    novelty: str = "as ever"\n    image: str = ""  #'),
        ("resources.py", "    max_surge: int", "    novelty: float = 7.5\n    max_surge: int"),
        ("resources.py", "    failure_threshold: int = 3", "    failure_threshold: int = 5"),
    ):
        file = directory / "marvel" / name
        text = file.read_text()
        assert text.count(old) == 1, (name, old)
        file.write_text(text.replace(old, new))
    return directory


def test_an_upgrade_keeps_every_agent_and_shifts_none(home: Home) -> None:
    home.start()
    text = role(*SLEEP, replicas=2, sections=TELLS_MORE) + role(*SLEEP, name="q")
    file = home.write(manifest(text))
    home.marvel("work", file, "--wait")
    before = home.running(3)
    home.marvel("stop", "--keep-sessions")
    assert home.daemon is not None
    home.daemon.wait(timeout=30)
    assert sorted(home.processes()) == sorted(row["pid"] for row in before)

    home.environ["PYTHONPATH"] = str(newer_marvel(home.path / "newer"))
    assert NEWER in home.marvel("version").stdout
    home.start()
    assert [e["payload"]["version"] for e in home.events("daemon.started")] == [marvel.__version__, NEWER]
    same = ("uid", "pid", "pane", "generation", "restarts", "state", "ready")
    assert [[r[n] for n in same] for r in home.running(3)] == [[r[n] for n in same] for r in before]

    head = home.head()
    home.marvel("diff", file)
    home.marvel("work", file, "--wait")
    assert home.head() == head  # the same file again says nothing new
    assert home.events("shift.%") == []
    home.marvel("scale", "w/t", "--role", "r", "--replicas", "3")
    after = home.running(4)
    assert {row["uid"] for row in before} < {row["uid"] for row in after}
    home.whole()


def test_going_back_to_the_older_one_keeps_them_too(home: Home) -> None:
    older = home.environ.copy()
    home.environ["PYTHONPATH"] = str(newer_marvel(home.path / "newer"))
    home.start()
    home.marvel("work", home.write(manifest(role(*SLEEP, replicas=2))), "--wait")
    before = home.running(2)
    home.marvel("stop", "--keep-sessions")
    assert home.daemon is not None
    home.daemon.wait(timeout=30)
    home.environ = older
    home.start()
    assert home.running(2) == before
    assert home.events("shift.%") == []
    home.whole()
