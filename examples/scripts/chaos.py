"""A supervisor that makes trouble: every few seconds it kills an agent, or lets a visitor in for a while.

The team returns to what the manifest declares each time: marvel get sessions -w, or marvel events.
"""

import random

import marvel  # what the simulator gives to its scripts

SECONDS_PER_TICK = 2  # as the manifest's --tick says
FIRST_TICK = 10 // SECONDS_PER_TICK  # a quiet beginning of ten seconds
EVERY_TICKS = 5


def on_tick(pct, tick):
    if tick < FIRST_TICK or (tick - FIRST_TICK) % EVERY_TICKS:
        return
    for visitor in marvel.list_agents(role="visitor"):
        if visitor.state == "succeeded":
            marvel.kill_agent(visitor.name)  # it has left: off the list
    running = [agent for agent in marvel.list_agents(role="agent") if agent.state == "running"]
    if running and random.random() < 0.6:
        victim = random.choice(running)
        marvel.log("killing", victim.name)
        marvel.kill_agent(victim.name)
    else:
        name = marvel.create_agent("simulator", "--exit-after", "8")
        marvel.log("let", name, "in for 8 seconds")
