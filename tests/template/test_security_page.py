"""docs/security.md says who may do what, and says it of every action that the template allows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.stack import ROOT, Stack
from tests.support.stack_fixtures import Deploy

EVERYTHING = {
    "AlarmEmail": "somebody@example.com",
    "CreateTrail": "true",
    "ReconcileSchedule": "rate(1 hour)",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0",
}
SERVICES = {
    "cloudtrail.amazonaws.com": "CloudTrail",
    "cloudwatch.amazonaws.com": "CloudWatch",
    "events.amazonaws.com": "EventBridge",
}
# The policies of the two roles → who acts with them.
HOLDERS = {"StudioSetup": "the function", "ManageNetworkInterfaces": "Lambda", "Reconcile": "the reconcile function"}
RESOURCE_POLICIES = ("PolicyDocument", "KeyPolicy")


@pytest.fixture(scope="module")
def stack(deploy: Deploy) -> Stack:
    """A stack with everything that can be switched on."""
    return deploy(**EVERYTHING)


def _said() -> dict[str, set[str]]:
    """Who → the actions that the page names."""
    said: dict[str, set[str]] = defaultdict(set)
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for who, may in re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| [^|]+ \|$", text, re.MULTILINE):
        said[who.partition(",")[0]] |= set(re.findall(r"`([a-z0-9]+:[A-Za-z]*\*?)`", may))
    return {who: actions for who, actions in said.items() if actions}


def _allowed(stack: Stack) -> dict[str, set[str]]:
    """Who → the actions that the stack allows."""
    allowed: dict[str, set[str]] = defaultdict(set)
    for who, action in [*_of_roles(stack), *_of_resources(stack)]:
        allowed[who].add(action)
    return allowed


def _of_roles(stack: Stack) -> Iterator[tuple[str, str]]:
    for role in stack.of_type("AWS::IAM::Role").values():
        for policy in role["Properties"]["Policies"]:
            for statement in _allowing(policy["PolicyDocument"]):
                yield from ((HOLDERS[policy["PolicyName"]], action) for action in _list(statement["Action"]))


def _of_resources(stack: Stack) -> Iterator[tuple[str, str]]:
    for resource in stack.resources.values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Lambda::Permission":
            yield SERVICES[properties["Principal"]], properties["Action"]
        for document in (properties[key] for key in RESOURCE_POLICIES if key in properties):
            for statement in _allowing(document):
                yield from ((_holder(statement["Principal"]), action) for action in _list(statement["Action"]))


def _holder(principal: dict[str, str]) -> str:
    """Whom a resource's policy allows something."""
    return SERVICES[principal["Service"]] if "Service" in principal else "whomever IAM allows"


def _allowing(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_page_names_every_action_and_no_other(stack: Stack) -> None:
    """Who may do what, in full, as the template allows it."""
    assert _said() == _allowed(stack)
