"""The rows in which every bench reports: what was measured, what stands beside it, and whether the target is met.

`BENCH_ROWS` names a file to which the rows are added too, one JSON object a line, for whoever collects them; so is what
pictures are drawn from.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Measured:
    """What one thing measured, `times` times: the median, and the quartiles below and above it."""

    median: float
    low: float
    high: float
    times: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The median and the quartiles of some values."""
        measured = sorted(values)
        quartiles = statistics.quantiles(measured, n=4, method="inclusive") if len(measured) > 1 else measured * 3
        return cls(statistics.median(measured), quartiles[0], quartiles[2], len(measured))

    def __str__(self) -> str:
        spread = f" ({_short(self.low)}-{_short(self.high)}, {self.times} times)" if self.times > 1 else ""
        return f"{_short(self.median)}{spread}"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured, in `unit`.

    `beside`: what was measured beside it in the same run, as `beside_value`; nothing is, if they are left out.
    `target`: the most that the ratio may be, or the value if nothing stands beside it; None: told, not judged.
    `reason`: why a target that is missed cannot be met; a miss that has none is a failure.
    """

    name: str
    value: Measured
    unit: str
    target: float | None = None
    beside: str = ""
    beside_value: Measured | None = None
    reason: str = ""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of what stands beside it; None if nothing does."""
        return self.value.median / self.beside_value.median if self.beside_value else None

    @property
    def judged(self) -> float:
        """What the target is about: the ratio, or else the value."""
        return self.value.median if self.ratio is None else self.ratio

    @property
    def is_met(self) -> bool:
        """Is the target met?"""
        return self.target is None or self.judged <= self.target

    @property
    def fails(self) -> bool:
        """Is the target missed without a reason?"""
        return not self.is_met and not self.reason

    def as_dict(self) -> dict[str, Any]:
        """The row for a JSON file."""
        return {**asdict(self), "ratio": self.ratio, "is_met": self.is_met}

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        target = "" if self.target is None else f" (target ≤ {_short(self.target)}{'' if self.is_met else ', MISSED'})"
        told = f"{self.name}: {self.value}{unit}"
        if self.beside_value is not None:
            told += f"; {self.beside}: {self.beside_value}{unit}; ratio {self.ratio:.2f}"
        told += target
        return told if self.is_met or not self.reason else f"{told}; {self.reason}"


class Table:
    """Prints rows as they come, and remembers whether one of them fails."""

    def __init__(self) -> None:
        self._failed = False
        self._file = os.environ.get("BENCH_ROWS", "")

    def add(self, row: Row) -> None:
        """Print a row, and add it to the file of whoever collects them."""
        self._failed = self._failed or row.fails
        print(row, flush=True)
        self._write(row.as_dict())

    def picture(self, name: str, data: object) -> None:
        """Hand what a picture is drawn from to whoever collects the rows."""
        self._write({"picture": name, "data": data})

    def _write(self, line: dict[str, Any]) -> None:
        if self._file:
            with Path(self._file).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    @property
    def exit_status(self) -> int:
        """1 if a row fails, else 0."""
        return int(self._failed)


def in_turn(*works: Callable[[], object], times: int) -> list[Measured]:
    """How long each takes, in seconds, by turns: what else the machine does meanwhile strikes all of them alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, seconds in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
    return [Measured.of(seconds) for seconds in taken]


def _short(value: float) -> str:
    """The value with three significant digits."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
