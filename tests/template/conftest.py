"""What the tests of the template share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.template.stack import Stack, transformed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Deploy(Protocol):
    """Resolves the transformed template for these parameters."""

    def __call__(self, **parameters: str) -> Stack:
        """Return the stack."""
        ...


@pytest.fixture(scope="session", autouse=True)
def _made_up_aws_access() -> Iterator[None]:
    """No test finds an account: region and credentials are made up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def template(_made_up_aws_access: None) -> dict[str, Any]:
    """The template after SAM's transformation, functions still in it."""
    return transformed()


@pytest.fixture(scope="session")
def deploy(template: dict[str, Any]) -> Deploy:
    """Make the stack that a deployment with these parameters creates."""

    def stack(**parameters: str) -> Stack:
        return Stack(template, **parameters)

    return stack


@pytest.fixture(scope="session")
def default_stack(deploy: Deploy) -> Stack:
    """The stack somebody gets who names no parameter."""
    return deploy()
