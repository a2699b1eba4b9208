"""The EventBridge event of a CreateApp call, as CloudTrail sends it.

There is no complete public sample of this event. It is a composite: each member is documented, or appears in a public
record of this or another SageMaker call; the event as a whole is inferred. The case of names inside `resourceSpec` and
the presence of `tlsDetails` are guesses.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.state import now

if TYPE_CHECKING:
    import datetime as dt

    from emulator.state import Account

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """An API call to record; exactly one of `response` and `error_code` is set."""

    operation: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    source_address: str
    request_id: str
    response: Mapping[str, Any] | None = None
    error_code: str | None = None
    error_message: str | None = None


def event_document(call: ApiCall, account: Account) -> Document:
    """Return the event of a call."""
    moment = now()
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.sagemaker",
        "account": account.account_id,
        "time": _timestamp(moment),
        "region": account.region,
        "resources": [],
        "detail": _record(call, account, moment),
    }


def _record(call: ApiCall, account: Account, moment: dt.datetime) -> Document:
    failure = {"errorCode": call.error_code, "errorMessage": call.error_message} if call.error_code else {}
    return {
        "eventVersion": "1.11",
        "userIdentity": _user_identity(call, account, moment),
        "eventTime": _timestamp(moment),
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": account.region,
        "sourceIPAddress": call.source_address,
        "userAgent": call.headers.get("User-Agent", ""),
        **failure,
        "requestParameters": lower_camel({**call.params, "Tags": call.params.get("Tags") or []}),
        "responseElements": lower_camel(call.response),
        "requestID": call.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account.account_id,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"api.sagemaker.{account.region}.amazonaws.com",
        },
    }


def _user_identity(call: ApiCall, account: Account, moment: dt.datetime) -> Document:
    credential = re.search(r"Credential=([^/,\s]+)", call.headers.get("Authorization", ""))
    role = "DataScientist"
    return {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLE:alice",
        "arn": f"arn:aws:sts::{account.account_id}:assumed-role/{role}/alice",
        "accountId": account.account_id,
        "accessKeyId": credential.group(1) if credential else "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": f"arn:aws:iam::{account.account_id}:role/{role}",
                "accountId": account.account_id,
                "userName": role,
            },
            "attributes": {"creationDate": _timestamp(moment), "mfaAuthenticated": "false"},
        },
    }


def lower_camel(value: object) -> object:
    """Return a value with its member names in lowerCamelCase, as CloudTrail writes them."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: lower_camel(member) for name, member in value.items()}
    if isinstance(value, list):
        return [lower_camel(item) for item in value]
    return value


def _timestamp(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
