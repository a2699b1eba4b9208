"""The rows of the benches: medians and spread, which target is missed, and what whoever collects them gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.table import Measured, Row, Table, in_turn

TWO, THREE = Measured.of([2.0]), Measured.of([3.0])


def test_a_measurement_is_a_median_and_how_far_the_middle_half_spreads() -> None:
    """Values may come in any order; a single one has no spread."""
    assert Measured.of([5, 1, 3, 2, 4]) == Measured(3, 2, 4, 5)
    assert Measured.of([2]) == Measured(2, 2, 2, 1)


def test_the_target_is_about_the_ratio_if_something_stands_beside() -> None:
    """Otherwise it is about the value itself."""
    assert Row("a setup", THREE, "s", 1.5, "a bare one", TWO).is_met
    assert not Row("a setup", THREE, "s", 1.49, "a bare one", TWO).is_met
    assert Row("memory", THREE, "MB", 3).is_met
    assert not Row("memory", THREE, "MB", 2.9).is_met
    assert Row("only told", THREE, "MB").is_met


def test_only_a_miss_without_a_reason_fails() -> None:
    """The physical reason stands beside the number instead."""
    table = Table()
    table.add(Row("met", TWO, "MB", 2))
    table.add(Row("missed", THREE, "MB", 2, reason="light is not faster"))
    assert table.exit_status == 0
    table.add(Row("missed", THREE, "MB", 2))
    table.add(Row("met", TWO, "MB", 2))
    assert table.exit_status == 1


def test_a_row_is_printed_with_everything_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is told of a miss alone."""
    measured = Measured.of([0.1, 0.2, 0.3])
    Table().add(Row("a setup", measured, "s", 0.5, "a bare one", TWO, "not shown"))
    Table().add(Row("memory", THREE, "MB", 2, reason="light is not faster"))
    assert capsys.readouterr().out.splitlines() == [
        "a setup: 0.2 (0.15-0.25, 3 times) s; a bare one: 2 s; ratio 0.10 (target ≤ 0.5)",
        "memory: 3 MB (target ≤ 2, MISSED); light is not faster",
    ]


def test_the_rows_of_several_benches_are_collected_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a JSON object, with what follows from its numbers."""
    monkeypatch.setenv("BENCH_ROWS", str(tmp_path / "rows"))
    Table().add(Row("a setup", THREE, "s", 1.4, "a bare one", TWO))
    Table().add(Row("memory", TWO, "MB"))
    first, second = map(json.loads, (tmp_path / "rows").read_text(encoding="utf-8").splitlines())
    assert (first["name"], first["value"]["median"], first["ratio"], first["is_met"]) == ("a setup", 3, 1.5, False)
    assert (second["name"], second["beside_value"], second["ratio"], second["target"]) == ("memory", None, None, None)


def test_works_are_measured_by_turns() -> None:
    """Each as often as asked, one after the other."""
    done: list[str] = []
    ours, theirs = in_turn(lambda: done.append("ours"), lambda: done.append("theirs"), times=3)
    assert done == ["ours", "theirs"] * 3
    assert (ours.times, theirs.times) == (3, 3)
