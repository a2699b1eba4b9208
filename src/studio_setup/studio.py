"""SageMaker's side: wait for the app, ask for a presigned URL, log in with it.

Sources: the SageMaker API reference (DescribeApp, DescribeDomain, CreatePresignedDomainUrl). The presigned URL is a
bearer credential: it is used at once, lives for seconds, and is never put into a message. It is asked for only while
the app is in service, because opening one can start an app, which would be an event for us again.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from studio_setup.control_plane import ControlPlane
from studio_setup.deadline import Deadline, Stopwatch
from studio_setup.errors import (
    AppDeleted,
    AppFailed,
    AppNotReady,
    ConnectionLost,
    ControlPlaneRefused,
    LoginRefused,
    SpaceWithoutOwner,
    SsoDomain,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

    from studio_setup.app_event import App

LOG = logging.getLogger(__name__)
_URL_SECONDS = 30
_SESSION_SECONDS = 1800  # the shortest there is
_POLL_SECONDS = 4.5
_MAX_REDIRECTS = 10
_APP_PATH = re.compile(r"/(?:jupyter|jupyterlab)/[^/]+(?=/|$)")


class Studio:
    """One app, as the SageMaker API shows it."""

    def __init__(self, sagemaker: SageMakerClient, app: App, deadline: Deadline) -> None:
        self._sagemaker = ControlPlane(sagemaker, deadline)
        self._app = app
        self._deadline = deadline
        self._user_profile_name = app.user_profile_name

    def find_user(self, shared_space_user: str) -> None:
        """Find out whom to log in as to the app of a space: its owner, or else `shared_space_user`.

        Raises:
            SpaceWithoutOwner: neither is known.
            ControlPlaneRefused: the space cannot be described.
        """
        if self._user_profile_name:
            return
        space = self._sagemaker.call("describe_space", DomainId=self._app.domain_id, SpaceName=self._app.space_name)
        owner = space.get("OwnershipSettings", {}).get("OwnerUserProfileName", "")
        self._user_profile_name = owner or shared_space_user
        if not self._user_profile_name:
            raise SpaceWithoutOwner(f"Space {self._app.space_name} has no owner.")
        LOG.info("user.found", extra={"user_profile_name": self._user_profile_name, "is_owner": bool(owner)})

    def refuse_sso(self) -> None:
        """Presigned URLs exist in IAM mode only.

        Raises:
            SsoDomain: the domain is in SSO mode.
            ControlPlaneRefused: the domain cannot be described.
        """
        domain = self._sagemaker.call("describe_domain", DomainId=self._app.domain_id)
        if domain.get("AuthMode") == "SSO":
            raise SsoDomain(f"Domain {self._app.domain_id} signs in through IAM Identity Center (AuthMode SSO).")

    def wait_until_in_service(self, grace_seconds: float) -> None:
        """Wait until DescribeApp says InService.

        For `grace_seconds`, a deleted or unknown app is taken for the previous one of that name: AWS keeps its row.

        Raises:
            AppFailed, AppDeleted: it will not be.
            AppNotReady: it was not before the deadline.
        """
        LOG.info("app.in_service", extra={"waited_seconds": self._wait(grace_seconds)})

    def check_in_service(self) -> None:
        """Make sure, after a loss, that the app is still there; wait if it is being started anew.

        Raises:
            AppFailed, AppDeleted, AppNotReady: as `wait_until_in_service`.
        """
        self._wait(grace_seconds=0)

    def _wait(self, grace_seconds: float) -> float:
        """Wait until DescribeApp says InService; for how many seconds."""
        waited = Stopwatch(self._deadline.clock)
        poll_seconds = _POLL_SECONDS
        while True:
            app = self._describe_app()
            status = app["Status"]
            if status == "InService":
                return waited.seconds
            if status == "Failed":
                reason = str(app.get("FailureReason") or "no reason given")
                raise AppFailed(f"The app failed to start: {reason.rstrip('.')}.")
            if status != "Pending" and waited.seconds >= grace_seconds:
                raise AppDeleted(f"There is no such app in service: {self._app.label} is {status}.")
            if self._deadline.expired:
                raise AppNotReady(f"The app was still {status} after {waited.seconds:.0f} seconds.")
            LOG.info("app.waiting", extra={"status": status, "waited_seconds": waited.seconds})
            # Often enough to be there soon, seldom enough for many apps at nine in the morning.
            if waited.seconds > 150:  # noqa: PLR2004
                poll_seconds = min(poll_seconds * 1.15, 30.0)
            self._deadline.pause(poll_seconds)

    def log_in(self, session: requests.Session) -> str:
        """Log `session` in as the app's user, and return the base URL of the Jupyter server where that leads.

        Raises:
            ControlPlaneRefused: there is no presigned URL for us.
            LoginRefused: the URL leads elsewhere.
            ConnectionLost: the front door did not answer properly; trying again may help.
        """
        session.cookies.clear()
        start = self._presigned_url()
        landing = self._follow(session, start)
        path = _APP_PATH.match(landing.path or "")
        if path is None:
            raise LoginRefused(f"The login landed on the page {landing.path!r} and not in the app.")
        LOG.info("login.done", extra={"host": landing.host})
        return f"{landing.scheme}://{landing.netloc}{path[0]}"

    def _presigned_url(self) -> str:
        answer = self._sagemaker.call(
            "create_presigned_domain_url",
            DomainId=self._app.domain_id,
            UserProfileName=self._user_profile_name,
            ExpiresInSeconds=_URL_SECONDS,
            SessionExpirationDurationInSeconds=_SESSION_SECONDS,
            # The domain's own default may be the portal.
            LandingUri=f"app:{self._app.app_type}:",
            **({"SpaceName": self._app.space_name} if self._app.space_name else {}),
        )
        return str(answer["AuthorizedUrl"])

    def _follow(self, session: requests.Session, start: str) -> Url:
        """Follow the login's redirects like a browser, but to Studio's own hosts only; where they end."""
        url = start
        for _ in range(_MAX_REDIRECTS):
            _refuse_other_hosts(url, start)
            try:
                response = session.get(url, timeout=self._deadline.http_timeouts(), allow_redirects=False, stream=True)
            except (requests.RequestException, ValueError) as error:
                raise ConnectionLost(f"The login failed: {type(error).__name__}.") from None
            with response:
                if not response.is_redirect:
                    _refuse_login_errors(response.status_code)
                    return parse_url(url)
                url = _redirect_target(url, response.headers["Location"])
        raise LoginRefused(f"The login redirects more than {_MAX_REDIRECTS} times.")

    def _describe_app(self) -> dict[str, Any]:
        app = self._app
        owner = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
        try:
            return self._sagemaker.call(
                "describe_app", DomainId=app.domain_id, AppType=app.app_type, AppName=app.app_name, **owner
            )
        except ControlPlaneRefused as error:
            if error.aws_code in {"ResourceNotFound", "ValidationException"}:
                return {"Status": f"unknown to SageMaker ({error.aws_code})"}
            raise


def _redirect_target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise LoginRefused("The login redirects to an address that is none.") from None


def _refuse_other_hosts(url: str, start: str) -> None:
    """Nothing is sent to a host that is not Studio's; parsed as requests does, so that both mean the same host."""
    try:
        there, studio = parse_url(url), parse_url(start)
    except LocationParseError:
        raise LoginRefused("The login leads to an address that is none.") from None
    if there.scheme != studio.scheme or not _same_studio(there.host or "", studio.host or ""):
        raise LoginRefused(f"The login leads away from Studio, to {there.scheme} at {there.host}.")


def _same_studio(host: str, studio_host: str) -> bool:
    """The same host, or a sibling: a domain's login may lead on to the host of a space."""
    name, _, suffix = studio_host.partition(".")
    is_name = bool(name) and not studio_host.replace(".", "").isdigit() and suffix.count(".") > 1
    return host == studio_host or (is_name and host.endswith("." + suffix))


def _refuse_login_errors(status: int) -> None:
    # A space's host answers 404 until its app is known there.
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS} or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ConnectionLost(f"The login was answered with HTTP {status}.")
    if status >= HTTPStatus.BAD_REQUEST:
        raise LoginRefused(f"The login was refused: HTTP {status}.")
