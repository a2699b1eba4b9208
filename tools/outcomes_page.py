"""Writes docs/outcomes.md from the table of codes."""

from __future__ import annotations

from collections.abc import Iterator

from studio_setup.model.outcomes import CODES, Code, Outcome

_HEAD = """# Outcomes and codes

Every setup ends in one log line `setup.finished` with an `outcome` and a `code`. The outcome says whether the
function's invocation returns or fails; the code says why, and this page what to do about it. A line `setup.crashed`
instead is a defect of Studio Setup: please report it.

An invocation that fails is retried by Lambda twice, and the retry resumes the run in the app. After the third failure
the event is in the failure queue. Where a retry could run a command a second time, a failed setup returns; the alarm on
failed setups counts it all the same.

This page is generated from `src/studio_setup/model/outcomes.py` by `make docs-refresh`; a test checks that it is up to
date.

| Code | Outcome | The invocation | What it means | What to do |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    """One row for each code, grouped by outcome: success, then what fails the invocation, then the rest."""
    for outcome in sorted(Outcome, key=lambda one: (one is not Outcome.SUCCEEDED, not one.is_error)):
        yield from (_row(code) for code in CODES.values() if code.outcome is outcome)


def _row(code: Code) -> str:
    invocation = "fails" if code.outcome.is_error and not code.is_final else "returns"
    return f"| `{code.name}` | `{code.outcome}` | {invocation} | {code.meaning} | {_what_to_do(code)} |"


def _what_to_do(code: Code) -> str:
    # An error without a remedy of its own has one in each of its messages.
    return code.remedy or ("What the message says." if code.outcome.is_error else "Nothing.")
