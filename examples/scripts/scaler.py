"""A supervisor that scales: another agent when all are getting full, one less when they have room.

Needs the capability `scale`, which a role named supervisor has.
"""

import marvel  # what the simulator gives to its scripts

LEAST, MOST = 2, 6
FULL, EMPTY = 70, 30  # percent of context, on average
EVERY_TICKS = 5


def on_tick(pct, tick):
    if tick % EVERY_TICKS:
        return
    agents = [agent for agent in marvel.list_agents(role="agent") if agent.state == "running"]
    used = [agent.context_percent or 0 for agent in agents]
    if not used:
        return
    average = sum(used) / len(used)
    wanted = len(agents) + (average > FULL) - (average < EMPTY)
    wanted = max(LEAST, min(MOST, wanted))
    if wanted != len(agents):
        marvel.log(f"context {average:.0f} %: {len(agents)} -> {wanted} agents")
        marvel.scale_team("agent", wanted)
