"""Change the code in many small ways and check that a test notices each: `python -m tools.mutants [MUTANT ...]`.

mutmut does it, in a copy of the tree. A change that no test notices must be explained in docs/mutants.md, with the
function and the changed line; a change that is neither noticed nor explained makes the check fail.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXPLANATIONS = ROOT / "docs" / "mutants.md"
_ROW = re.compile(r"\| `(?P<function>[\w.]+)` \| `(?P<line>.*?)` \|")
_RESULT = re.compile(r"^\s*(?P<mutant>studio_setup\.\S+): (?P<result>.+)$", re.MULTILINE)
_NOTICED = {"killed", "timeout"}


def main(mutants: list[str]) -> int:
    """Run mutmut; print the numbers and the unexplained changes; 1 if there are any."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        _copy_tree(folder)
        # Given a name, mutmut first runs the tests on the unchanged code, each by its id. A test that cannot be found
        # by its id (two backslashes are enough) would fail with every mutant, as if it noticed them all.
        _mutmut(folder, "run", "--max-children", str(len(os.sched_getaffinity(0))), *(mutants or ["studio_setup.*"]))
        found = _RESULT.findall(_mutmut(folder, "results", "--all", "true", is_shown=False))
        results = {mutant: result for mutant, result in found if not mutants or result != "not checked"}
        left = {mutant: _change(folder, mutant) for mutant, result in results.items() if result not in _NOTICED}
    explained = {(row["function"], row["line"]) for row in _ROW.finditer(EXPLANATIONS.read_text(encoding="utf-8"))}
    unexplained = {mutant: change for mutant, change in left.items() if change not in explained}
    counts = Counter(results.values())
    numbers = ", ".join(f"{count} {result}" for result, count in counts.most_common())
    lines = [
        f"{len(results)} mutants: {numbers}",
        f"{len(left)} not noticed, {len(left) - len(unexplained)} of those explained in {EXPLANATIONS.name}",
        *(f"  {mutant} ({results[mutant]}): {': '.join(change)}" for mutant, change in unexplained.items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if unexplained or not results else 0


def _copy_tree(folder: Path) -> None:
    for part in ("src", "tests", "emulator", "bench"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    # mutmut reads its configuration from pyproject.toml if that has any, and from setup.cfg if not.
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(Path(__file__).with_name("setup.cfg"), folder)


def _mutmut(folder: Path, *arguments: str, is_shown: bool = True) -> str:
    environ = os.environ | {"HYPOTHESIS_PROFILE": "mutants"}
    done = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), *arguments],
        cwd=folder,
        env=environ,
        stdout=sys.stderr if is_shown else subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout or ""


def _change(folder: Path, mutant: str) -> tuple[str, str]:
    """The function and the changed line, which identify the change when other lines move."""
    function = re.sub(r"x(?:_|ǁ(\w+)ǁ)(\w+)__mutmut_\d+$", lambda name: ".".join(filter(None, name.groups())), mutant)
    diff = _mutmut(folder, "show", mutant, is_shown=False)
    added = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return function.removeprefix("studio_setup."), " ".join(added).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
