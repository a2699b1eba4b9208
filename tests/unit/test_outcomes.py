"""The outcomes and codes of a setup: what operators read in the log and on the outcomes page."""

from __future__ import annotations

import re

import pytest

from studio_setup.model import outcomes
from studio_setup.model.outcomes import CODES, Code, Outcome

IS_ERROR = {
    Outcome.SUCCEEDED: False,
    Outcome.FAILED: True,
    Outcome.TIMED_OUT: True,
    Outcome.UNFINISHED: True,
    Outcome.SKIPPED: False,
    Outcome.APP_GONE: False,
    Outcome.UNREACHABLE: True,
}


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_an_error_or_not(outcome: Outcome) -> None:
    """A setup that failed or is not finished fails the invocation; success, a skipped event and a lost app do not."""
    assert outcome.is_error is IS_ERROR[outcome]


def test_every_code_is_in_the_table_under_its_name() -> None:
    """No two codes have the same name, which would hide one of them."""
    defined = [code for code in vars(outcomes).values() if isinstance(code, Code)]
    assert list(CODES.values()) == defined
    assert list(CODES) == [code.name for code in defined]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_code(outcome: Outcome) -> None:
    """There is a reason for each way in which a setup can end."""
    assert outcome in {code.outcome for code in CODES.values()}


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_a_code_is_lower_case_words_with_hyphens_between(code: Code) -> None:
    """Names are easy to search for in a log."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.name)


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_a_code_is_explained_in_sentences(code: Code) -> None:
    """Meaning and remedy are sentences; a remedy may be missing, a meaning may not."""
    assert code.meaning.endswith((".", ".)"))
    assert code.remedy == "" or code.remedy.endswith(".")


def test_lost_runs_and_unknown_claims_are_not_retried() -> None:
    """A retry resumes a run; of a lost one it would run commands twice, and an unknown claim it would find again."""
    assert [code.name for code in CODES.values() if code.is_final] == ["run-lost", "unknown-claim"]
