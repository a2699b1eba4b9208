"""Does a trail log what the rule waits for? EventBridge gets API calls from CloudTrail only where a trail does.

Sources: CloudTrail API reference (EventSelector, AdvancedFieldSelector, GetTrailStatus: a trail of the organization and
one of another region are named by their ARN).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studio_setup_cli.aws import is_refused
from studio_setup_cli.findings import Finding, Level

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

_CREATE_APP = {
    "eventCategory": "Management",
    "eventName": "CreateApp",
    "eventSource": "sagemaker.amazonaws.com",
    "eventType": "AwsApiCall",
    "readOnly": "false",
}
_REMEDY = "Deploy with CreateTrail=true, or have a trail log write management events of this region."


def check_trail(client: CloudTrailClient, region: str) -> Finding:
    """Is there a trail that logs write management events of this region?"""
    refused, reasons = [], []
    for trail in client.describe_trails(includeShadowTrails=True)["trailList"]:
        if trail.get("HomeRegion") != region and not trail.get("IsMultiRegionTrail"):
            continue
        name = trail.get("Name", "?") + (" (of the organization)" if trail.get("IsOrganizationTrail") else "")
        try:
            reason = _why_not(client, trail["TrailARN"])
        except client.exceptions.ClientError as error:
            if not is_refused(error.response.get("Error", {}).get("Code", "")):
                raise
            refused.append(name)
            continue
        if not reason:
            return Finding("trail", Level.OK, f"{name} logs write management events")
        reasons.append(f"{name} {reason}")
    if refused:
        permissions = "cloudtrail:GetTrailStatus and cloudtrail:GetEventSelectors"
        return Finding("trail", Level.NOT_PERMITTED, f"it takes {permissions} for {', '.join(refused)}")
    return Finding("trail", Level.FAILED, "; ".join(reasons) or f"no trail covers {region}", _REMEDY)


def _why_not(client: CloudTrailClient, arn: str) -> str:
    if not client.get_trail_status(Name=arn)["IsLogging"]:
        return "is switched off"
    selectors = client.get_event_selectors(TrailName=arn)
    basic = any(map(_takes_writes, selectors.get("EventSelectors", [])))
    advanced = any(_matches(selector["FieldSelectors"]) for selector in selectors.get("AdvancedEventSelectors", []))
    return "" if basic or advanced else "does not log CreateApp (write management events)"


def _takes_writes(selector: Mapping[str, Any]) -> bool:
    """Unless they say otherwise, selectors take every management event."""
    takes_management = bool(selector.get("IncludeManagementEvents", True))
    return takes_management and selector.get("ReadWriteType", "All") in {"All", "WriteOnly"}


def _matches(selectors: list[Any]) -> bool:
    """Do these field selectors, all of them, take a CreateApp call? A field that is not known here is no obstacle."""
    return all(
        _takes(selector, _CREATE_APP[selector["Field"]]) for selector in selectors if selector["Field"] in _CREATE_APP
    )


def _takes(selector: Mapping[str, Any], value: str) -> bool:
    wanted = [
        value in selector.get("Equals", []),
        any(map(value.startswith, selector.get("StartsWith", []))),
        any(map(value.endswith, selector.get("EndsWith", []))),
    ]
    is_wanted = any(wanted) or not any(selector.get(name) for name in ("Equals", "StartsWith", "EndsWith"))
    unwanted = (
        value in selector.get("NotEquals", [])
        or any(map(value.startswith, selector.get("NotStartsWith", [])))
        or any(map(value.endswith, selector.get("NotEndsWith", [])))
    )
    return is_wanted and not unwanted
