"""Writes docs/faults.md from the tables of the fault tests; the page itself says how."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from emulator.faulty_network.steps import Step, StepKind
from emulator.hostile.modes import MODES
from studio_setup.model.outcomes import CODES
from tests.support.hostile_rows import CODES_BY_MODE
from tests.support.login_rows import LOGIN_ROWS
from tests.support.matrix import ALWAYS, KNOWN, LINES, ONCE, REQUESTS, STEPS, Cell, Row, Verdict, cells, describe
from tests.support.matrix_rows import WAYS, find

_MAX_NAMED_STEPS = 4
_HEAD = """# What can go wrong, and what happens then

What each code means and what to do about it is in [outcomes.md](outcomes.md).

This page is generated from the tables that drive the tests (`matrix.py`, `login_rows.py`, `hostile_rows.py` and
`matrix_rows.py` in `tests/support`) and from the modes of `emulator/hostile/`; a test checks that it is up to date:

```
PYTHONPATH=src python -m tools.faults_page > docs/faults.md
```

## Network faults at every step

A setup of one command takes {steps} steps: {requests} requests and {lines} lines typed into the terminal, each with its
answer, and the terminal's greeting. Every fault is injected at every step where it can happen, {cells} cells in all, on
a network between the engine and a real Jupyter server (`emulator/faulty_network/`). In every cell the tests check that
the outcome is the one below; that the exit statuses are the ones that the commands really had; that the command took
effect exactly once, or not at all where the outcome says so; that no process of ours is left; that no token or cookie
is in the log; and that the fault really was injected.

"Same as without the fault" means the command's own outcome: `succeeded` with exit status 0, `command-failed` with any
other.

"""
_LOGINS = """## Every form of a login

AWS documents in part only how a presigned URL leads into an app, and what is answered to a session that has ended. The
local Studio can have each form that is plausible ([emulator/login_forms.py](../emulator/login_forms.py), and
[how each is known](../emulator/README.md#front-door)). A setup of two commands goes through all {count} combinations
below, for JupyterServer and for JupyterLab (`engine/test_logins.py`). In each, the tests check the outcome, the exit
statuses, that each command took effect once or not at all, how many presigned URLs were asked for, and that no token
and no cookie is in the log or in the report. The reason of one that cannot work says what was answered: status, path,
content type, title of the page, and the names of the cookies.

| What happens | Login | Presigned URL | `LandingUri` without a path | Without a good session | Logins | Outcome |
|---|---|---|---|---|---|---|"""

_HOSTILE = """## A Studio that misbehaves on purpose

The function is run against a Studio that misbehaves in one of {count} ways, on every layer (`emulator/hostile/`,
`engine/test_hostile.py`), with 23 seconds (60 where it can
get on), of which it reserves 20 for cleaning up. In each, the tests check that it
ends in its time, in a process of less than 256 MiB, with a code below and never with `setup.crashed`; that no token and
no cookie is in anything it logs, prints or raises; and that it asks for nothing and no host that is not ours. Beyond
these, `make fuzz` changes the answers of a good setup in 20,000 random ways (`unit/test_hostile_answers.py`).

| Who | What | Code |
|---|---|---|"""


def page() -> str:
    """The whole page."""
    return "\n".join([*_network(), "", *_logins(), "", *_hostile(), "", *_ways()]) + "\n"


def _network() -> Iterator[str]:
    count = sum(len(row.steps) for row in (*ONCE, *ALWAYS))
    yield _HEAD.format(steps=len(STEPS), requests=len(REQUESTS), lines=len(LINES), cells=count)
    yield "### The fault happens once"
    yield from _table(ONCE)
    yield "\n### The fault happens every time\n\nIt does not go away before the time is up."
    yield from _table(ALWAYS)
    if KNOWN:
        yield "\n### Known deviations\n\n| Fault and step | What happens instead |\n|---|---|"
        yield from (f"| {label} | {seen} |" for label, seen in KNOWN.items())


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "\n| Fault | Where | Outcome | What to do |\n|---|---|---|---|"
    for row in rows:
        by_verdict = sorted(cells(row), key=lambda cell: repr(cell.verdict))
        groups = [list(group) for _, group in groupby(by_verdict, key=lambda cell: cell.verdict)]
        for chosen in sorted(groups, key=len):
            verdict = chosen[0].verdict
            yield f"| {row.name} | {_where(chosen, row)} | {_outcome(verdict)} | {_remedy(verdict)} |"


def _where(chosen: list[Cell], row: Row) -> str:
    if len(chosen) > max(_MAX_NAMED_STEPS, len(row.steps) / 2):
        rest = "all" if len(chosen) == len(row.steps) else "the other"
        return f"{rest} {len(chosen)} possible steps"
    steps = [cell.step for cell in chosen]
    names = [describe(step) for step in steps if step.kind is not StepKind.LINE]
    names += _lines("lines", [step for step in steps if step.kind is StepKind.LINE and not step.is_answer])
    names += _lines("answers to lines", [step for step in steps if step.kind is StepKind.LINE and step.is_answer])
    return "; ".join(names)


def _lines(what: str, steps: list[Step]) -> list[str]:
    numbers = sorted(step.number for step in steps)
    return [f"{what} {', '.join(map(str, numbers))}"] if numbers else []


def _outcome(verdict: Verdict) -> str:
    if not verdict.outcome:
        left = "; our terminal is left open, and ends by itself a minute after its last line"
        return "same as without the fault" + (left if verdict.leaves_terminal else "")
    codes = " or ".join(f"`{code}`" for code in verdict.codes)
    return f"{verdict.outcome}: {codes}" + ("; the command took effect" if verdict.effects else "; no effect")


def _remedy(verdict: Verdict) -> str:
    return CODES[verdict.codes[0]].remedy if verdict.outcome else "nothing"


def _logins() -> Iterator[str]:
    yield _LOGINS.format(count=sum(len(list(row.forms)) for row in LOGIN_ROWS))
    for row in LOGIN_ROWS:
        forms = row.login, row.presigned_url, row.landing_uri_without_path, row.expired
        names = " | ".join(", ".join(f"`{form}`" for form in each) for each in forms)
        yield f"| {row.trouble} | {names} | {row.logins} | {_outcome(row.verdict)} |"


def _hostile() -> Iterator[str]:
    yield _HOSTILE.format(count=len(CODES_BY_MODE))
    for layer, modes in MODES.items():
        for mode in modes:
            codes = " or ".join(f"`{code}`" for code in CODES_BY_MODE[mode.name])
            yield f"| {layer} | {mode.what} | {codes} |"


def _ways() -> Iterator[str]:
    yield f"## The {len(WAYS)} known ways for a setup to fail\n"
    yield "| # | What happens | What must happen then | Tests |\n|---|---|---|---|"
    for number, way in enumerate(WAYS, 1):
        tests = ", ".join(f"`{test}`" for name in way.tests.split() for test in find(name))
        untested = f"not tested: {way.untested}" if way.untested else ""
        yield f"| {number} | {way.what} | {way.required} | {'; '.join(filter(None, [tests, untested]))} |"


if __name__ == "__main__":
    sys.stdout.write(page())
