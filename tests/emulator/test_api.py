# ruff: noqa: ANN401 (the typed client takes no computed parameters, and those are what is tested)
"""The local Studio's SageMaker API: what it accepts and refuses, and the events of CreateApp."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.app_host import StartOptions
from emulator.state import AppStatus, AuthMode
from emulator.studio import DOMAIN_ID, LocalStudio

APP = {"DomainId": DOMAIN_ID, "UserProfileName": "alice", "AppType": "JupyterServer", "AppName": "default"}


@pytest.fixture(scope="module")
def studio() -> Iterator[LocalStudio]:
    """A Studio with a domain in each mode, some users and spaces; apps stay Pending."""
    with LocalStudio(defaults=StartOptions(start_delay_seconds=600)) as studio:
        studio.add_domain()
        studio.add_domain("d-sso", AuthMode.SSO)
        for name in ("alice", "bob"):
            studio.add_user_profile(name)
        studio.add_user_profile("alice", "d-sso")
        studio.add_space("alice-space", owner="alice")
        studio.add_space("everyones")
        yield studio


@pytest.fixture(scope="module")
def sagemaker(studio: LocalStudio) -> Iterator[Any]:
    """A SageMaker client without the SDK's own validation and retries."""
    client = boto3.client(
        "sagemaker",
        endpoint_url=studio.sagemaker_endpoint,
        region_name="us-east-1",
        aws_access_key_id="ASIATESTKEY",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def error_of(call: Any, **params: object) -> tuple[str, str]:
    """The code and message of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"DomainId": "../d-1"},
            (
                "Value '../d-1' at 'domainId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: d-(-*[a-z0-9]){1,61}"
            ),
        ),
        ({"DomainId": "d-" + "a" * 62}, "Member must have length less than or equal to 63"),
        (
            {"AppType": "Notebook"},
            "Value 'Notebook' at 'appType' failed to satisfy constraint: Member must satisfy enum",
        ),
        ({"AppName": None}, "Value null at 'appName' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_a_value_that_violates_a_constraint_is_a_validation_exception(
    sagemaker: Any, change: dict[str, str], complaint: str
) -> None:
    """Patterns, lengths, enumerations and missing members are checked; messages are those of the service."""
    code, message = error_of(sagemaker.describe_app, **{**APP, **change})
    assert code == "ValidationException"
    assert re.match(r"\d validation errors? detected: ", message)
    assert complaint in message


@pytest.mark.parametrize(("seconds", "limit"), [(301, "less than or equal to 300"), (4, "greater than or equal to 5")])
def test_the_lifetime_of_a_presigned_url_has_limits(sagemaker: Any, seconds: int, limit: str) -> None:
    """ExpiresInSeconds is from 5 to 300."""
    code, message = error_of(
        sagemaker.create_presigned_domain_url,
        DomainId=DOMAIN_ID,
        UserProfileName="alice",
        ExpiresInSeconds=seconds,
    )
    assert code == "ValidationException"
    assert limit in message


def test_a_wrong_type_is_a_serialization_exception(sagemaker: Any) -> None:
    """A number where the model has a string is refused."""
    assert error_of(sagemaker.describe_domain, DomainId=7)[0] == "SerializationException"


def test_a_request_without_credentials_is_refused(studio: LocalStudio) -> None:
    """Without an Authorization header the status is 403."""
    answer = requests.post(
        studio.sagemaker_endpoint, data=b"{}", headers={"X-Amz-Target": "SageMaker.ListApps"}, timeout=10
    )
    assert answer.status_code == 403
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("describe_domain", {"DomainId": "d-nowhere"}),
        ("describe_user_profile", {"DomainId": DOMAIN_ID, "UserProfileName": "nobody"}),
        ("describe_space", {"DomainId": DOMAIN_ID, "SpaceName": "nowhere"}),
        ("describe_app", {**APP, "AppName": "never"}),
        ("delete_app", {**APP, "AppName": "never"}),
        ("create_app", {**APP, "UserProfileName": "nobody"}),
        ("create_presigned_domain_url", {"DomainId": DOMAIN_ID, "UserProfileName": "nobody"}),
    ],
)
def test_what_does_not_exist_is_not_found(sagemaker: Any, operation: str, params: dict[str, str]) -> None:
    """Every operation answers ResourceNotFound for an unknown name."""
    assert error_of(getattr(sagemaker, operation), **params)[0] == "ResourceNotFound"


def test_a_domain_in_sso_mode_has_no_presigned_urls(sagemaker: Any) -> None:
    """DescribeDomain says SSO, and CreatePresignedDomainUrl is refused."""
    assert sagemaker.describe_domain(DomainId="d-sso")["AuthMode"] == "SSO"
    code, _ = error_of(sagemaker.create_presigned_domain_url, DomainId="d-sso", UserProfileName="alice")
    assert code == "ValidationException"


def test_landing_in_jupyterlab_needs_a_space(sagemaker: Any) -> None:
    """The message is the one that others have measured."""
    person = {"DomainId": DOMAIN_ID, "UserProfileName": "alice", "LandingUri": "app:JupyterLab:"}
    assert error_of(sagemaker.create_presigned_domain_url, **person) == (
        "ValidationException",
        "Provided app type JupyterLab is invalid for provided url type app for personal apps",
    )
    assert "AuthorizedUrl" in sagemaker.create_presigned_domain_url(**person, SpaceName="alice-space")


def test_the_name_of_a_deleted_app_can_be_used_again(sagemaker: Any, studio: LocalStudio) -> None:
    """The name of a Pending app is in use; a deleted app stays visible."""
    sagemaker.create_app(**APP)
    first = sagemaker.describe_app(**APP)
    assert first["Status"] == "Pending"
    assert abs(first["CreationTime"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert error_of(sagemaker.create_app, **APP)[0] == "ResourceInUse"
    sagemaker.delete_app(**APP)
    studio.app("alice").wait_for(AppStatus.DELETED)
    assert sagemaker.describe_app(**APP)["Status"] == "Deleted"
    sagemaker.create_app(**APP)
    assert sagemaker.describe_app(**APP)["Status"] == "Pending"
    studio.app("alice").delete()


def test_statuses_and_failures_can_be_chosen(sagemaker: Any, studio: LocalStudio) -> None:
    """DescribeApp first answers the chosen statuses, then the real one, with its reason."""
    script = (AppStatus.DELETED, AppStatus.PENDING)
    options = StartOptions(described_as=script, failure_reason="InternalError: no capacity")
    studio.create_app("bob", options=options).wait_for(AppStatus.FAILED)
    bob = {**APP, "UserProfileName": "bob"}
    assert [sagemaker.describe_app(**bob)["Status"] for _ in range(2)] == ["Deleted", "Pending"]
    answer = sagemaker.describe_app(**bob)
    assert (answer["Status"], answer["FailureReason"]) == ("Failed", "InternalError: no capacity")


def test_describe_space_has_the_owner(sagemaker: Any) -> None:
    """A private space has one, a shared one has none."""
    private = sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="alice-space")
    assert private["OwnershipSettings"] == {"OwnerUserProfileName": "alice"}
    assert "OwnershipSettings" not in sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="everyones")


def test_lists_come_in_pages(sagemaker: Any) -> None:
    """NextToken leads through all rows of a domain, each once."""
    pages = sagemaker.get_paginator("list_user_profiles").paginate(
        DomainIdEquals=DOMAIN_ID, PaginationConfig={"PageSize": 1}
    )
    names = [[row["UserProfileName"] for row in page["UserProfiles"]] for page in pages]
    assert names == [["alice"], ["bob"]]
    assert len(sagemaker.list_spaces()["Spaces"]) == 2
    assert sagemaker.list_apps(DomainIdEquals="d-sso")["Apps"] == []
    domains = sagemaker.get_paginator("list_domains").paginate(PaginationConfig={"PageSize": 1})
    assert [[row["DomainId"] for row in page["Domains"]] for page in domains] == [[DOMAIN_ID], ["d-sso"]]


def test_planned_failures_apply_to_the_next_calls(sagemaker: Any, studio: LocalStudio) -> None:
    """`fail_next` makes as many calls fail as it says, and no more."""
    studio.fail_next("DescribeDomain", "InternalFailure", "try again", times=2)
    for _ in range(2):
        assert error_of(sagemaker.describe_domain, DomainId=DOMAIN_ID) == ("InternalFailure", "try again")
    assert sagemaker.describe_domain(DomainId=DOMAIN_ID)["Status"] == "InService"


def test_throttling_beyond_a_rate(sagemaker: Any, studio: LocalStudio) -> None:
    """Calls beyond the rate end with ThrottlingException until the limit is lifted."""
    studio.throttle(1)
    sagemaker.list_spaces()
    assert error_of(sagemaker.list_spaces) == ("ThrottlingException", "Rate exceeded")
    studio.throttle(None)
    sagemaker.list_spaces()


def test_calls_are_recorded(sagemaker: Any, studio: LocalStudio) -> None:
    """Every call is recorded with its parameters, also one that is refused."""
    error_of(sagemaker.describe_domain, DomainId="d-recorded")
    assert studio.api_calls[-1] == ("DescribeDomain", {"DomainId": "d-recorded"})


def test_create_app_has_an_eventbridge_event(sagemaker: Any, studio: LocalStudio) -> None:
    """It has EventBridge's envelope and a CloudTrail record."""
    space_app = {"DomainId": DOMAIN_ID, "SpaceName": "alice-space", "AppType": "JupyterLab", "AppName": "default"}
    arn = sagemaker.create_app(**space_app, ResourceSpec={"InstanceType": "ml.t3.medium"})["AppArn"]
    event = studio.events[-1]
    assert (event["source"], event["detail-type"]) == ("aws.sagemaker", "AWS API Call via CloudTrail")
    detail = event["detail"]
    assert (detail["eventSource"], detail["eventName"]) == ("sagemaker.amazonaws.com", "CreateApp")
    assert detail["requestParameters"] == {
        "domainId": DOMAIN_ID,
        "spaceName": "alice-space",
        "appType": "JupyterLab",
        "appName": "default",
        "resourceSpec": {"instanceType": "ml.t3.medium"},
        "tags": [],
    }
    assert detail["responseElements"] == {"appArn": arn}
    assert arn == f"arn:aws:sagemaker:us-east-1:111122223333:app/{DOMAIN_ID}/alice-space/JupyterLab/default"
    assert "errorCode" not in detail
    assert detail["userIdentity"]["accessKeyId"] == "ASIATESTKEY"
    assert json.loads(json.dumps(event)) == event


def test_a_failed_create_app_has_an_event_too(sagemaker: Any, studio: LocalStudio) -> None:
    """Its record has the error and no response."""
    before = len(studio.events)
    error_of(sagemaker.create_app, **{**APP, "AppType": "KernelGateway"})
    assert len(studio.events) == before + 1
    detail = studio.events[-1]["detail"]
    assert detail["errorCode"] == "ValidationException"
    assert "has been deprecated" in detail["errorMessage"]
    assert detail["responseElements"] is None
    assert detail["requestParameters"]["userProfileName"] == "alice"
