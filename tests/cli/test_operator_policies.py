"""The policies of docs/operator-policies allow what the commands call, and nothing else.

Each command is run with an AWS that writes down every call. Where each policy is put to use: tests/deployed.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import studio_setup
from studio_setup.model.app import App
from studio_setup.model.version import __version__
from studio_setup_cli.aws import PERMISSIONS
from studio_setup_cli.main import main
from tests.support.fake_account import DOMAIN, Account, describes
from tests.support.fake_aws import OUTPUTS, Members
from tests.support.fleet_lines import Attempt
from tests.support.permissions import (
    POLICIES,
    Permission,
    Place,
    covers,
    dependent_actions,
    granted,
    needed,
    policy,
    resource_types,
)
from tests.support.stack import ROOT

HERE = Place("us-east-1", "111122223333")
VALUES = {
    "REGION": HERE.region,
    "ACCOUNT": HERE.account,
    "STACK": "studio-setup",
    "DOMAIN": DOMAIN,
    "USER": "alice",
    "SPACE": "team",
}
# CloudFormation names them so: stack, logical id, and something of its own.
NAMES = {
    "FailureQueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/studio-setup-FailureQueue-1A2B3C4D5E6F",
    "RuleName": "studio-setup-StudioSetupFunctionAppStarted-1A2B3C4D5E6F",
}
ALICE = App(DOMAIN, "alice", "JupyterServer", "default")
TEAM = App(DOMAIN, "", "JupyterLab", "default", "team")
AN_HOUR_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
AS_ALICE = ["--domain-id", DOMAIN, "--user-profile-name", "alice"]
AS_TEAM = ["--domain-id", DOMAIN, "--space-name", "team"]
COMMAND = ["--command", "true"]


def python_api() -> None:
    """What a program does with an app of each kind."""
    for app in (studio_setup.connect(DOMAIN, user="alice"), studio_setup.connect(DOMAIN, space="team")):
        with contextlib.suppress(studio_setup.SetupError), app:
            app.run("true")


def command(*calls: list[str]) -> Callable[[], None]:
    """What runs the command line, once with each of these arguments."""

    def run() -> None:
        for arguments in calls:
            main(arguments)

    return run


USES: dict[str, Callable[[], None]] = {
    "run": command(
        ["run", *AS_ALICE, *COMMAND],
        ["run", *AS_TEAM, *COMMAND],
        ["run", *AS_TEAM, "--app-type", "JupyterServer", *COMMAND],
    ),
    "run-many": command(["run", "--all-running", "--max-errors", "9", *COMMAND]),
    "python-api": python_api,
    "status": command(["status"]),
    "setup": command(["setup", "--yes"]),
    "setup-failure-queue": command(["setup", "--only", "failed", "--force", "--yes"]),
    "logs": command(["logs", "--user-profile-name", "alice", "--all"]),
    "doctor": command(["doctor"]),
    "doctor-probe": command(["doctor", "--probe", "alice"]),
    "verify": command(["verify", *AS_ALICE], ["verify", *AS_TEAM]),
}
Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with a stack, and an app each of a user and of a space, which nobody gets into."""
    aws = Account()
    aws.stacks["studio-setup"] = {**OUTPUTS, **NAMES}
    for app in (ALICE, TEAM):
        aws.add_app(app, AN_HOUR_AGO)
    aws.says("DescribeApp", {"Status": "InService"})
    aws.says("DescribeSpace", {"OwnershipSettings": {"OwnerUserProfileName": "alice"}})
    aws.refuse("CreatePresignedDomainUrl", "AccessDeniedException")
    aws.install(monkeypatch)
    return aws


def calls_of(aws: Account, name: str) -> Calls:
    """What is called in that use of Studio Setup."""
    if name in {"logs", "setup-failure-queue"}:
        aws.add_line(AN_HOUR_AGO + timedelta(minutes=5), Attempt(ALICE).finished("command-failed"))
    if name == "setup-failure-queue":
        _let_a_message_be_settled(aws)
    if name == "doctor-probe":
        aws.describe = _describe_or_probe
    if name == "verify":
        _let_setups_be_followed(aws)
    USES[name]()
    return aws.calls


def _describe_or_probe(request: Members) -> Members:
    if request["detail-type"] == "Probe":
        return {"code": "probed", "reason": "", "outcome": "succeeded"}
    return describes(__version__)(request)


def _let_a_message_be_settled(aws: Account) -> None:
    done = {**Attempt(ALICE).finished("succeeded"), "app_created_at": AN_HOUR_AGO.isoformat()}
    aws.set_up = lambda _request: done
    names = {"domainId": DOMAIN, "userProfileName": "alice", "appType": "JupyterServer", "appName": "default"}
    call = {"eventSource": "sagemaker.amazonaws.com", "eventName": "CreateApp", "requestParameters": names}
    aws.add_failure({"detail": {**call, "eventTime": AN_HOUR_AGO.isoformat()}})
    batches = iter([{"Messages": list(aws.queue)}])
    aws.others["ReceiveMessage"] = lambda _params: next(batches, {})


def _let_setups_be_followed(aws: Account) -> None:
    aws.says("DescribeApp", {"Status": "Deleted"})
    aws.says("CreateApp", {"AppArn": "arn:aws:sagemaker:us-east-1:111122223333:app/one"})
    aws.others["FilterLogEvents"] = _Log(aws)


