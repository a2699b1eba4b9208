"""How many streams the property tests generate: a few in every test run, very many in `make fuzz`, which counts them.

HYPOTHESIS_PROFILE says which: quick, fuzz or mutants. The quick ones are the same every time. As a plugin of pytest
(`-p tests.support.fuzzing`) this prints the counts and the seed, with which they can be had again.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
_IS_FUZZ = _PROFILE == "fuzz"
# A mutant is noticed in any example; nobody looks for the smallest, and there are many mutants.
_SHARE = 4 if _PROFILE == "mutants" else 1
_PHASES = (Phase.explicit, Phase.generate) if _PROFILE == "mutants" else tuple(Phase)
_HOW_MANY: Counter[str] = Counter()

Test = Callable[..., None]


def streams(quick: int, fuzz: int) -> Callable[[Test], Test]:
    """Generate that many examples for a test made with `given`, in a test run and in `make fuzz`."""

    def with_settings(test: Any) -> Test:  # noqa: ANN401 (what `given` makes has attributes)
        test.hypothesis.inner_test = _counted(test.hypothesis.inner_test)
        return settings(
            max_examples=fuzz if _IS_FUZZ else max(quick // _SHARE, 1),
            derandomize=not _IS_FUZZ,
            database=None,
            deadline=None,
            phases=_PHASES,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )(test)

    return with_settings


def _counted(test: Test) -> Test:
    @functools.wraps(test)
    def counting(*arguments: object, **named: object) -> None:
        test(*arguments, **named)
        _HOW_MANY[test.__name__] += 1

    return counting


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note how many examples a test has run; the note gets from a worker to where the summary is printed."""
    before = _HOW_MANY[getattr(item, "originalname", "")]
    try:
        yield
    finally:
        item.user_properties.append(("examples", _HOW_MANY[getattr(item, "originalname", "")] - before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the counts."""
    counts: dict[str, int] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if count := dict(report.user_properties).get("examples"):
            counts[report.nodeid.partition("::")[2]] = int(str(count))
    terminalreporter.section("generated streams")
    for name, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:>8} {name}")
    seed = config.getoption("hypothesis_seed", None)
    terminalreporter.write_line(f"{sum(counts.values()):>8} in total" + (f", SEED={seed}" if seed else ""))
