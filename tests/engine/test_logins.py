"""A setup through every form that a login may have, with what docs/faults.md promises for it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest

from emulator.login_forms import Expired, Login, LoginForms
from studio_setup.model.outcomes import Outcome
from tests.support.login_rows import LOGIN_ROWS, LoginRow, Trouble
from tests.support.logins import EFFECTS, STATUSES, LoginTrial
from tests.support.scenario import Scenario, statuses

SEEN = r"HTTP \d{3}, path '/[^']*', (content type '[^']+'|no content type), (title '[^']+'|no title)"
COOKIES = "LocalStudioSession, authMode, expiryTime, studioUserProfileName"
HTML, TEXT = "content type 'text/html; charset=utf-8'", "content type 'text/plain; charset=utf-8', no title"
OUTSIDE = "The login landed outside the app, and with the cookies so far the app is not there either"
REFUSALS = {
    Login.REDIRECT: f"The login was refused: 127.0.0.1 answered HTTP 403, path '/jupyter/default/lab', {TEXT}",
    Login.SCRIPT_PAGE: (
        f"{OUTSIDE}: 127.0.0.1 answered HTTP 200, path '/auth', {HTML}, title 'Amazon SageMaker Studio';"
        f" 127.0.0.1 answered HTTP 403, path '/jupyter/default/api/status', {TEXT}"
    ),
    Login.PORTAL_FIRST: (
        f"{OUTSIDE}: 127.128.0.1 answered HTTP 200, path '/', {HTML}, title 'Studio portal';"
        f" 127.128.0.1 answered HTTP 200, path '/jupyter/default/api/status', {HTML}, title 'Studio portal';"
        f" 127.0.0.1 answered HTTP 403, path '/jupyter/default/api/status', {TEXT}"
    ),
}
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
    assert re.search(SEEN, report.reason)
    assert ("Cookies: none." in report.reason) == (row.trouble is Trouble.URL_OPENED)
    assert trial.secrets
    assert trial.secrets_in(records, report) == set()


@pytest.mark.parametrize(("login", "seen"), REFUSALS.items())
def test_a_refusal_says_all_that_was_seen(shared_app: Callable[..., Scenario], login: Login, seen: str) -> None:
    """Of a session that is denied at once, the reason has every answer and the names of the cookies, word for word."""
    forms = LoginForms(login, Expired.TEXT_403)
    report = LoginTrial(shared_app("JupyterServer"), Trouble.SESSION_DENIED).run(forms)
    assert report.reason.startswith(f"{seen}. Cookies: {COOKIES}. ")


@pytest.mark.parametrize("login", Login)
def test_a_server_that_is_still_starting_is_waited_for(start_app: Callable[..., Scenario], login: Login) -> None:
    """Where the app is in service before its server answers, a login of any form is tried again until it does."""
    scenario = start_app(http_delay_seconds=2)
    trial = LoginTrial(scenario, Trouble.NONE)
    assert statuses(trial.run(LoginForms(login))) == STATUSES
    assert trial.logins > 1
