"""The template, and the stacks it makes, as fixtures."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from tests.support.stack import Stack, transformed


class Deploy(Protocol):
    """Resolves the transformed template for these parameters."""

    def __call__(self, **parameters: str) -> Stack:
        """Return the stack."""
        ...


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template after SAM's transformation, with CloudFormation's functions unresolved."""
    return transformed()


@pytest.fixture(scope="session")
def deploy(template: dict[str, Any]) -> Deploy:
    """Make the stack that a deployment with these parameters creates."""

    def stack(**parameters: str) -> Stack:
        return Stack(template, **parameters)

    return stack


@pytest.fixture(scope="session")
def default_stack(deploy: Deploy) -> Stack:
    """The stack with the default parameters."""
    return deploy()
