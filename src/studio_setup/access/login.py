"""The login with a presigned URL, as a browser does it.

Source: CreatePresignedDomainUrl (SageMaker API reference). The presigned URL is a bearer credential: it is used at
once, lives for seconds, and is never put into a message. It is asked for only while the app is in service, because
opening one can start an app, which would be another event.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from urllib.parse import urljoin

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from studio_setup.access.control_plane import ControlPlane
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginRefused

LOG = logging.getLogger(__name__)
_URL_SECONDS = 30
_SESSION_SECONDS = 1800  # the shortest there is
_MAX_REDIRECTS = 10
_APP_PATH = re.compile(r"/(?:jupyter|jupyterlab)/[^/]+(?=/|$)")


class Login:
    """Logs sessions in to one app, as one user."""

    def __init__(self, control_plane: ControlPlane, app: App, user_profile_name: str, deadline: Deadline) -> None:
        self._control_plane = control_plane
        self._app = app
        self._user_profile_name = user_profile_name
        self._deadline = deadline

    def log_in(self, session: requests.Session) -> str:
        """Log `session` in, and return the base URL of the Jupyter server to which that leads.

        Raises:
            ControlPlaneRefused: SageMaker gives us no presigned URL.
            LoginRefused: the URL leads elsewhere.
            ConnectionLost: Studio did not answer properly; trying again may help.
        """
        session.cookies.clear()
        landing = self._follow(session, self._presigned_url())
        path = _APP_PATH.match(landing.path or "")
        if path is None:
            raise LoginRefused(f"The login landed on the page {landing.path!r} and not in the app.")
        LOG.info("login.done", extra={"host": landing.host})
        return f"{landing.scheme}://{landing.netloc}{path[0]}"

    def _presigned_url(self) -> str:
        answer = self._control_plane.call(
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
        """Follow the login's redirects like a browser, but to Studio's own hosts only; the URL where they end."""
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


def _redirect_target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise LoginRefused("The login redirects to an invalid URL.") from None


def _refuse_other_hosts(url: str, start: str) -> None:
    """Send nothing to a host that is not Studio's; parsed as requests does, so that both mean the same host."""
    try:
        there, studio = parse_url(url), parse_url(start)
    except LocationParseError:
        raise LoginRefused("The login leads to an invalid URL.") from None
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
