"""The daemon: observe → reconcile → act → record, in one thread around one selector.

| module | does |
|---|---|
| `main` | takes the lock, opens the log, starts the loop; detaching |
| `loop` | waits for the log, tmux, processes, the socket and deadlines; nothing runs on a fixed tick |
| `reconciler` | catches up with the log, runs the controllers over what changed, appends what they decide |
| `agenda` | which roles the controllers are to look at, at how much of each, and when again |
| `agents` | brings panes to what the world says: start, adopt, notice the end |
| `fleet` | the tmux servers, one per workspace: open, lost, no longer needed |
| `stopper` | ends sessions: keys, signal, grace, KILL, proven gone |
| `leftovers` | ends what runs on without a session: panes nobody owns, what outlived its agent |
| `vitals` | how agents are: leases, beat files, screens, probes; calls for a person |
| `screens` | reads screens: when they changed, which dialog or question they show |
| `hands` | types and presses keys, under the pane's lock |
| `prompts`, `typist` | what is typed: first prompts, once; texts that the log asks for |
| `handoffs` | notices when those that are waited for are written |
| `outputs` | which panes of roles with `log_output` go to disk |
| `kept` | directories of ended sessions, up to a number and a size |
| `leases` | heartbeats in: the lease table, and events when a beat says something new |
| `beats`, `inotify` | beats by touched files |
| `probes` | `exec` probes, one at a time for each session |
| `attention` | runs a person's `on_attention` |
| `children` | short programs, killed as trees at their time-out |
| `listener` | the JSON socket |
| `orders`, `gate` | carries out commands for the command line; what an agent session may do by them |
| `lineage`, `inherited` | which session a caller belongs to, by the processes above it |
| `buckets` | bounds on what one session can have recorded |
| `condition` | how the daemon is, noted for those who only read |
| `reserve` | descriptors that are held for ending what must be ended |
| `processes` | what /proc and pidfds tell |
| `observations` | what was seen, as facts: pure |
| `launch` | a launch plan checked against this machine |
| `lock`, `tokens` | one daemon per state directory; what proves that a beat is a session's own |

The daemon's memory holds handles (pidfds, connections) and what can be read again; what must survive it
is in the log. It may be killed at any moment: the next one lists the panes and finds its agents.
"""
