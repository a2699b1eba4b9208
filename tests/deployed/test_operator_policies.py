"""Each use of Studio Setup works with its policy of docs/operator-policies.

The local cloud does not check calls. So before each call of the SDK, its IAM is asked whether the operator may make it,
and if not, the call is answered as AWS would.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel

import studio_setup
from emulator.studio import DOMAIN_ID
from local_cloud.cloud import ACCOUNT_ID, REGION
from studio_setup_cli.main import main
from tests.support.deployment import STACK, Deployed, Start
from tests.support.permissions import Place, needed, policy
from tests.support.waiting import wait_until

OPERATOR = "operator"
VALUES = {"REGION": REGION, "ACCOUNT": ACCOUNT_ID, "STACK": STACK, "DOMAIN": DOMAIN_ID}
COMMAND = ["--command", "echo here"]
SetUpWith = Callable[..., None]


class Operator:
    """Somebody with one policy; `asked` has what they needed permission for, `refused` what they had none for."""

    def __init__(self, iam: Any) -> None:  # noqa: ANN401 (an SDK client)
        self._iam = iam
        self._arn = iam.create_user(UserName=OPERATOR)["User"]["Arn"]
        self.asked: set[str] = set()
        self.refused: list[str] = []

    def may_only(self, name: str, **names: str) -> None:
        """Give them this policy of docs/operator-policies, with the names of a user and of a space if it takes them."""
        document = json.dumps(policy(name, **VALUES, **names))
        self._iam.put_user_policy(UserName=OPERATOR, PolicyName="own", PolicyDocument=document)

    def may(self, action: str, resource: str) -> bool:
        """What the cloud's IAM says."""
        (result,) = self._iam.simulate_principal_policy(
            PolicySourceArn=self._arn, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")

    def leave(self) -> None:
        """Take the policy away, and the operator."""
        self._iam.delete_user_policy(UserName=OPERATOR, PolicyName="own")
        self._iam.delete_user(UserName=OPERATOR)

    def check(self, model: OperationModel, context: dict[str, Any], **_: object) -> tuple[object, object] | None:
        """Before a call is sent: an answer instead, if it may not be made."""
        for one in needed(Place(REGION, ACCOUNT_ID), model.name, context["as_asked"]):
            self.asked.add(one.action)
            if not self.may(one.action, one.resource):
                self.refused.append(f"{one.action} on {one.resource}")
        if not self.refused:
            return None
        error = {"Code": "AccessDeniedException", "Message": self.refused[-1]}
        return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}


