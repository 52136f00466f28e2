"""Drawn histories of teams: bounds hold at every event (town.py asserts them), and all converges."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from town import BRIEF, BROKEN, CHECKS, GOOD, TEAM, Town, role

from marvel import commands
from marvel.errors import Rejected
from marvel.resources import RoleKey, RoleSpec, ShiftSpec
from marvel.rules import current_of

SURGES = st.sampled_from([None, 0, 1, 2])
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.3, 1.0, 40.0])),
    st.tuples(st.sampled_from(["shift", "abort", "pause", "resume", "undo", "die", "rise"]), st.none()),
    st.tuples(st.just("scale"), st.integers(0, 5)),
    st.tuples(st.just("work"), st.tuples(st.integers(0, 2), st.sampled_from([GOOD, GOOD, BROKEN, BRIEF]))),
    st.tuples(st.sampled_from(["crash", "kill", "fill", "fill all", "busy"]), st.integers(0, 9)),
)


def declared(
    surge: int | None, unavailable: int, replicas: int, prompt: int, life: str, check: str, min_ready: float
) -> RoleSpec:
    if surge == 0 and unavailable == 0:
        unavailable = 1
    shift = ShiftSpec(
        max_surge=surge, max_unavailable=unavailable, ready_timeout=30, drain_timeout=20, context_percent=80
    )
    made = role(replicas=replicas, life=life, shift=shift, check=check, min_ready=min_ready)
    return replace(made, template=replace(made.template, prompt=str(prompt)))


def take(town: Town, act: str, value: object, remake: object) -> None:
    alive = sorted(town.alive(), key=lambda s: (s.generation, s.index))
    running = [s for s in alive if s.state == "running"]
    picked = running[value % len(running)] if running and isinstance(value, int) else None
    match act:
        case "wait":
            town.run(value, step=max(0.1, value / 20))  # type: ignore[operator,arg-type,type-var]
        case "die":
            town.die()
        case "rise" if not town.up:
            town.rise()
        case "scale":
            town.scale(value)  # type: ignore[arg-type]
        case "work":
            town.work(remake(*value), role("b", replicas=1))  # type: ignore[operator,misc]
        case "crash" if picked and town.up:
            town.crash(picked)
        case "kill" if picked:
            town.do(commands.kill(town.world, picked.uid, town.now))
        case "fill" if picked and town.up:
            town.signal(picked, context_percent=81.0 + value)  # type: ignore[operator]
        case "fill all" if town.up:
            town.fill(*running[value:])  # type: ignore[misc]
        case "busy" if picked and town.up:
            town.signal(picked, activity="working")
        case "shift" | "abort" | "pause" | "resume" | "undo":
            command = commands.shift if act == "shift" else getattr(commands, f"shift_{act}")
            with contextlib.suppress(Rejected):
                town.do(command(town.world, TEAM))


@settings(max_examples=60, deadline=None)
@given(
    surge=SURGES,
    unavailable=st.integers(0, 2),
    replicas=st.integers(0, 4),
    check=st.sampled_from([*CHECKS]),
    min_ready=st.sampled_from([0.0, 0.0, 2.0]),
    steps=st.lists(STEPS, max_size=14),
)
def test_bounds_hold_in_every_step_and_all_converges_when_it_is_left_alone(
    surge: int | None,
    unavailable: int,
    replicas: int,
    check: str,
    min_ready: float,
    steps: list[tuple[str, object]],
) -> None:
    def remake(prompt: int, life: str) -> RoleSpec:
        return declared(surge, unavailable, replicas, prompt, life, check, min_ready)

    town = Town(remake(0, GOOD), role("b", replicas=1))
    town.run(1)
    for act, value in steps:
        take(town, act, value, remake)
    if not town.up:
        town.rise()
    if "paused" in (town.phase(), town.phase("b")):
        town.do(commands.shift_resume(town.world, TEAM))
    town.work(remake(7, GOOD), role("b", replicas=1))
    town.run(30, step=0.25)
    town.run(180, step=3)
    for name in ("a", "b"):
        key = RoleKey(*TEAM, name)
        wanted, cohorts = town.world.roles[key], town.world.cohorts_of(key)
        assert key not in town.world.shifts
        current = current_of(cohorts, None)
        assert current is not None
        assert current.template == wanted.template
        assert len(town.ready(name)) == wanted.replicas
        assert town.generations(name) == ([current.generation] if wanted.replicas else [])
    count = len(town.log)
    town.run(3)
    assert len(town.log) == count
    known = {s.uid for s in town.world.sessions.values()} | {e.ref.uid for e in town.log}
    assert all(not s.predecessor or s.predecessor in known for s in town.alive())
