"""How many examples the property tests generate: a few in every test run, very many in `make fuzz`, which counts them.

HYPOTHESIS_PROFILE says which: quick, fuzz or mutants. The quick ones are the same every time. As a plugin of pytest
(`-p tests.support.fuzzing`) this prints the counts and the seed, with which the run can be repeated.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
_IS_FUZZ = _PROFILE == "fuzz"
# There are many mutants, and any example that kills one will do: fewer examples, and no search for the smallest.
_SHARE = 4 if _PROFILE == "mutants" else 1
_PHASES = (Phase.explicit, Phase.generate) if _PROFILE == "mutants" else tuple(Phase)
_HOW_MANY: Counter[str] = Counter()

Test = Callable[..., None]

# Text to type into a shell, with all that a shell or `printf %b` gives a meaning to.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.lists(
    st.sampled_from(["\\", "'", "%", "0", "7", "\0", "\n", "é", "\\0101", "$(id)", "\\c", "-n"]), max_size=12
).map("".join)


def streams(quick: int, fuzz: int) -> Callable[[Test], Test]:
    """Generate `quick` examples in a test run and `fuzz` in `make fuzz`, for a test made with `given`."""

    def with_settings(test: Any) -> Test:  # noqa: ANN401 (what `given` makes has attributes)
        test.hypothesis.inner_test = _counted(test.hypothesis.inner_test)
        counted: Test = settings(
            max_examples=fuzz if _IS_FUZZ else max(quick // _SHARE, 1),
            derandomize=not _IS_FUZZ,
            database=None,
            deadline=None,
            phases=_PHASES,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )(test)
        return counted

    return with_settings


def _counted(test: Test) -> Test:
    @functools.wraps(test)
    def counting(*arguments: object, **named: object) -> None:
        test(*arguments, **named)
        _HOW_MANY[test.__name__] += 1

    return counting


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note how many examples a test has run; pytest-xdist passes the note on to the process that prints the summary."""
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
