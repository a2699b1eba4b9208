"""Runs the rows of `login_rows`: a setup of two commands, with logins of a given form and a given trouble."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from emulator.front_door import SESSION_COOKIE
from emulator.login_forms import LoginForms
from studio_setup.model.deadline import Deadline
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.login_rows import Trouble
from tests.support.scenario import PATIENT, BackgroundSetup, Scenario

SETUP = Setup((Command("first", PATIENT), Command("second", "echo second >> ~/effects; exit 3")))
STATUSES = [0, 3]
EFFECTS = ["started", "ended", "second"]
_LIMIT_SECONDS = 60.0
_SHORTER = 0.05  # the engine's pauses, since there is nothing to wait for here


class LoginTrial:
    """One setup, and what it did in order to log in.

    `logins`: how many presigned URLs it was given; `secrets`: their tokens, and the cookies that it was given.
    """

    def __init__(self, scenario: Scenario, trouble: Trouble) -> None:
        self.logins = 0
        self.secrets: set[str] = set()
        self._scenario = scenario
        self._trouble = trouble

    def run(self, forms: LoginForms) -> SetupReport:
        """Run the setup while logins have these forms."""
        with self._logins_have(forms):
            setup = BackgroundSetup(self._set_up)
            if self._trouble is Trouble.SESSION_ENDS:
                self._scenario.wait_for_effect("started")
                self._scenario.studio.end_sessions()
                self._scenario.app.drop_websockets()
            self._scenario.release()
            return setup.report()

    def secrets_in(self, records: Iterable[logging.LogRecord], report: SetupReport) -> set[str]:
        """The secrets that are in the log or in the report."""
        text = "\n".join([*(repr(record.__dict__) for record in records), repr(report)])
        return {secret for secret in self.secrets if secret in text}

    @contextmanager
    def _logins_have(self, forms: LoginForms) -> Iterator[None]:
        self._scenario.studio.login_forms = forms
        try:
            yield
        finally:
            self._scenario.studio.login_forms = LoginForms()

    def _set_up(self) -> SetupReport:
        deadline = Deadline.after(_LIMIT_SECONDS, sleep=lambda seconds: time.sleep(seconds * _SHORTER))
        sagemaker = self._scenario.sagemaker
        sagemaker.meta.events.register("after-call.sagemaker.CreatePresignedDomainUrl", self._after_call)
        with requests.Session() as http:
            http.hooks["response"] = [self._after_answer]
            return set_up(Job(self._scenario.name, SETUP), Tools(sagemaker, http), deadline)

    def _after_call(self, parsed: dict[str, Any], **_: object) -> None:
        if "AuthorizedUrl" not in parsed:
            return
        url = parsed["AuthorizedUrl"]
        self.logins += 1
        self.secrets |= set(parse_qs(urlsplit(url).query)["token"])
        if self._trouble is Trouble.URL_OPENED:
            requests.get(url, timeout=10)

    def _after_answer(self, answer: requests.Response, **_: object) -> None:
        self.secrets |= {cookie.value or "" for cookie in answer.cookies if cookie.name in {SESSION_COOKIE, "_xsrf"}}
        is_status = urlsplit(answer.url).path.endswith("/api/status") and "started" in answer.text
        if self._trouble is Trouble.SESSION_DENIED or (self._trouble is Trouble.SESSION_SHORT and is_status):
            self._scenario.studio.end_sessions()
