"""The function may do what it needs and nothing else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from studio_setup.model.app import KNOWN_APP_TYPES
from tests.support.app_arns import app_types, spellings

if TYPE_CHECKING:
    from tests.support.stack import Stack
    from tests.support.stack_fixtures import Deploy

SAGEMAKER = "arn:aws:sagemaker:us-east-1:111122223333"
IN_A_VPC = {"SubnetIds": "subnet-0123456789abcdef0", "SecurityGroupIds": "sg-0123456789abcdef0"}


def _role(stack: Stack) -> dict[str, Any]:
    (role,) = stack.of_type("AWS::IAM::Role").values()
    properties: dict[str, Any] = role["Properties"]
    return properties


def _statements(stack: Stack, name: str = "StudioSetup") -> list[dict[str, Any]]:
    (policy,) = (policy for policy in _role(stack)["Policies"] if policy["PolicyName"] == name)
    return [
        {key: value for key, value in statement.items() if key != "Sid"}
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _allows(stack: Stack, action: str, arn: str) -> bool:
    """Would IAM let the role do this? It compares the resource with case, and `*` stands for anything."""
    resources = [
        pattern
        for statement in _statements(stack)
        if statement["Effect"] == "Allow" and action in _list(statement["Action"])
        for pattern in _list(statement["Resource"])
    ]
    return any(fnmatchcase(arn, pattern) for pattern in resources)


@pytest.mark.parametrize(("domain_id", "scope"), [("", "*"), ("d-abcdefghijkl", "d-abcdefghijkl")])
def test_the_role_allows_exactly_what_a_run_needs(deploy: Deploy, domain_id: str, scope: str) -> None:
    """These seven statements are the whole role, and DomainId narrows all that are about Studio."""
    assert _statements(deploy(DomainId=domain_id)) == [
        {
            "Effect": "Allow",
            "Action": "sagemaker:CreatePresignedDomainUrl",
            "Resource": f"{SAGEMAKER}:user-profile/{scope}/*",
        },
        {
            "Effect": "Allow",
            "Action": "sagemaker:DescribeApp",
            "Resource": [
                f"{SAGEMAKER}:app/{scope}/*/{app_type}/*"
                for app_type in ("JupyterServer", "jupyterserver", "JupyterLab", "jupyterlab")
            ],
        },
        {"Effect": "Allow", "Action": "sagemaker:DescribeDomain", "Resource": f"{SAGEMAKER}:domain/{scope}"},
        {"Effect": "Allow", "Action": "sagemaker:DescribeSpace", "Resource": f"{SAGEMAKER}:space/{scope}/*"},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:StudioSetupLogGroup:*",
        },
        {
            "Effect": "Allow",
            "Action": "logs:FilterLogEvents",
            "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:StudioSetupLogGroup:*",
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "FailureQueue.Arn"},
    ]


def test_aws_spells_an_app_type_in_two_ways() -> None:
    """In what AWS and its users have published, an app's ARN has its type as the API spells it, or in lower case."""
    assert {app_type: spellings(app_type) for app_type in KNOWN_APP_TYPES} == {
        "JupyterServer": {"JupyterServer", "jupyterserver"},
        "JupyterLab": {"JupyterLab", "jupyterlab"},
    }


@pytest.mark.parametrize("domain_id", ["", "d-abcdefghijkl"])
def test_an_app_may_be_described_however_aws_spells_its_type(deploy: Deploy, domain_id: str) -> None:
    """Apps with a Jupyter server may be described in every known spelling and in no other; other apps never."""
    stack = deploy(DomainId=domain_id)
    asked = {spelling for app_type in app_types() for spelling in (*spellings(app_type), app_type.upper())}
    allowed = {
        spelling
        for spelling in asked
        if _allows(stack, "sagemaker:DescribeApp", f"{SAGEMAKER}:app/d-abcdefghijkl/alice/{spelling}/default")
    }
    assert allowed == {spelling for app_type in KNOWN_APP_TYPES for spelling in spellings(app_type)}


@pytest.mark.parametrize("name", ["alice", "Alice", "default-20240725t130739", "LLM-Project"])
def test_the_spelling_of_names_does_not_matter(deploy: Deploy, name: str) -> None:
    """Users and spaces of the domain are allowed however their names are spelled; those of other domains are not."""
    stack = deploy(DomainId="d-abcdefghijkl")
    calls = {
        "sagemaker:CreatePresignedDomainUrl": "user-profile/d-abcdefghijkl/{}",
        "sagemaker:DescribeSpace": "space/d-abcdefghijkl/{}",
        "sagemaker:DescribeApp": "app/d-abcdefghijkl/{}/JupyterLab/default",
    }
    for action, resource in calls.items():
        arn = f"{SAGEMAKER}:{resource.format(name)}"
        assert _allows(stack, action, arn)
        assert not _allows(stack, action, arn.replace("d-abcdefghijkl", "d-another"))


def test_no_wildcard_action_and_no_wildcard_resource(default_stack: Stack) -> None:
    """Even with every domain in scope no statement names all actions of a service or all resources."""
    for statement in _statements(default_stack):
        assert not [action for action in _list(statement["Action"]) if "*" in action]
        assert "*" not in _list(statement["Resource"])


def test_the_role_has_nothing_but_its_own_policy(default_stack: Stack) -> None:
    """No managed policy adds rights, and only Lambda may take the role."""
    role = _role(default_stack)
    assert "ManagedPolicyArns" not in role
    assert [policy["PolicyName"] for policy in role["Policies"]] == ["StudioSetup"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_the_function_runs_with_this_role(default_stack: Stack) -> None:
    """The function uses the role above and no other role exists in the stack."""
    (name,) = default_stack.of_type("AWS::IAM::Role")
    assert default_stack.properties("StudioSetupFunction")["Role"] == f"{name}.Arn"


def test_in_a_vpc_lambda_manages_interfaces_and_our_code_does_not(deploy: Deploy) -> None:
    """What AWS documents for a function in a VPC is added there only, and denied to the function's own code."""
    stack = deploy(**IN_A_VPC)
    assert [policy["PolicyName"] for policy in _role(stack)["Policies"]] == ["StudioSetup", "ManageNetworkInterfaces"]
    allow, deny = _statements(stack, "ManageNetworkInterfaces")
    assert allow == {
        "Effect": "Allow",
        "Action": [
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        "Resource": "*",
    }
    function = (
        f"arn:aws:lambda:us-east-1:111122223333:function:{stack.properties('StudioSetupFunction')['FunctionName']}"
    )
    assert deny == {
        "Effect": "Deny",
        "Action": "ec2:*",
        "Resource": "*",
        "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": function}},
    }
