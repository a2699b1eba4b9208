"""Calls of the SageMaker API: which errors are retried, for how long, and what is reported of the others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from studio_setup.access import control_plane
from studio_setup.access.control_plane import SDK_CONFIG, ControlPlane, required_text
from studio_setup.model.errors import ControlPlaneRefused
from studio_setup.model.outcomes import CONTROL_PLANE_REFUSED
from tests.support.fakes import FakeTime

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

DOMAIN = {"DomainId": "d-abcdefghijkl"}
ENDPOINT = "https://api.sagemaker.us-east-1.amazonaws.com/"


class _BrokenClient:
    """A client whose calls all end with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.calls = 0

    def describe_domain(self, **_: str) -> dict[str, Any]:
        """Fail."""
        self.calls += 1
        raise self._error


def test_the_answer_is_returned(sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime) -> None:
    """A call that succeeds is made without a pause."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    assert control_plane.call("describe_domain", **DOMAIN)["AuthMode"] == "IAM"
    assert fake_time.slept == []


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("Throttling", 400), ("TooManyRequestsException", 429)]
)
def test_a_throttled_call_is_retried_until_the_deadline(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime, code: str, status: int
) -> None:
    """It is made again, after pauses that differ and grow, as long as there is time, and once more at the deadline."""
    for _ in range(6):
        sagemaker.add_client_error("describe_domain", code, "Rate exceeded", status, expected_params=DOMAIN)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    control_plane.call("describe_domain", **DOMAIN)
    assert len(set(fake_time.slept)) == 6
    assert min(fake_time.slept) >= 1
    assert 4 <= fake_time.slept[0] < 13
    assert 40 < sum(fake_time.slept) < 120


def test_a_call_that_can_be_left_out_is_made_once_while_it_is_throttled(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime
) -> None:
    """There is no answer then; the pause is made all the same, and the next call finds room."""
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400, expected_params=DOMAIN)
    assert control_plane.call_unless_throttled("describe_domain", **DOMAIN) is None
    assert len(fake_time.slept) == 1
    assert control_plane.refusals == 1


def test_a_call_that_can_be_left_out_is_answered_and_retried_like_any_other(
    sagemaker: Stubber, control_plane: ControlPlane
) -> None:
    """Server errors pass, and a refusal for another reason than throttling is one."""
    sagemaker.add_client_error("describe_domain", "InternalFailure", "Oops", 500)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    assert control_plane.call_unless_throttled("describe_domain", **DOMAIN) == {"AuthMode": "IAM"}
    sagemaker.add_client_error("describe_domain", "AccessDeniedException", "Not you.", 400)
    with pytest.raises(ControlPlaneRefused, match="AccessDeniedException"):
        control_plane.call_unless_throttled("describe_domain", **DOMAIN)


def test_throttling_at_the_deadline_is_the_reason_for_what_can_be_left_out_too(fake_time: FakeTime) -> None:
    """There is no time left for the calls that cannot be left out."""
    client: Any = _BrokenClient(ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeDomain"))
    with pytest.raises(ControlPlaneRefused, match="ThrottlingException"):
        ControlPlane(client, fake_time.deadline(0)).call_unless_throttled("describe_domain", **DOMAIN)


def test_throttling_ends_at_the_deadline(fake_time: FakeTime) -> None:
    """However long the pauses have become, the last one ends when the time is up."""
    client: Any = _BrokenClient(ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeDomain"))
    with pytest.raises(ControlPlaneRefused, match="ThrottlingException"):
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)
    assert sum(fake_time.slept) == pytest.approx(600)
    assert 30 <= client.calls <= 65


def test_all_calls_of_a_setup_share_the_rounds(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime
) -> None:
    """What one call has met is known to the next: it does not begin with the shortest pause."""
    for _ in range(3):
        sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
        sagemaker.add_response("describe_domain", {}, DOMAIN)
        control_plane.call("describe_domain", **DOMAIN)
    assert sum(fake_time.slept) > 17


def test_throttling_at_the_deadline_is_the_reason(
    sagemaker: Stubber, sagemaker_client: SageMakerClient, fake_time: FakeTime
) -> None:
    """The call is made once more at the deadline; then the throttling is reported."""
    for _ in range(2):
        sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    fake_time.now = 100
    with pytest.raises(ControlPlaneRefused, match="describe_domain: ThrottlingException: Rate exceeded"):
        ControlPlane(sagemaker_client, fake_time.deadline(1e-9)).call("describe_domain", **DOMAIN)


def test_throttling_is_logged(
    sagemaker: Stubber, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the call that is waited for, and AWS's code."""
    caplog.set_level("INFO", logger="studio_setup")
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_response("describe_domain", {}, DOMAIN)
    control_plane.call("describe_domain", **DOMAIN)
    (record,) = caplog.records
    assert record.getMessage() == "control_plane.waiting"
    assert (record.__dict__["operation"], record.__dict__["aws_code"]) == ("describe_domain", "ThrottlingException")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ResourceNotFound"])