class _Log:
    """A log in which each app that is started is set up at once."""

    def __init__(self, aws: Account) -> None:
        self._aws = aws

    def __call__(self, _params: dict[str, Any]) -> dict[str, Any]:
        started = [params for operation, params in self._aws.calls if operation == "CreateApp"]
        apps = [ALICE if "UserProfileName" in params else TEAM for params in started]
        lines = [json.dumps(Attempt(app).finished("succeeded")) for app in apps]
        return {"events": [{"eventId": str(number), "message": line} for number, line in enumerate(lines)]}


def permissions(calls: Calls, place: Place = HERE) -> set[Permission]:
    """What these calls take."""
    return {one for operation, params in calls for one in needed(place, operation, params)}


@pytest.mark.parametrize("name", USES)
def test_a_policy_allows_every_call_and_nothing_else(aws: Account, name: str) -> None:
    """Whatever a command calls is allowed on that resource; every action, on every resource, is one that it calls."""
    needs, grants = permissions(calls_of(aws, name)), list(granted(policy(name, **VALUES)))
    assert [need for need in needs if not any(covers(one, need) for one in grants)] == []
    assert [one for one in grants if not any(covers(one, need) for need in needs)] == []


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("elsewhere", [Place("eu-west-1", HERE.account), Place(HERE.region, "444455556666")], ids=str)
def test_a_policy_is_for_one_region_and_account(aws: Account, name: str, elsewhere: Place) -> None:
    """But for what takes no resource, and for trails, which may be another region's or the organization's."""
    grants = list(granted(policy(name, **VALUES)))
    calls = [one for one in calls_of(aws, name) if one[0] not in {"GetTrailStatus", "GetEventSelectors"}]
    found = {need for need in permissions(calls, elsewhere) if any(covers(one, need) for one in grants)}
    assert {need.action for need in found if resource_types(need.action)} == set()


@pytest.mark.parametrize("name", USES)
def test_a_policy_is_for_one_stack_and_domain(aws: Account, name: str) -> None:
    """Another stack and another domain are out of its reach; `doctor` alone looks at how users sign in everywhere."""
    others = {**VALUES, "STACK": "another", "DOMAIN": "d-another", "USER": "mallory", "SPACE": "theirs"}
    grants = list(granted(policy(name, **others)))
    found = {need for need in permissions(calls_of(aws, name)) if any(covers(one, need) for one in grants)}
    everywhere = {"cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors", "cloudwatch:DescribeAlarms"}
    if name.startswith("doctor"):
        everywhere |= {"sagemaker:DescribeDomain"}
    assert {need.action for need in found if resource_types(need.action)} <= everywhere


@pytest.mark.parametrize("name", USES)
def test_a_policy_is_as_narrow_as_the_reference_allows(name: str) -> None:
    """Every action exists; its resource has the form of one of its types, and is `*` only where it has none."""
    for one in granted(policy(name, **VALUES)):
        forms = resource_types(one.action)
        if forms:
            assert any(form.fullmatch(one.resource) for form in forms.values()), one
        else:
            assert one.resource == "*", one


def test_dependent_actions_are_those_of_the_reference(aws: Account) -> None:
    """To list stacks is for DescribeStacks without a name (its API reference), which is never called so."""
    actions = {one.action for name in USES for one in granted(policy(name, **VALUES))}
    assert {action: found for action in sorted(actions) if (found := dependent_actions(action))} == {
        "cloudformation:DescribeStacks": ["cloudformation:ListStacks"],
        "sagemaker:CreateApp": ["sagemaker:AddTags"],
    }
    for name in USES:
        calls = calls_of(aws, name)
        assert all(params.get("StackName") for operation, params in calls if operation == "DescribeStacks")


def test_every_use_has_a_policy_and_every_policy_its_row() -> None:
    """The page names each document and each action; no document is left over."""
    page = (ROOT / "docs" / "operator-permissions.md").read_text(encoding="utf-8")
    assert {path.stem for path in POLICIES.iterdir()} == USES.keys()
    assert set(re.findall(r"\(operator-policies/([\w-]+)\.json\)", page)) == USES.keys()
    rows = page.partition("| Action |")[2].partition("\n\n")[0]
    actions = {one.action for name in USES for one in granted(policy(name))}
    assert set(re.findall(r"`(\w+:[A-Z]\w+)`", rows)) == actions


def test_the_words_are_filled_in_as_the_page_says() -> None:
    """Its line of sed leaves nothing to fill in."""
    page = (ROOT / "docs" / "operator-permissions.md").read_text(encoding="utf-8")
    line = page[page.index("sed -e ") :].partition("> policy.json")[0]
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == policy("setup", **VALUES)
    assert not re.search(r"\b[A-Z]{4,}\b", done.stdout)


@pytest.mark.parametrize("name", USES)
def test_a_policy_fits_into_a_managed_policy(name: str) -> None:
    """6,144 characters without white space, the limit of a managed policy (IAM user guide, "IAM and STS quotas")."""
    assert len(re.sub(r"\s", "", (POLICIES / f"{name}.json").read_text(encoding="utf-8"))) <= 6144


@pytest.mark.parametrize("name", ["status", "setup-failure-queue", "logs", "doctor-probe", "verify"])
def test_a_permission_that_is_lacking_can_be_named(name: str) -> None:
    """What a policy allows is what the command says it takes, if it is refused."""
    actions = {permission.action for permission in granted(policy(name))}
    assert actions - {"sagemaker:AddTags"} <= set(PERMISSIONS.values())
