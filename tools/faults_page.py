"""docs/faults.md, from the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from emulator.faulty_network.steps import Step, What
from studio_setup import errors
from tests.support.matrix import ALWAYS, KNOWN, LINES, ONCE, REQUESTS, STEPS, Cell, Row, Verdict, cells, describe
from tests.support.matrix_rows import WAYS, node

_NAMED = 4  # so few steps are named
_HEAD = """# What can go wrong, and what comes of it

Written by `python -m tests.support.matrix > docs/faults.md` from the tables that the tests run by; a test keeps it in
step with them. What each code means and what to do is in [outcomes.md](outcomes.md).

## Network faults at every step

A setup of one command takes {steps} steps: {requests} requests and {lines} lines typed, each with its way in and its
answer, and the greeting of the terminal. Every fault happens at every step where it can, in {cells} cells, on a real
Jupyter server behind a network of which the tests decide what becomes of its bytes
(`emulator/faulty_network/network.py`). In every cell: the outcome is the one below, the exit statuses are those that happened,
the command took effect exactly as often as the verdict allows (once, or not at all if it says it did not get there), no
process of ours is left, no token or cookie is in the log, and the fault did happen.

"As without it" means the command's own verdict: succeeded with status 0, `command-failed` with another one.

"""


def page() -> str:
    """The whole page."""
    return "\n".join([*_network(), "", *_ways()]) + "\n"


def _network() -> Iterator[str]:
    count = sum(len(row.steps) for row in (*ONCE, *ALWAYS))
    yield _HEAD.format(steps=len(STEPS), requests=len(REQUESTS), lines=len(LINES), cells=count)
    yield "### Once"
    yield from _table(ONCE)
    yield "\n### Whenever a setup gets there\n\nThe fault does not go away until the time is up."
    yield from _table(ALWAYS)
    if KNOWN:
        yield "\n### Not yet as it must be\n\n| Fault and step | Seen |\n|---|---|"
        yield from (f"| {label} | {seen} |" for label, seen in KNOWN.items())


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "\n| Fault | Where | What comes of it | What to do |\n|---|---|---|---|"
    for row in rows:
        by_verdict = sorted(cells(row), key=lambda cell: repr(cell.verdict))
        groups = [list(group) for _, group in groupby(by_verdict, key=lambda cell: cell.verdict)]
        for chosen in sorted(groups, key=len):
            verdict = chosen[0].verdict
            yield f"| {row.name} | {_where(chosen, row)} | {_what(verdict)} | {_remedy(verdict)} |"


def _where(chosen: list[Cell], row: Row) -> str:
    if len(chosen) > max(_NAMED, len(row.steps) / 2):
        rest = "all" if len(chosen) == len(row.steps) else "the other"
        return f"{rest} {len(chosen)} steps where it can be"
    steps = [cell.step for cell in chosen]
    names = [describe(step) for step in steps if step.what is not What.LINE]
    names += _lines("lines", [step for step in steps if step.what is What.LINE and not step.answered])
    names += _lines("answers to lines", [step for step in steps if step.what is What.LINE and step.answered])
    return "; ".join(names)


def _lines(what: str, steps: list[Step]) -> list[str]:
    numbers = sorted(step.number for step in steps)
    return [f"{what} {', '.join(map(str, numbers))}"] if numbers else []


def _what(verdict: Verdict) -> str:
    if not verdict.outcome:
        left = "; our terminal stays, and ends by itself a minute after its last line"
        return "as without it" + (left if verdict.leaves_terminal else "")
    codes = " or ".join(f"`{code}`" for code in verdict.codes)
    return f"{verdict.outcome}: {codes}" + ("; the effect is there" if verdict.effects else "; no effect")


def _remedy(verdict: Verdict) -> str:
    if not verdict.outcome:
        return "nothing"
    known = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.SetupError)]
    remedies = {one.code: one.remedy for one in known}
    return remedies[verdict.codes[0]] or "Lambda's retry resumes; look at the network between function and Studio."


def _ways() -> Iterator[str]:
    yield f"## The {len(WAYS)} ways to fail that were known beforehand\n"
    yield "| # | What happens | What must come of it | Shown by |\n|---|---|---|---|"
    for number, way in enumerate(WAYS, 1):
        tests = ", ".join(f"`{_short(test)}`" for test in way.tests.split())
        instead = f"not produced here: {way.instead}" if way.instead else ""
        yield f"| {number} | {way.what} | {way.must} | {'; '.join(filter(None, [tests, instead]))} |"


def _short(test: str) -> str:
    path, function = node(test)
    return f"{path.removeprefix('tests/')}::{function}"
