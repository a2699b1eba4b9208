"""Writes docs/configuration.md from the parameters of the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).resolve().parents[1] / "template.sam.yaml"
_HEAD = """# Configuration

The parameters of the stack. `sam deploy --guided` asks for each; `--parameter-overrides Name=value …` sets some.

This page is generated from `template.sam.yaml` by `make docs-refresh`; a test checks that it is up to date.

| Parameter | Default | Accepted | Meaning |
|---|---|---|---|
"""
_MAX_NAMED_VALUES = 5


def page() -> str:
    """The whole page."""
    parameters: dict[str, dict[str, Any]] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Parameters"]
    return _HEAD + "".join(f"{row}\n" for row in _rows(parameters))


def _rows(parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One row for each parameter, in the template's order."""
    for name, parameter in parameters.items():
        default = str(parameter["Default"])
        meaning = " ".join(str(parameter["Description"]).split())
        yield f"| `{name}` | {f'`{default}`' if default else '*empty*'} | {_accepted(parameter)} | {meaning} |"


def _accepted(parameter: Mapping[str, Any]) -> str:
    """Which values a parameter takes, in words."""
    values = [str(value) for value in parameter.get("AllowedValues", ())]
    if len(values) > _MAX_NAMED_VALUES:
        return f"`{values[0]}`, `{values[1]}`, … `{values[-1]}`, as CloudWatch Logs takes them"
    if values:
        return ", ".join(f"`{value}`" for value in values)
    if "MinValue" in parameter:
        return f"{parameter['MinValue']} to {parameter['MaxValue']}"
    return str(parameter["ConstraintDescription"])
