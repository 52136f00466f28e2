"""Benchmarks: marvel beside supervisor, circus, pm2, raw tmux (the limit) and `python -c pass` (the floor).

    just bench [--short] [--json FILE] [--only fleet,log,…]

| module | does |
|---|---|
| `__main__` | the command: which rows, how often, what is printed |
| `fleet` | N agents under each contestant: start, replacement, scale +1, listing, idle cost |
| `proportion` | what one beat, exit and scale cost marvel's daemon beside 10 and beside 1,000 agents |
| `lanes` | start-up of commands, and beats over the socket |
| `recovery` | a shift, and a tmux server that was killed |
| `eventlog` | append, replay, and looking back in logs of 10^4 to 10^6 events |
| `watching` | from a commit to a watcher that has seen it |
| `contestants` | who is measured, behind one interface |
| `tools` | the peers, installed into a directory of the benchmark's own |
| `clock` | time, CPU time, waiting; `table` prints |

Contestants are run in turn, again and again, so that what else the machine does meets all of them; figures
are medians, and ratios hold better than they do. Agents are `sleep`s that leave a file when they begin,
which is how a running one is told, for everybody in the same way. All state is under one temporary
directory; what was started is ended by its pid.
"""
