"""The shapes of the SageMaker API, from the SDK's own service model.

`botocore.validate` checks names and types. The service also checks patterns, lengths, ranges and enumerations, which
the SDK leaves to it; they are checked here, from the same model.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel


@functools.lru_cache(maxsize=1)
def service_model() -> ServiceModel:
    """Return botocore's model of SageMaker; reading it takes a moment, so it is read once."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"))


def operation(name: str) -> OperationModel:
    """Return the model of one operation."""
    return service_model().operation_model(name)


def type_errors(value: Mapping[str, Any], shape: Shape | None) -> str:
    """Describe the wrong names and types in a value; empty if there are none."""
    if shape is None:
        return "" if not value else "this operation has no such structure"
    return str(ParamValidator().validate(value, shape).generate_report())


def constraint_errors(value: object, shape: Shape | None, path: str = "") -> list[str]:
    """List the other constraints that a value violates, in the words of the service."""
    return list(_violations(value, shape, path)) if shape is not None else []


def refusal(violations: list[str]) -> str:
    """Return the message of a ValidationException for violations."""
    noun = "error" if len(violations) == 1 else "errors"
    return f"{len(violations)} validation {noun} detected: " + "; ".join(violations)


def _violations(value: object, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_violations(value, shape, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _size_violations(value, shape, path)
        for index, item in enumerate(value, start=1):
            yield from _violations(item, shape.member, f"{path}.{index}.member")
    elif shape.type_name == "string" and isinstance(value, str):
        yield from _size_violations(value, shape, path)
        yield from _text_violations(value, shape, path)
    elif shape.type_name in ("integer", "long") and isinstance(value, int):
        yield from _range_violations(value, shape, path)


def _structure_violations(value: dict[str, object], shape: StructureShape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _violation(None, _join(path, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _violations(value[name], member, _join(path, name))


def _size_violations(value: str | list[object], shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if len(value) < limits.get("min", 0):
        yield _violation(value, path, f"Member must have length greater than or equal to {limits['min']}")
    if "max" in limits and len(value) > limits["max"]:
        yield _violation(value, path, f"Member must have length less than or equal to {limits['max']}")


def _range_violations(value: int, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if "min" in limits and value < limits["min"]:
        yield _violation(value, path, f"Member must have value greater than or equal to {limits['min']}")
    if "max" in limits and value > limits["max"]:
        yield _violation(value, path, f"Member must have value less than or equal to {limits['max']}")


def _text_violations(value: str, shape: Shape, path: str) -> Iterator[str]:
    allowed = shape.metadata
    if "enum" in allowed and value not in allowed["enum"]:
        choices = ", ".join(allowed["enum"])
        yield _violation(value, path, f"Member must satisfy enum value set: [{choices}]")
    if "pattern" in allowed and not re.fullmatch(allowed["pattern"], value):
        pattern = allowed["pattern"]
        yield _violation(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _violation(value: object, path: str, rule: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered
