"""The terminal: argv in, text out.

| module | does |
|---|---|
| `errors` | the one error boundary: exit statuses, `error: …` and `hint: …` |
| `app` | every command by name; its module is imported when it is called |
| `reading` | the signatures of the reading commands |
| `request`, `get` | listings, for both lanes |
| `objects` | rows → what a program gets to see, and masking |
| `listing` | objects → columns of a table |
| `describe`, `pages` | one resource, for people |
| `history` | events, verify, rebuild |
| `summaries` | an event's payload in a few words |
| `table`, `times` | the printer; times and spans |

This file imports nothing: `get` must not pay for Typer.
"""
