"""One app in a space for the tests of the example setups, with `aws`, a role, and AWS services for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.app_host import StartOptions
from emulator.studio import LocalStudio
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command
from tests.support.example_services import Aws, SetUp, install_aws_command, running_aws
from tests.support.scenario import Place, Scenario

BASHRC = "# the user's own\n"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """AWS services, with credentials for whoever is in the app."""
    with running_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture(scope="session")
def running_app(studio: LocalStudio, aws: Aws) -> Scenario:
    """An app in a space of its own; it ends with the Studio."""
    owner = studio.add_user_profile("examples-owner")
    place = Place(owner, studio.add_space("examples", owner), "JupyterLab")
    scenario = Scenario(studio, place, StartOptions(environment=aws.environment))
    scenario.start()
    scenario.ready()
    install_aws_command(scenario.app.tmp.parent / "env" / "bin")
    return scenario


@pytest.fixture
def app(running_app: Scenario, aws: Aws, studio: LocalStudio, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """The app, with a home that is as good as new and services that have nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    running_app.reset({".bashrc": BASHRC})
    aws.asked.clear()
    aws.is_refused = False
    return running_app


@pytest.fixture
def set_up(app: Scenario) -> SetUp:
    """A function that runs commands in the app through the engine; the report, and all that they printed."""

    def run(*commands: Command) -> tuple[SetupReport, str]:
        report = app.set_up(*commands, claims_start=False)
        printed = b"".join(app.log(report, one.name) for one in report.commands)
        return report, printed.decode()

    return run
