"""The function may do what it needs and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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


@pytest.mark.parametrize(("domain_id", "scope"), [("", "*"), ("d-abcdefghijkl", "d-abcdefghijkl")])
def test_the_role_allows_exactly_what_a_run_needs(deploy: Deploy, domain_id: str, scope: str) -> None:
    """These six statements are the whole role, and a DomainId narrows all that is about Studio."""
    assert _statements(deploy(DomainId=domain_id)) == [
        {
            "Effect": "Allow",
            "Action": "sagemaker:CreatePresignedDomainUrl",
            "Resource": f"{SAGEMAKER}:user-profile/{scope}/*",
        },
        {
            "Effect": "Allow",
            "Action": "sagemaker:DescribeApp",
            "Resource": [f"{SAGEMAKER}:app/{scope}/*/{app_type}/*" for app_type in ("JupyterServer", "JupyterLab")],
        },
        {"Effect": "Allow", "Action": "sagemaker:DescribeDomain", "Resource": f"{SAGEMAKER}:domain/{scope}"},
        {"Effect": "Allow", "Action": "sagemaker:DescribeSpace", "Resource": f"{SAGEMAKER}:space/{scope}/*"},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:StudioSetupLogGroup:*",
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "FailureQueue.Arn"},
    ]


def test_no_wildcard_action_and_no_wildcard_resource(default_stack: Stack) -> None:
    """Even with every domain in scope no statement names all actions of a service or all resources."""
    for statement in _statements(default_stack):
        actions, resources = (
            value if isinstance(value, list) else [value] for value in (statement["Action"], statement["Resource"])
        )
        assert not [action for action in actions if "*" in action]
        assert "*" not in resources


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
