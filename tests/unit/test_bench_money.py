"""What a start costs: prices with their sources, and a case computed by hand."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bench.money import MEMORY_MEGABYTES, Costs
from bench.prices import PRICES, Prices
from tests.support.stack import source

_PRICES = Prices(0.001, 0.01, 2.0, 0.5, "2026-01-01", "us-east-1")
_COSTS = Costs(_PRICES, cpu_seconds=0.1, cold_cpu_seconds=0.4, log_megabytes=1.0, commands_seconds=10)


def test_each_price_has_a_source_and_all_of_them_a_date() -> None:
    """Whoever doubts a price finds where it is from, and of when."""
    table = json.loads(PRICES.read_text(encoding="utf-8"))
    assert date.fromisoformat(table["as_of"]) == date.fromisoformat(Prices.load().as_of)
    assert all(price["source"].startswith("https://aws.amazon.com/") for price in table["prices"].values())
    assert all(price["usd"] > 0 and price["unit"] for price in table["prices"].values())


def test_a_start_pays_for_waiting_commands_and_computing() -> None:
    """At 1,024 MB with 100 s of start-up: 110 s and 0.5 s of CPU at 1024/1769 of a CPU, and one request."""
    seconds = 100 + 10 + 0.5 * 1769 / 1024
    assert _COSTS.function_usd(100, 1024) == pytest.approx(0.001 * seconds + 0.01)
    assert _COSTS.thousand_usd(100, 1024) == pytest.approx(1000 * (0.001 * seconds + 0.01 + 2.0 * 1e6 / 1024**3))


def test_more_memory_than_that_of_one_cpu_computes_no_faster() -> None:
    """A setup uses one CPU at a time."""
    assert _COSTS.cold_start_seconds(1769) == _COSTS.cold_start_seconds(10_240) == 0.4
    assert _COSTS.cold_start_seconds(1769 / 2) == pytest.approx(0.8)


def test_the_memory_is_that_of_the_template() -> None:
    """What is computed is the size that is deployed."""
    assert source()["Resources"]["StudioSetupFunction"]["Properties"]["MemorySize"] == MEMORY_MEGABYTES
