"""A fake agent in a pane: its context grows, it sends beats, it dies or hangs on request.

It lets a team be tried, tested and measured without a model, an account or a bill. To marvel it is a
stranger like any other agent: it knows its pane's environment and the socket, nothing else.

    options   what it was told, on the command line and by the pane's environment
    model     how context and time move on (pure)
    screen    what that looks like (pure)
    draft     what is being typed to it (pure)
    terminal  the bytes to and from the pane
    scripting a supervisor's script, and what it may use
    agent     the loop: ticks, beats, signals
"""

from marvel.simulator.agent import main

__all__ = ["main"]
