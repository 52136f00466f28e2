"""What was measured: kept as numbers, printed as medians and ratios."""

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.clock import median


class Figure(NamedTuple):
    """All values of one contestant in one row at one size."""

    row: str
    who: str
    size: int
    unit: str
    values: list[float]


class Table:
    """Collects figures; a row's order is that of its first figure."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str, int], Figure] = {}
        self._targets: dict[str, str] = {}

    def add(self, row: str, who: str, value: float, *, size: int = 0, unit: str = "ms") -> None:
        """One more value."""
        figure = self._figures.setdefault((row, who, size), Figure(row, who, size, unit, []))
        figure.values.append(value)

    def aim(self, row: str, target: str) -> None:
        """What a row is to reach."""
        self._targets[row] = target

    def median(self, row: str, who: str, size: int = 0) -> float:
        """The median of a figure; not a number when there is none."""
        figure = self._figures.get((row, who, size))
        return median(figure.values) if figure else float("nan")

    def text(self, base: str = "marvel") -> str:
        """Every row: medians, spread, and how often the base's median each is."""
        lines = []
        for row in dict.fromkeys(figure.row for figure in self._figures.values()):
            target = f"   (reach: {self._targets[row]})" if row in self._targets else ""
            lines.append(f"\n{row}{target}")
            lines += [self._line(figure, base) for figure in self._figures.values() if figure.row == row]
        return "\n".join(lines)

    def _line(self, figure: Figure, base: str) -> str:
        middle = median(figure.values)
        beside = self.median(figure.row, base, figure.size)
        ratio = f"{middle / beside:8.2f} x" if beside > 0 else " " * 10
        size = f"N={figure.size}" if figure.size else ""
        spread = f"{min(figure.values):.2f} .. {max(figure.values):.2f}"
        count = len(figure.values)
        return f"  {size:10} {figure.who:24} {middle:12.2f} {figure.unit:9} {ratio}   {spread}  ({count})"

    def save(self, path: str, options: Sequence[str]) -> None:
        """Everything as JSON."""
        figures = [{**figure._asdict(), "median": median(figure.values)} for figure in self._figures.values()]
        told = {"machine": machine(), "options": list(options), "targets": self._targets, "figures": figures}
        Path(path).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """Where and when this was measured."""
    model = next(
        (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown"
    )
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
