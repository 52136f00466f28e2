"""The outside world of marvel: one tmux server per workspace, over one control connection each.

Read from the outside in:

    server      `TmuxServer`, what can be asked        blocking    one question from a command line
    records     what goes in and comes out             scripts     the command lines, how replies are read
    listing     the list of panes, strictly read
    connection  the life of a connection               setup       what makes a server ready
    channel     what the owner's loop sees of it       link        the client process and its socket
    pipeline    requests in flight, their time-outs    timers      things to do later
    control     framing of control mode                quote       tmux's parser
    processes   /proc and pidfds                       statuses    dead panes without a status
    environment, version, conf                         keeper      the window that is always there
    typist      typing, for all who do                 attach      a person at a pane
    guard       whether a session may be typed to now  composer    whether Enter took what was typed
    terminals   how a pane's program reads            program     which tmux talks to a server
    writer      what a pane prints, kept on disk

Nothing here blocks (but `blocking`), knows events, or decides.
"""

from __future__ import annotations

from marvel.tmux.attach import attach_argv, end_abandoned_views
from marvel.tmux.blocking import call
from marvel.tmux.conf import conf_problem
from marvel.tmux.environment import server_environment
from marvel.tmux.guard import Leave, Standing, standing_of
from marvel.tmux.program import program_for
from marvel.tmux.records import Failed, Look, Pane, PaneSpec, outcome_of
from marvel.tmux.server import TmuxServer
from marvel.tmux.terminals import Terminal, terminal
from marvel.tmux.typist import Message, Post, type_to
from marvel.tmux.version import MAX_SOCKET_PATH, check_socket_path, check_version

__all__ = [
    "MAX_SOCKET_PATH",
    "Failed",
    "Leave",
    "Look",
    "Message",
    "Pane",
    "PaneSpec",
    "Post",
    "Standing",
    "Terminal",
    "TmuxServer",
    "attach_argv",
    "call",
    "check_socket_path",
    "check_version",
    "conf_problem",
    "end_abandoned_views",
    "outcome_of",
    "program_for",
    "server_environment",
    "standing_of",
    "terminal",
    "type_to",
]
