"""An account in which all is well, as `studio-setup doctor` looks at it."""

from __future__ import annotations

import json
from collections.abc import Callable

from studio_setup.model.version import __version__
from tests.support.fake_aws import FakeAws, Members, described

DOMAIN = "d-abcdefghijkl"
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:studio-setup"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alarms"
PATTERN = json.dumps(
    {
        "source": ["aws.sagemaker"],
        "detail": {"eventName": ["CreateApp"], "requestParameters": {"appType": ["JupyterLab"], "domainId": [DOMAIN]}},
    }
)


def answers() -> dict[str, Members]:
    """What AWS answers where all is well."""
    names = ("failed", "timed-out", "dead-letters", "no-setup")
    alarm = {"ActionsEnabled": True, "AlarmActions": [TOPIC], "StateValue": "OK"}
    return {
        "GetCallerIdentity": {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/ops", "UserId": "X"},
        "GetFunctionConfiguration": {"FunctionName": "studio-setup", "State": "Active"},
        "DescribeRule": {"Name": "studio-setup-rule", "State": "ENABLED", "EventPattern": PATTERN},
        "TestEventPattern": {"Result": True},
        "ListTargetsByRule": {"Targets": [{"Id": "one", "Arn": FUNCTION}]},
        "DescribeTrails": {"trailList": [{"Name": "audit", "TrailARN": TRAIL, "HomeRegion": "us-east-1"}]},
        "GetTrailStatus": {"IsLogging": True},
        "GetEventSelectors": {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]},
        "ListDomains": {"Domains": [{"DomainId": DOMAIN}]},
        "DescribeDomain": {"AuthMode": "IAM"},
        "GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}},
        "DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/lambda/studio-setup", "retentionInDays": 90}]},
        "GetQueueAttributes": {
            "Attributes": {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}
        },
        "DescribeAlarms": {"MetricAlarms": [{"AlarmName": f"studio-setup-{name}", **alarm} for name in names]},
    }


def describes(version: str) -> Callable[[Members], Members]:
    """A function of that version."""
    return lambda request: {**described(request), "engine_version": version}


class Account(FakeAws):
    """An account in which all is well."""

    def __init__(self) -> None:
        super().__init__(describe=describes(__version__))
        for operation, answer in answers().items():
            self.says(operation, answer)

    def says(self, operation: str, answer: Members) -> None:
        """Answer that operation so from now on."""
        self.others[operation] = lambda _request: answer
