"""Writes the log that this release makes, as SQL: `python -m tests.migrations.make_log > log-NNNN.sql`.

Done once for each revision, before its release; a log that was kept is never written anew.
"""

import sqlite3
import sys
import tempfile

from marvel import commands, events
from marvel.events import Draft, Ref
from marvel.resources import EndpointSpec, HealthcheckSpec, Template
from marvel.settings import Paths
from marvel.store.log import Store
from tests.given import SQUAD, START, Story, manifest, role


def main() -> None:
    """A small history: a team that crashes, scales, shifts, begins to shift; a one-off; a stopped daemon."""
    story = Story()
    story.add(Ref(), events.LogCreated(log_id="never"))  # the store's own first event
    wanted = manifest(
        role(replicas=3, healthcheck=HealthcheckSpec()),
        endpoints=(EndpointSpec(name="svc", team="squad"),),
    )
    story.record(commands.apply(story.world, wanted, story.now))
    story.add(Ref(), events.DaemonStarted(run_id="run", pid=1, version="0"))
    story.run()
    story.crash(0, exit_status=7).run()
    story.scale(2)
    story.run()
    story.gone().run()
    story.record(commands.shift(story.world, SQUAD))
    for _ in range(3):
        story.run().gone()
    story.run()
    story.record(commands.shift(story.world, SQUAD))
    story.settle()
    story.record(commands.run(story.world, events.RoleKey("demo", "adhoc", "adhoc"), Template(), story.now))
    story.add(Ref(), events.DaemonStopped(run_id="run", reason="stop"))
    with tempfile.TemporaryDirectory() as directory:
        paths = Paths(f"{directory}/home")
        time = START
        store = Store(paths, clock=lambda: time)
        for event in story.events[1:]:
            time = event.time
            draft = Draft(ref=event.ref, fact=event.fact, cause=event.cause, actor=event.actor)
            store.record(lambda *_, draft=draft: [draft], actor="test")
        store.beat([{"uid": story.slot(0).uid, "at": 1, "context_percent": 12.5, "count": 1}])
        store.close()
        with sqlite3.connect(paths.database) as connection:
            sys.stdout.writelines(f"{line}\n" for line in connection.iterdump())
        connection.close()


if __name__ == "__main__":
    main()
