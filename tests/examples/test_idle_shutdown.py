"""The example `idle_shutdown`: what the domain says is checked, and whoever may change it is told how."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from examples.setups import idle_shutdown
from setups import auto_shutdown
from studio_setup.model.app import App
from studio_setup.model.setup import Command
from tests.support.example_services import Aws, SetUp
from tests.support.scenario import statuses


def commands(aws: Aws, idle: dict[str, object] | None) -> tuple[Command, ...]:
    """The example, for a JupyterLab app of a new domain with these settings."""
    lab = {"AppLifecycleManagement": {"IdleSettings": idle}} if idle else {}
    arn = aws.client("sagemaker").create_domain(
        DomainName="team",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": "arn:aws:iam::123456789012:role/studio", "JupyterLabAppSettings": lab},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
    )["DomainArn"]
    return idle_shutdown.commands(App(arn.rpartition("/")[2], "", "JupyterLab", "default", "hers"), 120)


def test_a_domain_that_shuts_idle_spaces_down_is_fine(set_up: SetUp, aws: Aws) -> None:
    """The output has the minutes; a second run says the same."""
    one = commands(aws, {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 90})
    for _ in range(2):
        report, printed = set_up(*one)
        assert statuses(report) == [0], printed
        assert printed.startswith("Idle JupyterLab spaces shut down after 90 minutes")


@pytest.mark.parametrize(
    ("idle", "said"),
    [
        (None, "does not shut idle JupyterLab spaces down"),
        ({"LifecycleManagement": "DISABLED", "IdleTimeoutInMinutes": 60}, "does not shut idle JupyterLab spaces down"),
        ({"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 600}, "after 600 minutes, not 120"),
    ],
    ids=["not-set", "off", "later"],
)
def test_another_domain_fails_with_the_command_that_changes_it(
    set_up: SetUp, aws: Aws, idle: dict[str, object] | None, said: str
) -> None:
    """The last line is a command with the settings in JSON; later commands of the setup run all the same."""
    one = commands(aws, idle)
    report, printed = set_up(*one, Command("next", "true"))
    assert statuses(report) == [1, 0]
    assert said in printed
    *command, settings = shlex.split(printed.splitlines()[-1])
    assert command[:3] == ["aws", "sagemaker", "update-domain"]
    (lab,) = json.loads(settings).values()
    assert lab["AppLifecycleManagement"]["IdleSettings"]["IdleTimeoutInMinutes"] == 120


def test_a_domain_that_cannot_be_read_is_said(set_up: SetUp, aws: Aws) -> None:
    """Without a route, the setup says what the role and the VPC need."""
    (check,) = commands(aws, None)
    nowhere = {**check.environment, "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:1"}
    report, printed = set_up(replace(check, environment=nowhere))
    assert statuses(report) == [1]
    assert "sagemaker:DescribeDomain" in printed


def test_studio_classic_gets_the_extension() -> None:
    """There it is the setup that ships."""
    app = App("d-1", "alice", "JupyterServer", "default")
    assert idle_shutdown.commands(app, 90) == auto_shutdown.from_github(90)
