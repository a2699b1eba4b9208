"""An app starts, its event arrives, and the function runs the setup that ships."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest
import requests

from studio_setup.handler import lambda_handler
from studio_setup.model.report import SetupFailed
from tests.support.context import Context
from tests.support.scenario import Scenario

pytestmark = pytest.mark.usefixtures("poll_often")


def test_the_extension_is_installed_and_answers(start_app: Callable[..., Scenario]) -> None:
    """After the event, the extension's endpoint answers in the user's Studio, with the timeout that was set."""
    scenario = start_app(ready=False, start_delay_seconds=1)
    report = lambda_handler(scenario.event, Context())
    assert report["outcome"] == "succeeded"
    assert [command["exit_status"] for command in report["commands"]] == [0, 0, 0, 0]
    answer = requests.get(scenario.app.base_url + "sagemaker-studio-autoshutdown/idle_checker", timeout=10).json()
    assert answer["idle_time"] == 7200
    assert answer["count"] == 1
    assert scenario.app.terminals() == []
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_the_next_start_with_the_same_home_is_set_up_too(start_app: Callable[..., Scenario]) -> None:
    """The home outlives the app: the setup uses what the last one left there, and succeeds again."""
    scenario = start_app()
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    scenario.restart_app_quickly()
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    scenario.app.delete()


def test_the_jupyterlab_3_image_is_set_up_in_its_environment(start_app: Callable[..., Scenario]) -> None:
    """On the image of JupyterLab 3, conda's environment `studio` is activated before pip is used."""
    hook = '#!/bin/sh\n[ "$1" = shell.bash ] && echo \'conda() { echo "conda $*" >> ~/effects; }\'\n'
    scenario = start_app(
        files={"conda": hook, ".bashrc": "PATH=~:$PATH\n"},
        environment={"AWS_SAGEMAKER_JUPYTERSERVER_IMAGE": "jupyter-server-3"},
        shell=("/bin/bash",),
    )
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    assert scenario.effects() == ["conda activate studio"]


def test_the_function_fails_when_time_is_up_and_resumes(
    start_app: Callable[..., Scenario], caplog: pytest.LogCaptureFixture
) -> None:
    """With too little time the invocation fails, with one error line in the log; a retry carries on."""
    scenario = start_app()
    caplog.set_level("INFO", logger="studio_setup")
    with pytest.raises(SetupFailed):
        lambda_handler(scenario.event, Context(seconds=21))
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == ["setup.finished"]
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"


def test_no_secret_is_in_any_log_line_or_error(
    start_app: Callable[..., Scenario], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record at any level and no error has a token, session cookie or `_xsrf`; a planted one is found."""
    scenario = start_app()
    caplog.set_level("DEBUG")
    secrets = _watch_secrets(monkeypatch)
    texts = [_fail(scenario)]
    lambda_handler(scenario.event, Context())
    texts.append("".join(str(record.__dict__) for record in caplog.records))
    assert len(secrets) >= 3
    logging.getLogger("studio_setup").info("deliberately %s", next(iter(secrets)))
    assert any(secret in str(caplog.records[-1].__dict__) for secret in secrets), "the search finds nothing"
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []


def _watch_secrets(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The tokens and cookies of every request from now on; the set grows as they come."""
    secrets: set[str] = set()
    send = requests.Session.send

    def watching(self: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        response = send(self, request, **options)  # type: ignore[arg-type]
        if "token=" in (request.url or ""):
            secrets.add((request.url or "").partition("token=")[2])
        secrets.update(
            str(cookie.value) for cookie in self.cookies if cookie.name == "_xsrf" or len(str(cookie.value)) > 30
        )
        return response

    monkeypatch.setattr(requests.Session, "send", watching)
    return secrets


def _fail(scenario: Scenario) -> str:
    """Invoke the function with too little time; the text of its error."""
    try:
        lambda_handler(scenario.event, Context(seconds=20.2))
    except SetupFailed:
        return traceback.format_exc()
    return ""
