"""marvel: a control plane for AI agent sessions.

A user's wish, a controller's decision and an observation of tmux are three authors of the same thing, an
event; everything else is derived from the event log. The rooms, in the order in which data visits them:

| room | does |
|---|---|
| `__main__`, `cli` | the terminal: argv in, text out; the one error boundary |
| `top` | the cockpit: the log followed on one screen; acts are commands of `cli` |
| `manifest` | TOML and YAML → resources, and back; every validation message |
| `commands` | what a user may ask: (world, wish) → events, or `Rejected` |
| `store` | the event log: `record` is the one door; projections, reading, the bell |
| `events` | the facts: one frozen record per kind |
| `world` | the only fold: event → rows (`sessionfold`, `shiftfold`: parts of it) |
| `undo` | how the world returns to what is recorded when the log refuses a decision |
| `roster` | the sessions of one role, and which of them need no look; kept up by `world` |
| `rules` | predicates over resources, for commands, controllers and readers alike |
| `resources` | the nouns |
| `daemon` | the loop: observe → reconcile → act → record |
| `controllers` | the decisions: sessions, health, shifts; pure and independent |
| `runtimes` | one file per agent CLI: role → argv, environment, files; payload → signal |
| `tmux` | the outside: one control connection per server |
| `reporter` | what an agent's hook runs: payload in, one heartbeat out; always silent |
| `client`, `simulator` | for programs: a heartbeat, and all that the terminal can do; a whole fake agent |
| `keys`, `durations`, `settings`, `config`, `logs`, `text`, `errors` | names, paths, preferences, log, text |
| `keys`, `durations`, `settings`, `config`, `logs`, `errors` | names, paths, preferences, log, errors |
| `shortages`, `limits` | what the system's errors say, and which of its limits are nearly used up |
| `keys`, `settings`, `config`, `logs`, `errors` | names, paths, preferences, log, errors |

Imports point down only; pyproject.toml has the contracts.
"""

__version__ = "0.1.0"
