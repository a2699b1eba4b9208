"""The stack as AWS would see it: transformed by SAM's own translator, then resolved for given parameters.

Knows CloudFormation's functions as far as the template uses them, and refuses every other one. Knows nothing
of what the template is for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.sam.yaml"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "studio-setup",
}
Node = Any  # a piece of a template: what JSON can hold
_NO_VALUE = object()


def source() -> dict[str, Any]:
    """Return the template as written."""
    template: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return template


def transformed() -> dict[str, Any]:
    """Return the template as SAM's translator turns it into CloudFormation."""
    template = source()
    for name in ("StudioSetupFunction", "ReconcileFunction"):
        template["Resources"][name]["Properties"]["CodeUri"] = "s3://bucket/bundle.zip"
    translator = Translator(managed_policy_map={}, sam_parser=Parser())
    translated: dict[str, Any] = translator.translate(template, {})
    return translated


class Stack:
    """What a deployment with these parameters creates: `resources`, `outputs`, every function resolved."""

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self._conditions = template.get("Conditions", {})
        self._resources = template["Resources"]
        self._values: dict[str, Any] = dict(PSEUDO_PARAMETERS)
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown, f"no such parameter: {unknown}"
        for name, declared in template["Parameters"].items():
            value = str(parameters.get(name, declared["Default"]))
            self._values[name] = value.split(",") if declared["Type"] == "CommaDelimitedList" else value
        self.resources: dict[str, Any] = self._existing(self._resources)
        self.outputs: dict[str, Any] = self._existing(template["Outputs"])

    def properties(self, name: str) -> dict[str, Any]:
        """Return the resolved properties of one resource."""
        properties: dict[str, Any] = self.resources[name]["Properties"]
        return properties

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return name → resource for every resource of a type."""
        return {name: found for name, found in self.resources.items() if found["Type"] == kind}

    def _existing(self, section: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self._resolve(value)
            for name, value in section.items()
            if "Condition" not in value or self._holds(value["Condition"])
        }

    def _holds(self, name: str) -> bool:
        return bool(self._resolve(self._conditions[name]))

    def _resolve(self, node: Node) -> Node:
        if isinstance(node, list):
            return [value for item in node if (value := self._resolve(item)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            key, argument = next(iter(node.items()))
            if key == "Ref" or key.startswith("Fn::"):
                return self._call(key, argument)
        return {key: value for key, item in node.items() if (value := self._resolve(item)) is not _NO_VALUE}

    def _call(self, function: str, argument: Node) -> Node:
        functions: dict[str, Callable[[Node], Node]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda names: self._attribute(*names),
            "Fn::Sub": self._substitute,
            "Fn::If": lambda branches: self._resolve(branches[1 if self._holds(branches[0]) else 2]),
            "Fn::Equals": lambda sides: len({str(self._resolve(side)) for side in sides}) == 1,
            "Fn::Not": lambda condition: not self._resolve(condition[0]),
            "Fn::Join": lambda parts: parts[0].join(self._resolve(parts[1])),
        }
        return functions[function](argument)

    def _ref(self, name: str) -> Node:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._values:
            return self._values[name]
        assert name in self._resources, f"nothing is called {name}"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        assert name in self._resources, f"nothing is called {name}"
        return f"{name}.{attribute}"

    def _substitute(self, argument: Node) -> str:
        text, local = argument if isinstance(argument, list) else (argument, {})

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in local:
                return str(self._resolve(local[name]))
            return self._attribute(*name.split(".")) if "." in name else str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)
