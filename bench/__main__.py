"""Measures all parts, or those that are named, and writes `results.json`, the page and its pictures: `make bench`.

Each part is a program of its own, whose rows replace those that it measured before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.results import Part, Results

ROOT = Path(__file__).resolve().parents[1]
# In this order: the later ones read what the earlier ones measured.
PARTS = {
    "engine": "bench/engine.py",
    "by_hand": "-m bench.by_hand",
    "cold_start": "-m bench.cold_start",
    "bundle": "-m bench.bundle",
    "one_setup": "-m bench.one_setup",
    "first_command": "-m bench.first_command",
    "run_many": "bench/run_many.py",
    "fleet": "bench/fleet.py",
    "storm": "-m bench.storm --at-once 1 10 50 200",
    "simulation": "-m bench.simulation",
    "money": "-m bench.money",
}
_PYTHON = ".venv/bin/python"
_DRAWN = (".venv/bin/python -m tools.pages", ".venvs/plots/bin/python tools/plots.py")


def main() -> int:
    """Measure, write, and say which parts have failed; 1 if any has."""
    names = _names()
    failed = [name for name in names if not _measure(name)]
    environment = {**os.environ, "PYTHONPATH": "src:."}
    for command in _DRAWN:
        subprocess.run(command.split(), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    print(f"failed: {', '.join(failed) or 'nothing'}")
    return bool(failed)


def _names() -> list[str]:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    named = parser.parse_args().parts
    if unknown := [name for name in named if name not in PARTS]:
        parser.error(f"There is no part {', '.join(unknown)}: they are {', '.join(PARTS)}.")
    return [name for name in PARTS if not named or name in named]


def _measure(name: str) -> bool:
    """Run one part and keep its rows; did it meet all of its targets?"""
    print(f"\n{name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "rows"
        environment = {**os.environ, "BENCH_ROWS": str(lines), "PYTHONPATH": "src:."}
        command = [sys.executable, *PARTS[name].split()]
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        written = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    results = Results.load()
    results.parts[name] = Part(
        command=f"PYTHONPATH=src:. {_PYTHON} {PARTS[name]}",
        measured_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        cores=len(os.sched_getaffinity(0)),
        rows=[line for line in written if "picture" not in line],
        pictures={line["picture"]: line["data"] for line in written if "picture" in line},
    )
    results.save(PARTS)
    return status == 0 and bool(written)


if __name__ == "__main__":
    sys.exit(main())