def test_a_refusal_is_not_retried(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime, code: str
) -> None:
    """An error that waiting does not change is reported at once, with the API's own code and message."""
    sagemaker.add_client_error("describe_domain", code, "Not you.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"^describe_domain: {code}: Not you") as caught:
        control_plane.call("describe_domain", **DOMAIN)
    assert caught.value.aws_code == code
    assert fake_time.slept == []


def test_a_server_error_is_retried_four_times(
    sagemaker: Stubber, control_plane: ControlPlane, fake_time: FakeTime
) -> None:
    """Most server errors pass; the pauses between the calls grow."""
    for _ in range(5):
        sagemaker.add_client_error("describe_domain", "InternalFailure", "Oops", 500)
    with pytest.raises(ControlPlaneRefused, match="InternalFailure"):
        control_plane.call("describe_domain", **DOMAIN)
    assert [slept <= limit for slept, limit in zip(fake_time.slept, [1, 2, 4, 8], strict=True)] == [True] * 4


def test_throttling_does_not_count_as_a_server_error(sagemaker: Stubber, control_plane: ControlPlane) -> None:
    """With throttling and server errors in turn, only the server errors count towards their limit."""
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
def test_an_unreachable_api_is_reported_with_the_sdks_error(fake_time: FakeTime, error: Exception, calls: int) -> None:
    """Without a network the call is made five times, without credentials once; the code is the SDK's class name."""
    client: Any = _BrokenClient(error)
    with pytest.raises(ControlPlaneRefused) as caught:
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)
    assert caught.value.aws_code == type(error).__name__
    assert str(caught.value).startswith(f"describe_domain: {error}")
    assert client.calls == calls


def test_an_error_without_details_is_reported_as_unknown(fake_time: FakeTime) -> None:
    """An error that has neither code nor status is not throttling: it is reported at once, as unknown."""
    client: Any = _BrokenClient(ClientError({}, "DescribeDomain"))
    with pytest.raises(ControlPlaneRefused) as caught:
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)
    assert caught.value.aws_code == "unknown"
    assert str(caught.value) == f"describe_domain: unknown: {CONTROL_PLANE_REFUSED.remedy}"
    assert client.calls == 1


@pytest.mark.parametrize(
    "details", [{"Code": "\x1b[31m" + "x" * 5000, "Message": "\u202e\r\n"}, {"Code": 3}, {"Code": None}]
)
def test_any_error_of_the_api_can_be_shown(fake_time: FakeTime, details: dict[str, Any]) -> None:
    """Its code and message are one printable line of bounded length, whatever they are."""
    answer: Any = {"Error": details}
    client: Any = _BrokenClient(ClientError(answer, "DescribeDomain"))
    with pytest.raises(ControlPlaneRefused) as caught:
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)
    assert len(caught.value.aws_code) <= 100
    assert (caught.value.aws_code + str(caught.value)).isprintable()


class _SilentClient:
    """A client whose calls do not end before `go_on`."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.calls = 0

    def describe_domain(self, **_: str) -> dict[str, Any]:
        """Answer too late."""
        self.calls += 1
        self.go_on.wait(20)
        return {}


@pytest.mark.timeout(20)
def test_a_call_does_not_outlive_the_deadline(fake_time: FakeTime) -> None:
    """A silent API is given up shortly after the time is up, however long the SDK itself would wait."""
    client: Any = _SilentClient()
    with pytest.raises(ControlPlaneRefused, match=r"describe_domain: no answer in time\. Check") as caught:
        ControlPlane(client, fake_time.deadline(-1)).call("describe_domain", **DOMAIN)
    client.go_on.set()
    assert caught.value.aws_code == "NoAnswer"
    assert client.calls == 1


@pytest.mark.timeout(20)
def test_a_call_without_an_answer_is_retried_four_times(
    fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Like a server error, silence may pass; each retry is logged."""
    caplog.set_level("INFO", logger="studio_setup")
    monkeypatch.setattr(control_plane, "MAX_CALL_SECONDS", 0.05)
    client: Any = _SilentClient()
    with pytest.raises(ControlPlaneRefused, match="no answer in time"):
        ControlPlane(client, fake_time.deadline(600)).call("describe_domain", **DOMAIN)
    client.go_on.set()
    assert client.calls == 5
    assert [record.__dict__["aws_code"] for record in caplog.records] == ["NoAnswer"] * 4


@pytest.mark.parametrize("answer", [{}, {"Status": ""}, {"Status": None}, {"Status": ["x"]}])
def test_an_answer_must_have_what_is_needed_of_it(answer: dict[str, Any]) -> None:
    """A text that is missing, empty or something else is an error that names it."""
    assert required_text({"Status": "InService"}, "Status", "describe_app") == "InService"
    with pytest.raises(ControlPlaneRefused, match=r"describe_app: the answer has no Status\.") as caught:
        required_text(answer, "Status", "describe_app")
    assert caught.value.aws_code == "GarbledAnswer"


def test_the_sdk_makes_each_call_once() -> None:
    """Retries of the SDK would multiply with ours."""
    retries: dict[str, int] = vars(SDK_CONFIG)["retries"]  # botocore sets its options as attributes
    assert retries["total_max_attempts"] == 1  # a client that was made with them has added its own
