"""Adds to ministack's CloudFormation what the template needs.

Namely trails, saved queries, alarms on metric expressions, Fn::Join in conditions, and AllowedValues for lists. Such an
alarm is never evaluated, such a trail logs nothing, and such a query is nowhere to be found.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from ministack.services import cloudtrail, cloudwatch_logs
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

Json = Any
AlarmRecord = Callable[[str, dict[str, Json]], dict[str, Json]]


def fill_gaps() -> None:
    """Make CloudFormation accept them."""
    provisioners._RESOURCE_HANDLERS["AWS::CloudTrail::Trail"] = {"create": _create_trail, "delete": _delete_trail}
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": _create_query,
        "update": lambda physical_id, *_: (physical_id, {"QueryDefinitionId": physical_id}),
        "delete": lambda *_: None,
    }
    provisioners._cw_metric_alarm_record = _accept_expressions(provisioners._cw_metric_alarm_record)
    evaluate, resolve = engine._evaluate_conditions, engine._resolve_parameters

    def evaluate_conditions(template: dict[str, Json], parameters: dict[str, Json]) -> Json:
        conditions = _evaluate_joins(template.get("Conditions", {}), parameters)
        return evaluate({**template, "Conditions": conditions}, parameters)

    def resolve_parameters(template: dict[str, Json], *provided: Json, **previous: Json) -> Json:
        declared = {name: _check_each_member(one) for name, one in template.get("Parameters", {}).items()}
        return resolve({**template, "Parameters": declared}, *provided, **previous)

    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = evaluate_conditions
        module._resolve_parameters = resolve_parameters


def _accept_expressions(record_of: AlarmRecord) -> AlarmRecord:
    """Wrap the function that makes alarm records: in place of an expression it gets the first metric of it."""

    def record(name: str, properties: dict[str, Json]) -> dict[str, Json]:
        metrics = properties.get("Metrics") or []
        for first in [one["MetricStat"] for one in metrics if "MetricStat" in one][:1]:
            own = {key: value for key, value in properties.items() if key != "Metrics"}
            properties = {**own, **first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]}
        return record_of(name, properties)

    return record


def _create_query(_logical_id: str, properties: dict[str, Json], _stack_name: str) -> tuple[str, dict[str, str]]:
    missing = [group for group in properties["LogGroupNames"] if group not in cloudwatch_logs._log_groups]
    if missing or not properties["Name"] or not properties["QueryString"]:
        raise ValueError(f"not a query of existing log groups: {properties}")
    identity = str(uuid.uuid4())
    return identity, {"QueryDefinitionId": identity}


def _create_trail(_logical_id: str, properties: dict[str, Json], _stack_name: str) -> tuple[str, dict[str, str]]:
    name = properties["TrailName"]
    cloudtrail._create_trail({"Name": name, **properties})
    cloudtrail._put_event_selectors({"TrailName": name, "EventSelectors": properties["EventSelectors"]})
    if properties["IsLogging"]:
        cloudtrail._start_logging({"Name": name})
    return name, {"Arn": cloudtrail._trail_arn(name)}


def _delete_trail(physical_id: str, _properties: dict[str, Json]) -> None:
    cloudtrail._delete_trail({"Name": physical_id})


def _check_each_member(declared: dict[str, Json]) -> dict[str, Json]:
    """Return a parameter's declaration; for a list, one that checks each member instead of the whole list."""
    if declared["Type"] != "CommaDelimitedList" or "AllowedValues" not in declared:
        return declared
    others = {key: value for key, value in declared.items() if key != "AllowedValues"}
    return {**others, "AllowedPattern": "|".join(re.escape(value) for value in declared["AllowedValues"])}


def _evaluate_joins(value: Json, parameters: dict[str, Json]) -> Json:
    """Return an expression in which every Fn::Join is evaluated."""
    if isinstance(value, list):
        return [_evaluate_joins(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" not in value:
        return {key: _evaluate_joins(item, parameters) for key, item in value.items()}
    delimiter, items = value["Fn::Join"]
    if isinstance(items, dict):
        items = parameters[items["Ref"]]["Value"].split(",")  # a list parameter, kept as one string
    return delimiter.join(_text(_evaluate_joins(item, parameters), parameters) for item in items)


def _text(value: Json, parameters: dict[str, Json]) -> str:
    return str(parameters[value["Ref"]]["Value"] if isinstance(value, dict) else value)
