"""The deployed stack: its outputs, by which everything else is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_setup.model.errors import BadInput
from studio_setup_cli.aws import aws_session, call_errors, configuration_errors, fleet_config, invocation_config

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient

    from studio_setup.fleet.failure_queue import FailureQueue
    from studio_setup.fleet.set_up import DeployedFunction
    from studio_setup.fleet.survey import Sources


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stack is, as the operator names it; an empty region or profile means that of the shell."""

    stack_name: str
    region: str = ""
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """What the stack's outputs name."""

    function_name: str
    log_group_name: str
    failure_queue_url: str
    rule_name: str


def find_stack(client: CloudFormationClient, name: str) -> Stack:
    """The stack of that name, in the client's region.

    Raises:
        BadInput: there is none, it is not one of Studio Setup, or it may not be looked at.
    """
    region = client.meta.region_name
    with call_errors():
        try:
            stacks = client.describe_stacks(StackName=name)["Stacks"]
        except client.exceptions.ClientError as error:
            # CloudFormation's way of saying that there is none.
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            raise BadInput(
                f"There is no stack {name!r} in {region}; give --stack-name, --region or --profile."
            ) from None
    outputs = {output.get("OutputKey"): output.get("OutputValue", "") for output in stacks[0].get("Outputs", [])}
    try:
        return Stack(
            function_name=outputs["FunctionName"],
            log_group_name=outputs["LogGroupName"],
            failure_queue_url=outputs["FailureQueueUrl"],
            rule_name=outputs["RuleName"],
        )
    except KeyError as missing:
        status = stacks[0].get("StackStatus", "unknown")
        raise BadInput(
            f"The stack {name!r} in {region} has no output {missing.args[0]}: it is not one of Studio Setup, or not"
            f" deployed completely (its status is {status})."
        ) from None


@dataclass(frozen=True, slots=True)
class Fleet:
    """A stack's fleet: whom to ask about it, what sets it up, and where failures are kept."""

    sources: Sources
    function: DeployedFunction
    failure_queue: FailureQueue


def find_sources(place: Place) -> Sources:
    """Whom to ask about the fleet of the stack at that place.

    Raises:
        BadInput: as `aws_session` and `find_stack`.
    """
    session = aws_session(place.region, place.profile)
    return _sources(session, _stack(session, place))


def find_fleet(place: Place) -> Fleet:
    """The fleet of the stack at that place.

    Raises:
        BadInput: as `aws_session` and `find_stack`.
    """
    from studio_setup.fleet.failure_queue import FailureQueue  # noqa: PLC0415
    from studio_setup.fleet.set_up import DeployedFunction  # noqa: PLC0415

    session = aws_session(place.region, place.profile)
    stack = _stack(session, place)
    with configuration_errors():
        function = DeployedFunction(session.client("lambda", config=invocation_config()), stack.function_name)
        queue = FailureQueue(session.client("sqs", config=fleet_config()), stack.failure_queue_url)
    return Fleet(_sources(session, stack), function, queue)


def _stack(session: boto3.Session, place: Place) -> Stack:
    with configuration_errors():
        client = session.client("cloudformation", config=fleet_config())
    return find_stack(client, place.stack_name)


def _sources(session: boto3.Session, stack: Stack) -> Sources:
    from studio_setup.fleet.function_log import FunctionLog  # noqa: PLC0415
    from studio_setup.fleet.survey import Sources  # noqa: PLC0415

    config = fleet_config()
    with configuration_errors():
        sagemaker = session.client("sagemaker", config=config)
        # The function is throttled for as long as setups use up its reserved concurrency: not worth waiting for.
        lambda_client = session.client("lambda", config=fleet_config(attempts=3))
        logs = session.client("logs", config=config)
    return Sources(sagemaker, lambda_client, stack.function_name, FunctionLog(logs, stack.log_group_name))