def _note(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    context["as_asked"] = dict(params)


@pytest.fixture
def operator(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An operator at this machine, whose AWS is the local cloud."""
    operator = Operator(deployed.cloud.client("iam"))
    make: Any = boto3.Session.client
    for name, value in deployed.cloud.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def client(session: boto3.Session, service: str, *arguments: object, **options: object) -> object:
        made = make(session, service, *arguments, **options)
        if "endpoint_url" not in options:  # those with one are the test's own
            made.meta.events.register("before-parameter-build", _note)
            made.meta.events.register("before-call", operator.check)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)
    yield operator
    operator.leave()


def test_status(deployed: Deployed, operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    """Every app is shown, also what is deployed for it."""
    start = deployed.start_app()
    operator.may_only("status")
    assert main(["status", "--user-profile-name", start.user]) == 0
    assert operator.refused == []
    said = capsys.readouterr()
    assert f"{start.user}" in said.out
    assert "No app is shown as outdated" not in said.err
    assert "lambda:InvokeFunction" in operator.asked


def test_setup_and_logs(
    deployed: Deployed, operator: Operator, set_up_with: SetUpWith, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app is set up, and its log is read, with a policy each."""
    set_up_with("echo done by the setup")
    start = deployed.start_app()
    operator.may_only("setup")
    assert main(["setup", "--user-profile-name", start.user, "--yes"]) == 0
    operator.may_only("logs")
    assert main(["logs", "--user-profile-name", start.user]) == 0
    assert operator.refused == []
    assert "done by the setup" in capsys.readouterr().out


def test_setup_that_settles_the_failure_queue(deployed: Deployed, operator: Operator, set_up_with: SetUpWith) -> None:
    """The setup that failed is run again, and its message is gone."""
    set_up_with("test -e ~/mended")
    start = deployed.start_app()
    deployed.deliver(start.event)
    wait_until(lambda: messages(deployed), "the event in the failure queue")
    (start.app.home / "mended").touch()
    operator.may_only("setup-failure-queue")
    arguments = ["--only", "failed", "--force", "--yes", "--user-profile-name", start.user]
    assert main(["setup", *arguments]) == 0
    assert operator.refused == []
    assert "sqs:DeleteMessage" in operator.asked
    assert messages(deployed) == 0


def messages(deployed: Deployed) -> int:
    """How many messages the failure queue has, whoever sees them."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = deployed.cloud.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs()["FailureQueueUrl"], AttributeNames=names
    )["Attributes"]
    return sum(map(int, counts.values()))


@pytest.mark.parametrize("probes", [False, True], ids=["doctor", "doctor-probe"])
def test_doctor(deployed: Deployed, operator: Operator, capsys: pytest.CaptureFixture[str], *, probes: bool) -> None:
    """No check is left out for want of a permission, and the probe gets into the app."""
    start = deployed.start_app() if probes else None
    operator.may_only("doctor-probe" if probes else "doctor")
    main(["doctor", *(["--probe", start.user] if start else [])])
    said = capsys.readouterr().out
    assert operator.refused == []
    assert "not permitted" not in said
    assert said.count("ok: probe of ") == int(probes)


@pytest.mark.parametrize("app_type", ["JupyterServer", "JupyterLab"])
@pytest.mark.parametrize("use", ["run", "run-many", "python-api"])
def test_a_command_runs_in_an_app(deployed: Deployed, operator: Operator, use: str, app_type: str) -> None:
    """By each way into it, in the app of a user and in that of a space."""
    start = deployed.start_app(app_type)
    operator.may_only(use, USER=start.user, SPACE=start.space or "none")
    RUN[use](start)
    assert operator.refused == []
    assert "sagemaker:CreatePresignedDomainUrl" in operator.asked


def _owner(start: Start) -> list[str]:
    return [
        "--domain-id",
        DOMAIN_ID,
        *(["--space-name", start.space] if start.space else ["--user-profile-name", start.user]),
    ]


def _run(start: Start) -> None:
    assert main(["run", *_owner(start), *COMMAND]) == 0


def _run_many(start: Start) -> None:
    assert main(["run", *_owner(start), "--group", *COMMAND]) == 0


def _python_api(start: Start) -> None:
    user, space = ("", start.space) if start.space else (start.user, "")
    with studio_setup.connect(DOMAIN_ID, user=user, space=space) as app:
        assert app.run("echo here").output == "here\n"


RUN: dict[str, Callable[[Start], None]] = {"run": _run, "run-many": _run_many, "python-api": _python_api}


@pytest.mark.parametrize("in_space", [False, True], ids=["JupyterServer", "JupyterLab"])
def test_verify(deployed: Deployed, operator: Operator, set_up_with: SetUpWith, *, in_space: bool) -> None:
    """An app is started, and its setup is followed to its end."""
    set_up_with("true")
    owner = deployed.studio.add_user_profile(f"permitted-{in_space}")
    space = deployed.studio.add_space("permitted-space", owner) if in_space else ""
    delivery = threading.Thread(target=_deliver, args=(deployed, space or owner))
    delivery.start()
    operator.may_only("verify")
    options = ["--space-name", space] if space else ["--user-profile-name", owner]
    assert main(["verify", "--domain-id", DOMAIN_ID, *options]) == 0
    delivery.join()
    assert operator.refused == []


def _deliver(deployed: Deployed, owner: str) -> None:
    """Deliver the event of the app start of a user or a space, once there is one."""

    def events() -> list[dict[str, Any]]:
        return [event for event in deployed.studio.events if owner in event["detail"]["requestParameters"].values()]

    wait_until(events, f"CreateApp for {owner}")
    deployed.deliver(events()[0])


def test_what_a_policy_does_not_allow_is_refused(
    deployed: Deployed, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the policy of `logs`, `status` may not list the apps; the command names what is missing."""
    assert deployed.outputs()
    operator.may_only("logs")
    assert main(["status"]) == 2
    assert operator.refused == ["sagemaker:ListApps on *"]
    assert "it takes the permission sagemaker:ListApps" in capsys.readouterr().err
