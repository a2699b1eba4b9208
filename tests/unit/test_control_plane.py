"""Calls of the SageMaker API: what passes is waited for, evenly; what does not is told at once."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from studio_setup.access.control_plane import SDK_CONFIG, ControlPlane
from studio_setup.model.errors import ControlPlaneRefused
from tests.support.fakes import FakeTime

DOMAIN = {"DomainId": "d-abcdefghijkl"}
ENDPOINT = "https://api.sagemaker.us-east-1.amazonaws.com/"


@pytest.fixture
def control_plane(sagemaker: Stubber, fake_time: FakeTime) -> ControlPlane:
    """The API, with ten minutes to go."""
    return ControlPlane(sagemaker.client, fake_time.deadline(600))


class _Broken:
    """A client of which every call ends in the same error of the SDK's own."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.calls = 0

    def describe_domain(self, **_: str) -> dict[str, Any]:
        """Fail as botocore does."""
        self.calls += 1
        raise self._error


def test_what_it_answers_is_returned(sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime) -> None:
    """A call that is taken costs no time."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    assert control_plane.call("describe_domain", **DOMAIN)["AuthMode"] == "IAM"
    assert fake_time.slept == []


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("Throttling", 400), ("TooManyRequestsException", 429)]
)
def test_throttling_is_waited_for_as_long_as_there_is_time(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime, code: str, status: int
) -> None:
    """A call that is throttled twelve times is made thirteen times, at any time within half a minute each."""
    for _ in range(12):
        sagemaker.add_client_error("describe_domain", code, "Rate exceeded", status, expected_params=DOMAIN)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    control_plane.call("describe_domain", **DOMAIN)
    assert len(set(fake_time.slept)) == 12
    assert 0 <= min(fake_time.slept) < 15 < max(fake_time.slept) <= 30


def test_throttling_until_the_end_is_told(sagemaker: Stubber, fake_time: FakeTime) -> None:
    """At the deadline it is asked once more, then the throttling is the reason."""
    for _ in range(2):
        sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    fake_time.now = 100
    with pytest.raises(ControlPlaneRefused, match="describe_domain: ThrottlingException: Rate exceeded"):
        ControlPlane(sagemaker.client, fake_time.deadline(1e-9)).call("describe_domain", **DOMAIN)


def test_being_throttled_is_in_the_log(
    sagemaker: Stubber, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever wonders what it waits for finds the call and the code."""
    caplog.set_level("INFO", logger="studio_setup")
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_response("describe_domain", {}, DOMAIN)
    control_plane.call("describe_domain", **DOMAIN)
    (record,) = caplog.records
    assert record.getMessage() == "control_plane.waiting"
    assert (record.__dict__["operation"], record.__dict__["aws_code"]) == ("describe_domain", "ThrottlingException")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ResourceNotFound"])
def test_a_refusal_is_told_at_once(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime, code: str
) -> None:
    """What waiting does not mend is not waited for, and told with the API's own code and words."""
    sagemaker.add_client_error("describe_domain", code, "Not you.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"^describe_domain: {code}: Not you") as caught:
        control_plane.call("describe_domain", **DOMAIN)
    assert caught.value.aws_code == code
    assert fake_time.slept == []


def test_a_broken_api_is_asked_five_times(sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime) -> None:
    """Answers of the 500s pass, mostly; the pauses grow."""
    for _ in range(5):
        sagemaker.add_client_error("describe_domain", "InternalFailure", "Oops", 500)
    with pytest.raises(ControlPlaneRefused, match="InternalFailure"):
        control_plane.call("describe_domain", **DOMAIN)
    assert [slept <= limit for slept, limit in zip(fake_time.slept, [1, 2, 4, 8], strict=True)] == [True] * 4


def test_throttling_does_not_use_up_the_patience_with_a_broken_api(
    sagemaker: Stubber, control_plane: ControlPlane
) -> None:
    """Throttled or broken, in any order: only what is broken is counted."""
    for code, status in [("InternalFailure", 500), ("Throttling", 400)] * 4:
        sagemaker.add_client_error("describe_domain", code, "Later", status)
    sagemaker.add_response("describe_domain", {}, DOMAIN)
    control_plane.call("describe_domain", **DOMAIN)


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (EndpointConnectionError(endpoint_url=ENDPOINT), 5),
        (ReadTimeoutError(endpoint_url=ENDPOINT), 5),
        (NoCredentialsError(), 1),
    ],
)
def test_an_api_out_of_reach_is_told(fake_time: FakeTime, error: Exception, calls: int) -> None:
    """No network is tried five times, no credentials once; both are told by the SDK's own name for it."""
    client = _Broken(error)
    with pytest.raises(ControlPlaneRefused) as caught:
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)  # type: ignore[arg-type]
    assert caught.value.aws_code == type(error).__name__
    assert str(caught.value).startswith(f"describe_domain: {error}")
    assert client.calls == calls


def test_a_refusal_without_a_word_is_told_as_such(fake_time: FakeTime) -> None:
    """An error that names neither code nor status is no throttling: it is told at once, and nothing is made up."""
    client = _Broken(ClientError({}, "DescribeDomain"))
    with pytest.raises(ControlPlaneRefused) as caught:
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)  # type: ignore[arg-type]
    assert caught.value.aws_code == "unknown"
    assert str(caught.value) == f"describe_domain: unknown:  {ControlPlaneRefused.remedy}"
    assert client.calls == 1


def test_the_sdk_makes_each_call_once() -> None:
    """Two kinds of retries would multiply."""
    assert (SDK_CONFIG.retries or {})["total_max_attempts"] == 1
