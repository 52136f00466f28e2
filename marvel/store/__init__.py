"""The event log and what is derived from it.

| module | does |
|---|---|
| `query` | reads for people and the CLI's fast lane: standard library only, read-only |
| `condition` | how the running daemon is, by its note: standard library only |
| `bell` | wakes those who wait for the log to grow |
| `schema` | the tables |
| `engine` | connections as SQLite wants them; its errors in words |
| `revisions`, `faults` | which schema a log has; SQLite's errors in words: standard library only |
| `migrate` | brings the tables to the present schema |
| `log` | the one door: `Store.record`, and reading events |
| `projections` | rows from events, and back: load, write, rebuild, check |
| `chain` | checks the hash chain of a log, or of one in a file |
| `copies`, `archive` | backups and restores; old events moved to a file |
| `room` | free pages given back to the file system |
| `snapshots` | the world every so many positions, for looking back quickly |
| `rows` | the world, now or at an earlier position, and its events, from what a reader sees |

This file imports nothing: `get` must not pay for SQLAlchemy.
"""
