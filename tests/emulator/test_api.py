# ruff: noqa: ANN401 (the typed client takes no computed parameters, and those are what is tested)
"""The local Studio's SageMaker API: what it accepts, refuses, remembers, tells the trail. No test waits for an app."""

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
    """A Studio with a domain, a single sign-on domain, two users and a space; apps stay Pending."""
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
    """A client as a program would have it, but without the SDK's own validation and retries."""
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


def refusal_of(call: Any, **params: object) -> tuple[str, str]:
    """Return code and message of the error a call ends in."""
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
def test_breaking_the_models_constraints_is_a_validation_exception(
    sagemaker: Any, change: dict[str, str], complaint: str
) -> None:
    """Patterns, lengths, enumerations and missing members are refused in the service's words."""
    code, message = refusal_of(sagemaker.describe_app, **{**APP, **change})
    assert code == "ValidationException"
    assert re.match(r"\d validation errors? detected: ", message)
    assert complaint in message


@pytest.mark.parametrize(("seconds", "limit"), [(301, "less than or equal to 300"), (4, "greater than or equal to 5")])
def test_the_life_of_a_presigned_url_has_limits(sagemaker: Any, seconds: int, limit: str) -> None:
    """ExpiresInSeconds is 5 to 300."""
    code, message = refusal_of(
        sagemaker.create_presigned_domain_url,
        DomainId=DOMAIN_ID,
        UserProfileName="alice",
        ExpiresInSeconds=seconds,
    )
    assert code == "ValidationException"
    assert limit in message


def test_a_wrong_type_is_a_serialization_exception(sagemaker: Any) -> None:
    """A number where the model has a string is no valid request."""
    assert refusal_of(sagemaker.describe_domain, DomainId=7)[0] == "SerializationException"


def test_a_request_without_credentials_is_refused(studio: LocalStudio) -> None:
    """No Authorization header, no answer."""
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
    """Every operation answers ResourceNotFound for a name it does not know."""
    assert refusal_of(getattr(sagemaker, operation), **params)[0] == "ResourceNotFound"


def test_a_single_sign_on_domain_has_no_presigned_urls(sagemaker: Any) -> None:
    """DescribeDomain tells SSO, and CreatePresignedDomainUrl refuses."""
    assert sagemaker.describe_domain(DomainId="d-sso")["AuthMode"] == "SSO"
    code, _ = refusal_of(sagemaker.create_presigned_domain_url, DomainId="d-sso", UserProfileName="alice")
    assert code == "ValidationException"


def test_landing_in_jupyterlab_needs_a_space(sagemaker: Any) -> None:
    """The measured refusal, word for word."""
    person = {"DomainId": DOMAIN_ID, "UserProfileName": "alice", "LandingUri": "app:JupyterLab:"}
    assert refusal_of(sagemaker.create_presigned_domain_url, **person) == (
        "ValidationException",
        "Provided app type JupyterLab is invalid for provided url type app for personal apps",
    )
    assert "AuthorizedUrl" in sagemaker.create_presigned_domain_url(**person, SpaceName="alice-space")


def test_an_app_goes_from_pending_to_deleted_and_may_come_back(sagemaker: Any, studio: LocalStudio) -> None:
    """A living name is in use; a deleted one stays visible and may be used again."""
    sagemaker.create_app(**APP)
    first = sagemaker.describe_app(**APP)
    assert first["Status"] == "Pending"
    assert abs(first["CreationTime"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert refusal_of(sagemaker.create_app, **APP)[0] == "ResourceInUse"
    sagemaker.delete_app(**APP)
    studio.app("alice").wait_for(AppStatus.DELETED)
    assert sagemaker.describe_app(**APP)["Status"] == "Deleted"
    sagemaker.create_app(**APP)
    assert sagemaker.describe_app(**APP)["Status"] == "Pending"
    studio.app("alice").delete()


def test_statuses_and_failures_as_scripted(sagemaker: Any, studio: LocalStudio) -> None:
    """DescribeApp first tells the scripted statuses, then the truth, with its reason."""
    script = (AppStatus.DELETED, AppStatus.PENDING)
    options = StartOptions(described_as=script, failure_reason="InternalError: no capacity")
    studio.create_app("bob", options=options).wait_for(AppStatus.FAILED)
    bob = {**APP, "UserProfileName": "bob"}
    assert [sagemaker.describe_app(**bob)["Status"] for _ in range(2)] == ["Deleted", "Pending"]
    answer = sagemaker.describe_app(**bob)
    assert (answer["Status"], answer["FailureReason"]) == ("Failed", "InternalError: no capacity")


def test_spaces_tell_their_owner(sagemaker: Any) -> None:
    """A private space names its owner, a shared one has none."""
    private = sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="alice-space")
    assert private["OwnershipSettings"] == {"OwnerUserProfileName": "alice"}
    assert "OwnershipSettings" not in sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="everyones")


def test_lists_come_in_pages(sagemaker: Any) -> None:
    """NextToken leads through all rows, each once, of the domain asked for."""
    pages = sagemaker.get_paginator("list_user_profiles").paginate(
        DomainIdEquals=DOMAIN_ID, PaginationConfig={"PageSize": 1}
    )
    names = [[row["UserProfileName"] for row in page["UserProfiles"]] for page in pages]
    assert names == [["alice"], ["bob"]]
    assert len(sagemaker.list_spaces()["Spaces"]) == 2
    assert sagemaker.list_apps(DomainIdEquals="d-sso")["Apps"] == []


def test_planned_failures_hit_the_next_calls_only(sagemaker: Any, studio: LocalStudio) -> None:
    """`fail_next` fails as often as told and lets the rest pass."""
    studio.fail_next("DescribeDomain", "InternalFailure", "try again", times=2)
    for _ in range(2):
        assert refusal_of(sagemaker.describe_domain, DomainId=DOMAIN_ID) == ("InternalFailure", "try again")
    assert sagemaker.describe_domain(DomainId=DOMAIN_ID)["Status"] == "InService"


def test_throttling_beyond_a_rate(sagemaker: Any, studio: LocalStudio) -> None:
    """Calls beyond the rate get ThrottlingException until the limit is lifted."""
    studio.throttle(1)
    sagemaker.list_spaces()
    assert refusal_of(sagemaker.list_spaces) == ("ThrottlingException", "Rate exceeded")
    studio.throttle(None)
    sagemaker.list_spaces()


def test_calls_are_remembered(sagemaker: Any, studio: LocalStudio) -> None:
    """Every call is kept with its parameters, refused ones too."""
    refusal_of(sagemaker.describe_domain, DomainId="d-remembered")
    assert studio.api_calls[-1] == ("DescribeDomain", {"DomainId": "d-remembered"})


def test_create_app_becomes_an_eventbridge_event(sagemaker: Any, studio: LocalStudio) -> None:
    """The document has the envelope and the CloudTrail record of the composite fixture."""
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


def test_a_failed_create_app_is_an_event_too(sagemaker: Any, studio: LocalStudio) -> None:
    """The record of a refused call has the error and no response."""
    heard = len(studio.events)
    refusal_of(sagemaker.create_app, **{**APP, "AppType": "KernelGateway"})
    assert len(studio.events) == heard + 1
    detail = studio.events[-1]["detail"]
    assert detail["errorCode"] == "ValidationException"
    assert "has been deprecated" in detail["errorMessage"]
    assert detail["responseElements"] is None
    assert detail["requestParameters"]["userProfileName"] == "alice"
