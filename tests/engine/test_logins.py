"""A setup through every form that a login may have, with what docs/faults.md promises for it."""

from __future__ import annotations

import logging
import re

import pytest

from emulator.front_door import SESSION_COOKIE
from emulator.login_forms import Login, LoginForms
from studio_setup.model.outcomes import Outcome
from tests.support.login_rows import LOGIN_ROWS, LoginRow, Trouble
from tests.support.logins import EFFECTS, STATUSES, LoginTrial
from tests.support.scenario import Scenario, statuses

ANSWER = r"[0-9.]+ answered HTTP \d{3}, path '/[^']*', (content type '[^']+'|no content type), (title '[^']*'|no title)"
CASES = [(row, forms) for row in LOGIN_ROWS for forms in row.forms]
WELL = [case for case in CASES if not case[0].verdict.outcome]
NEVER = [case for case in CASES if case[0].verdict.outcome]


def name(case: object) -> str:
    """The name of a case in pytest's output."""
    if isinstance(case, LoginRow):
        return case.trouble.name.lower()
    assert isinstance(case, LoginForms)
    return f"{case.login}-{case.expired}-{case.landing_uri_without_path}-{case.presigned_url}"


@pytest.mark.parametrize(("row", "forms"), WELL, ids=name)
def test_a_setup_succeeds_whatever_form_its_logins_have(
    either_app: Scenario, records: list[logging.LogRecord], row: LoginRow, forms: LoginForms
) -> None:
    """Both commands take effect once and have their own statuses; a session that ended is replaced by one new login."""
    trial = LoginTrial(either_app, row.trouble)
    report = trial.run(forms)
    assert (report.outcome, report.code, statuses(report)) == (Outcome.FAILED, "command-failed", STATUSES)
    assert either_app.effects() == EFFECTS
    assert trial.logins == row.logins
    assert trial.secrets_in(records, report) == set()


@pytest.mark.parametrize(("row", "forms"), NEVER, ids=name)
def test_a_login_that_cannot_work_is_reported_as_such(
    either_app: Scenario, records: list[logging.LogRecord], row: LoginRow, forms: LoginForms
) -> None:
    """After a few logins the setup ends; the reason has what Studio answered, and no secret."""
    trial = LoginTrial(either_app, row.trouble)
    report = trial.run(forms)
    assert (report.outcome, report.code) in {(row.verdict.outcome, code) for code in row.verdict.codes}
    assert either_app.effects() == []
    assert trial.logins == row.logins
    assert trial.secrets
    assert trial.secrets_in(records, report) == set()
    print(report.reason)
