"""`studio-setup doctor`: what each check says of an account in which it is right, and of one in which it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from studio_setup.model.app import App
from studio_setup.model.version import __version__
from studio_setup_cli.aws import PERMISSIONS
from studio_setup_cli.main import main
from tests.support.fake_account import DOMAIN, FUNCTION, PATTERN, TOPIC, TRAIL, Account, describes
from tests.support.fake_aws import Members

Run = Callable[..., tuple[int, dict[str, str]]]
CHECKS = [
    *("credentials", "region", "stack", "function", "version", "rule", "trail", "domains", "concurrency"),
    *("log group", "failure queue", "alarms"),
]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account in which all is well."""
    account = Account()
    account.install(monkeypatch)
    return account


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What runs the command: exit status, and the line of each check."""

    def run(*arguments: str) -> tuple[int, dict[str, str]]:
        code = main(["doctor", *arguments])
        lines = capsys.readouterr().out.splitlines()
        return code, {line.split(": ")[1]: line for line in lines}

    return run


def test_where_all_is_well_every_check_is_ok(aws: Account, run: Run) -> None:
    """One line per check, exit status 0; the function is asked for nothing but a description."""
    code, lines = run()
    assert (code, list(lines)) == (0, CHECKS)
    assert all(line.startswith("ok: ") for line in lines.values())
    requests = [json.loads(params["Payload"])["detail-type"] for name, params in aws.calls if name == "Invoke"]
    assert requests == ["Describe Setup"]


def _alarm(**members: object) -> Members:
    alarm = {"AlarmName": "studio-setup-failed", "ActionsEnabled": True, "AlarmActions": [TOPIC], "StateValue": "OK"}
    return {"MetricAlarms": [{**alarm, **members}]}


def _concurrency(left: int) -> Members:
    return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": left}}


def _advanced(*selectors: Members) -> Members:
    return {"AdvancedEventSelectors": [{"FieldSelectors": list(selectors)}]}


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
FAILURES: list[tuple[str, str, Members, str]] = [
    ("function", "GetFunctionConfiguration", {"State": "Failed", "StateReason": "No key."}, "No key."),
    ("rule", "DescribeRule", {"State": "DISABLED", "EventPattern": PATTERN}, "RuleState=ENABLED"),
    ("rule", "TestEventPattern", {"Result": False}, "does not match"),
    ("rule", "ListTargetsByRule", {"Targets": [{"Id": "x", "Arn": f"{FUNCTION}-other"}]}, "does not call"),
    ("trail", "DescribeTrails", {"trailList": []}, "CreateTrail=true"),
    ("trail", "DescribeTrails", {"trailList": [{"TrailARN": TRAIL, "HomeRegion": "eu-west-1"}]}, "no trail covers"),
    ("trail", "GetTrailStatus", {"IsLogging": False}, "audit is switched off"),
    ("trail", "GetEventSelectors", {"EventSelectors": [{"ReadWriteType": "ReadOnly"}]}, "does not log CreateApp"),
    ("trail", "GetEventSelectors", {"EventSelectors": [{"IncludeManagementEvents": False}]}, "does not log"),
    ("trail", "GetEventSelectors", _advanced({"Field": "eventCategory", "Equals": ["Data"]}), "does not log"),
    ("trail", "GetEventSelectors", _advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}), "does not log"),
    (
        "trail",
        "GetEventSelectors",
        _advanced(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["sagemaker.amazonaws.com"]}),
        "does not log",
    ),
    ("domains", "DescribeDomain", {"AuthMode": "SSO"}, "IAM mode only"),
    ("domains", "ListDomains", {"Domains": []}, "no Studio domain"),
    ("concurrency", "GetAccountSettings", _concurrency(0), "Ask AWS for more"),
    ("log group", "DescribeLogGroups", {"logGroups": [{"logGroupName": "/aws/lambda/studio-setup-2"}]}, "no log group"),
    ("failure queue", "GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "2"}}, "given up: 2"),
    ("alarms", "DescribeAlarms", {"MetricAlarms": []}, "do not exist"),
    ("alarms", "DescribeAlarms", _alarm(AlarmActions=[]), "AlarmEmail"),
    ("alarms", "DescribeAlarms", _alarm(ActionsEnabled=False), "tell nobody: studio-setup-failed"),
]


@pytest.mark.parametrize(("check", "operation", "answer", "said"), FAILURES)
def test_what_is_wrong_is_said_with_the_remedy(  # noqa: PLR0917 (pytest hands them over by name)
    aws: Account, run: Run, check: str, operation: str, answer: Members, said: str
) -> None:
    """That check alone fails, in its own line, and the exit status is 1."""
    aws.says(operation, answer)
    code, lines = run()
    assert code == 1
    assert [name for name, line in lines.items() if line.startswith("FAILED: ")] == [check]
    assert said in lines[check]
    assert list(lines) == CHECKS


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetEventSelectors", {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}),
        ("GetEventSelectors", _advanced(MANAGEMENT)),
        ("GetEventSelectors", _advanced(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]})),
        (
            "DescribeTrails",
            {
                "trailList": [
                    {
                        "Name": "org",
                        "TrailARN": TRAIL,
                        "HomeRegion": "eu-west-1",
                        "IsMultiRegionTrail": True,
                        "IsOrganizationTrail": True,
                    }
                ]
            },
        ),
    ],
)
def test_every_trail_that_logs_the_call_will_do(aws: Account, run: Run, operation: str, answer: Members) -> None:
    """With either kind of selectors, also one of the organization or of another region that covers this one."""
    aws.says(operation, answer)
    code, lines = run()
    assert code == 0
    assert lines["trail"].startswith("ok: ")


def test_the_sample_event_is_of_the_rules_own_type_and_domain(aws: Account, run: Run) -> None:
    """A stack for one domain and for JupyterLab alone is tested with an event of these."""
    run()
    asked = next(params for name, params in aws.calls if name == "TestEventPattern")
    parameters: Any = json.loads(asked["Event"])["detail"]["requestParameters"]
    assert (parameters["appType"], parameters["domainId"]) == ("JupyterLab", DOMAIN)
    assert asked["EventPattern"] == PATTERN


@pytest.mark.parametrize(
    ("check", "operation", "answer"),
    [
        ("concurrency", "GetAccountSettings", _concurrency(10)),
        ("alarms", "DescribeAlarms", _alarm(StateValue="ALARM")),
    ],
)
def test_what_is_worth_knowing_is_a_note(aws: Account, run: Run, check: str, operation: str, answer: Members) -> None:
    """It does not make the command fail."""
    aws.says(operation, answer)
    code, lines = run()
    assert code == 0
    assert lines[check].startswith("note: ")


@pytest.mark.parametrize(
    ("check", "operation"),
    [
        ("function", "GetFunctionConfiguration"),
        ("version", "Invoke"),
        ("rule", "TestEventPattern"),
        ("trail", "DescribeTrails"),
        ("trail", "GetTrailStatus"),
        ("trail", "GetEventSelectors"),
        ("domains", "ListDomains"),
        ("concurrency", "GetAccountSettings"),
        ("log group", "DescribeLogGroups"),
        ("failure queue", "GetQueueAttributes"),
        ("alarms", "DescribeAlarms"),
    ],
)
def test_a_permission_that_is_lacking_is_no_error(aws: Account, run: Run, check: str, operation: str) -> None:
    """The line says that one may not look, the other checks are made, and the exit status is 0."""
    aws.refuse(operation, "AccessDeniedException")
    code, lines = run()
    assert code == 0
    assert lines[check].startswith("not permitted to look: ")
    assert PERMISSIONS[operation] in lines[check]
    assert list(lines) == CHECKS


def test_who_may_not_look_at_the_stack_sees_what_is_named_after_it(aws: Account, run: Run) -> None:
    """Rule and queue have names of their own, so these checks are left out."""
    aws.refuse("DescribeStacks", "AccessDenied")
    code, lines = run()
    assert code == 0
    unknown = [name for name, line in lines.items() if line.startswith("not permitted to look: ")]
    assert unknown == ["stack", "rule", "failure queue"]


def test_without_a_stack_there_is_nothing_further_to_look_at(aws: Account, run: Run) -> None:
    """The line of the stack says which was looked for, and where."""
    code, lines = run("--stack-name", "other")
    assert (code, list(lines)[-1]) == (1, "stack")
    assert "no stack 'other' in us-east-1" in lines["stack"]
    assert "Invoke" not in aws.operations()


def test_credentials_that_are_refused_end_it(aws: Account, run: Run) -> None:
    """Nothing else is asked with them."""
    aws.refuse("GetCallerIdentity", "ExpiredToken", "The token has expired")
    code, lines = run()
    assert (code, list(lines)) == (1, ["credentials", "region"])
    assert "ExpiredToken" in lines["credentials"]
    assert lines["credentials"].endswith(" -> The credentials have expired; sign in again.")


def test_a_shell_without_a_region_is_a_failed_check(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is in the line."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    code, lines = run()
    assert (code, list(lines)) == (1, ["credentials and region"])
    assert "AWS_DEFAULT_REGION" in lines["credentials and region"]


def test_a_function_of_another_version_is_a_failed_check(aws: Account, run: Run) -> None:
    """Both versions are named."""
    aws.describe = describes("0.0.9")
    code, lines = run()
    assert code == 1
    assert "0.0.9" in lines["version"]
    assert __version__ in lines["version"]


def test_json_is_one_object(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """With check, level, what is said, and the remedy of each."""
    aws.says("DescribeTrails", {"trailList": []})
    assert main(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [one["check"] for one in checks] == CHECKS
    trail = checks[CHECKS.index("trail")]
    assert (trail["level"], trail["said"]) == ("failed", "no trail covers us-east-1")
    assert "CreateTrail=true" in trail["remedy"]


def _probed(answer: Members) -> Callable[[Members], Members]:
    def answer_request(request: Members) -> Members:
        return answer if request["detail-type"] == "Probe" else describes(__version__)(request)

    return answer_request


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"code": "probed", "reason": "", "outcome": "succeeded"}, 0, "got as far as a shell"),
        ({"code": "login-refused", "reason": "HTTP 403.", "outcome": "unreachable"}, 1, "login-refused: HTTP 403."),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}, 1, "Task timed out"),
        ({}, 1, "garbled"),
    ],
)
@pytest.mark.parametrize("name", ["alice", "team", "space:team"])
def test_a_probe_says_where_the_function_got_to(  # noqa: PLR0917 (pytest hands them over by name)
    aws: Account, run: Run, answer: Members, code: int, said: str, name: str
) -> None:
    """Exactly the running app of that user or space is probed; what stopped it is in the line."""
    aws.add_app(App(DOMAIN, "alice", "JupyterServer", "default"), datetime(2026, 11, 1, tzinfo=UTC))
    team = App(DOMAIN, "", "JupyterLab", "default", "team")
    aws.add_app(team, datetime(2026, 11, 1, tzinfo=UTC))
    aws.describe = _probed(answer)
    status, lines = run("--probe", name)
    assert status == code
    label = f"{DOMAIN}/alice/JupyterServer/default" if name == "alice" else team.label
    assert said in lines[f"probe of {label}"]
    assert sum(line.startswith("probe of ") for line in lines) == 1


@pytest.mark.parametrize("code", ["sso-domain", "space-without-owner"])
def test_a_probe_of_an_app_that_is_excluded_is_a_note(aws: Account, run: Run, code: str) -> None:
    """Nothing is broken: such an app is not set up."""
    aws.add_app(App(DOMAIN, "alice", "JupyterServer", "default"), datetime(2026, 11, 1, tzinfo=UTC))
    aws.describe = _probed({"code": code, "reason": "It is not ours.", "outcome": "skipped"})
    status, lines = run("--probe", "alice")
    assert status == 0
    assert lines[f"probe of {DOMAIN}/alice/JupyterServer/default"].startswith("note: ")


def test_a_probe_without_the_permission_to_list_apps_is_no_error(aws: Account, run: Run) -> None:
    """The other checks are made, and its line says which permission is lacking."""
    aws.refuse("ListApps", "AccessDeniedException")
    code, lines = run("--probe", "alice")
    assert (code, list(lines)) == (0, [*CHECKS, "probe"])
    assert lines["probe"] == "not permitted to look: probe: it takes the permission sagemaker:ListApps"


def test_a_probe_needs_an_app_that_runs(aws: Account, run: Run) -> None:
    """Nothing is invoked for somebody who has none."""
    assert run("--probe", "nobody")[0] == 2
    requests = [json.loads(params["Payload"])["detail-type"] for name, params in aws.calls if name == "Invoke"]
    assert requests == ["Describe Setup"]
