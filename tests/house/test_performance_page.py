"""bench/results.json has every part of the bench, and docs/performance.md and its pictures show all of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from bench.__main__ import PARTS
from bench.results import Part, Results
from bench.table import Measured, Row
from tools.performance_page import page_of, row_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
PYTHON = ROOT / ".venvs" / "plots" / "bin" / "python"
MAX_PICTURE_BYTES = 60_000


def _page_of(*rows: Row) -> str:
    part = Part("python -m bench.money", "2026-11-25T08:00Z", 2, [row.as_dict() for row in rows])
    return page_of(Results({"money": part}))


def test_every_part_was_measured() -> None:
    """No part of the bench is left out of the results, and each has rows."""
    parts = Results.load().parts
    assert list(parts) == list(PARTS)
    assert all(part.rows for part in parts.values())


def test_a_row_of_the_page_has_all_that_the_row_has() -> None:
    """Value and spread, what stands beside it, ratio, target and verdict; bars in a name do not break the table."""
    row = Row("a | b", Measured.of([1, 2, 3]), "s", 1.5, "a bare one", Measured.of([4.0]))
    assert "| a \\| b | 2 (1.5-2.5, 3 times) s | a bare one: 4 s | 0.50 | ≤ 1.5 | met |\n" in _page_of(row)
    assert "| told | 1 kB |  |  |  |  |\n" in _page_of(Row("told", Measured.of([1]), "kB"))


def test_a_target_that_is_missed_has_its_reason_on_the_page() -> None:
    """And where there is none, the page says that."""
    missed = Row("slow", Measured.of([2]), "s", 1, reason="light is slow")
    assert "| slow | 2 s |  |  | ≤ 1 | missed: light is slow |\n" in _page_of(missed)
    assert "missed: no reason is known |\n" in _page_of(Row("slow", Measured.of([2]), "s", 1))


def test_a_row_is_the_same_after_it_was_written_and_read() -> None:
    """The file has all of it."""
    row = Row("a", Measured.of([1, 2, 3]), "s", 1.5, "b", Measured.of([4.0]), "because")
    assert row_of(row.as_dict()) == row


def test_results_are_kept_in_the_order_of_the_parts(tmp_path: Path) -> None:
    """Whatever was measured last, the file's order stays, and reading it gives what was written."""
    part = Part("command", "2026-11-25T08:00Z", 2, [Row("a", Measured.of([1]), "s").as_dict()], {"steps": {"x": 1}})
    path = tmp_path / "results.json"
    Results({"later": part, "earlier": part}).save(["earlier", "between", "later"], path)
    read = Results.load(path)
    assert list(read.parts) == ["earlier", "later"]
    assert read.parts["later"] == part
    assert (read.value("later", "a"), read.value("later", "b"), read.value("none", "a")) == (1, None, None)
    assert Results.load(tmp_path / "none").parts == {}


def test_the_pictures_are_small_and_have_no_date() -> None:
    """Each picture of the page is there, below 60 kB, and does not change with the day."""
    names = re.findall(r"\(plots/(\w+\.svg)\)", PAGE.read_text(encoding="utf-8"))
    pictures = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "plots").iterdir()}
    assert sorted(names) == sorted(pictures)
    assert {name for name, text in pictures.items() if len(text.encode()) > MAX_PICTURE_BYTES} == set()
    assert {name for name, text in pictures.items() if "<dc:date>" in text} == set()


def test_the_pictures_are_what_the_results_say(tmp_path: Path) -> None:
    """Drawing them again from the same results gives the same files, to the byte."""
    for name in ("bench/results.json", "tools/plots.py"):
        target = tmp_path / name
        target.parent.mkdir()
        target.write_bytes((ROOT / name).read_bytes())
    (tmp_path / "docs").mkdir()
    subprocess.run([PYTHON, tmp_path / "tools" / "plots.py"], check=True, capture_output=True)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "docs" / "plots").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (ROOT / "docs" / "plots").iterdir()}
