"""Draws the pictures of docs/performance.md from bench/results.json: the same results give the same files.

It runs in an environment of its own and imports nothing of this project: `.venvs/plots/bin/python tools/plots.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

_ROOT = Path(__file__).resolve().parents[1]
_RESULTS = _ROOT / "bench" / "results.json"
_PLOTS = _ROOT / "docs" / "plots"
_STYLE = {
    "svg.hashsalt": "studio-setup",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.figsize": (7.2, 3.4),
    "figure.facecolor": "white",
}


def main() -> None:
    """Draw what has been measured."""
    parts: dict[str, Any] = json.loads(_RESULTS.read_text(encoding="utf-8"))
    pictures = {name: data for part in parts.values() for name, data in part["pictures"].items()}
    _PLOTS.mkdir(exist_ok=True)
    plt.switch_backend("svg")
    mpl.rcParams.update(_STYLE)
    if "steps" in pictures:
        _draw_steps(pictures["steps"])
    if "storm" in parts:
        _draw_latency(parts["storm"]["rows"])
    if "queue" in pictures:
        _draw_queue(pictures["queue"])
    if "cost" in pictures:
        _draw_cost(pictures["cost"])


def _draw_steps(steps: dict[str, float]) -> None:
    """A waterfall: each step begins where the one before ends."""
    figure, axes = plt.subplots()
    begins = 0.0
    for at, seconds in enumerate(steps.values()):
        axes.barh(at, seconds * 1000, left=begins, color="#3b6ea5")
        axes.text(begins + seconds * 1000, at, f"  {seconds * 1000:.0f} ms", va="center", fontsize=9)
        begins += seconds * 1000
        axes.axvline(begins, color="#dddddd", linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(steps)), list(steps))
    axes.invert_yaxis()
    axes.set_xlim(0, begins * 1.12)
    axes.set_xlabel("milliseconds since the setup began")
    _save(figure, "steps")


def _draw_latency(rows: list[dict[str, Any]]) -> None:
    """Median and last of the setups that begin at the same moment."""
    figure, axes = plt.subplots()
    for what, label, marker in (
        ("the last one set up after", "the last one", "o"),
        ("set up after, median", "median", "s"),
    ):
        found = ((re.match(rf"(\d+) setups at once.*: {what}$", row["name"]), row) for row in rows)
        points = [(int(match[1]), row["value"]["median"]) for match, row in found if match]
        axes.plot(*zip(*points, strict=True), marker=marker, label=label)
    bounds = [(at, max(0.0, at * 3.5 / 20)) for at in (1, 10, 50, 200)]
    axes.plot(
        *zip(*bounds, strict=True),
        linestyle=":",
        color="#777777",
        label="the last one, as soon as the API's rate allows",
    )
    axes.set_xscale("log")
    axes.set_xticks([1, 10, 50, 200], ["1", "10", "50", "200"])
    axes.minorticks_off()
    axes.set_xlabel("setups at the same moment, with an API that accepts 20 calls a second")
    axes.set_ylabel("seconds")
    axes.legend(frameon=False)
    _save(figure, "latency")


def _draw_queue(samples: list[list[float]]) -> None:
    """Events that wait, functions that run, and apps that are set up, over time in seconds."""
    figure, axes = plt.subplots()
    seconds, *counts = zip(*samples, strict=True)
    minutes = [at / 60 for at in seconds]
    for count, label in zip(counts, ("events in Lambda's queue", "functions running", "apps set up"), strict=True):
        axes.plot(minutes, count, label=label)
    axes.set_xlabel("minutes since the first start")
    axes.legend(frameon=False)
    _save(figure, "queue")


def _draw_cost(sizes: dict[str, list[list[float]]]) -> None:
    """What 1,000 starts cost, by start-up time, for each memory size."""
    figure, axes = plt.subplots()
    for size, points in sizes.items():
        axes.plot(*zip(*points, strict=True), marker=".", label=f"{size} MB")
    axes.set_xlabel("start-up time in seconds")
    axes.set_ylabel("US$ per 1,000 starts")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False)
    _save(figure, "cost")


def _save(figure: Any, name: str) -> None:  # noqa: ANN401 (matplotlib is not in the environment of the checks)
    figure.tight_layout()
    figure.savefig(_PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
