"""The login with a presigned URL, as a browser does it.

Source: CreatePresignedDomainUrl (SageMaker API reference). The presigned URL is a bearer credential: it is used at
once, lives for seconds, and is never put into a message. It is asked for only while the app is in service, because
opening one can start an app, which would be another event.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from studio_setup.access.answers import describe, is_expired_login, is_jupyter_status
from studio_setup.access.app_status import Owner
from studio_setup.access.control_plane import ControlPlane, required_text
from studio_setup.access.http import Answer, Http
from studio_setup.access.landing import base_path_at, expected_base_path, landing_uris, studio_hosts
from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, ControlPlaneRefused, LoginRefused

_URL_SECONDS = 30
_SESSION_SECONDS = 1800  # the shortest there is
_MAX_REDIRECTS = 10
_TRIES = 3


class Login:
    """Logs sessions in to one app, as one user."""

    def __init__(self, control_plane: ControlPlane, app: App, owner: Owner, deadline: Deadline) -> None:
        self._control_plane = control_plane
        self._app = app
        self._owner = owner
        self._deadline = deadline
        self._landing_uri, self._other_landing_uri = landing_uris(app)

    def log_in(self, http: Http) -> str:
        """Log `http` in, and return the base URL of the Jupyter server to which that leads.

        A refused login is tried again, once in the same form (the URL may have expired on its way) and once in the
        other form.

        Raises:
            ControlPlaneRefused: SageMaker gives us no presigned URL.
            LoginRefused: the URL leads elsewhere; the message says where.
            ConnectionLost: Studio did not answer properly; trying again may help.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._log_in_once(http)
            except LoginRefused as refused:
                if not tries_left:
                    raise
                log.LOGIN_REFUSED.log(reason=refused.message)
                if tries_left == 1:
                    self._use_other_form()
        raise AssertionError("the last try returns or raises")

    def _log_in_once(self, http: Http) -> str:
        http.cookies.clear()
        landing, redirects = self._follow(http, self._presigned_url())
        _refuse_login_errors(landing)
        url = parse_url(landing.url)
        host = f"{url.scheme}://{url.netloc}"
        path = base_path_at(url.path or "")
        if not path:
            # A page that goes on by a script, or a portal's page: the session may be good all the same.
            path = expected_base_path(self._app)
            self._check_jupyter_at(http, host + path, landing)
        log.LOGIN_DONE.log(host=url.host, landing_uri=self._landing_uri, redirects=redirects)
        return host + path

    def _presigned_url(self) -> str:
        try:
            return self._ask_for_url()
        except ControlPlaneRefused as refused:
            if refused.aws_code != "ValidationException" or self._other_landing_uri == self._landing_uri:
                raise
            log.LOGIN_REFUSED.log(reason=refused.message)
            self._use_other_form()
            self._other_landing_uri = self._landing_uri  # the first form is refused: do not come back to it
            return self._ask_for_url()

    def _ask_for_url(self) -> str:
        answer = self._control_plane.call(
            "create_presigned_domain_url",
            DomainId=self._app.domain_id,
            UserProfileName=self._owner.user_profile_name,
            ExpiresInSeconds=_URL_SECONDS,
            SessionExpirationDurationInSeconds=_SESSION_SECONDS,
            **({"LandingUri": self._landing_uri} if self._landing_uri else {}),
            **({"SpaceName": self._app.space_name} if self._app.space_name else {}),
        )
        return required_text(answer, "AuthorizedUrl", "create_presigned_domain_url")

    def _use_other_form(self) -> None:
        self._landing_uri, self._other_landing_uri = self._other_landing_uri, self._landing_uri

    def _follow(self, http: Http, start: str) -> tuple[Answer, int]:
        """Follow redirects like a browser, but to Studio's own hosts only: the last answer, and how many there were."""
        hosts = studio_hosts(start, self._app.domain_id, self._owner.hosts)
        url = start
        for redirects in range(_MAX_REDIRECTS):
            _refuse_other_hosts(url, start, hosts)
            answer = self._ask(http, url)
            if not answer.redirect_target:
                return answer, redirects
            url = _redirect_target(url, answer.redirect_target)
        raise LoginRefused(f"The login redirects more than {_MAX_REDIRECTS} times.")

    def _check_jupyter_at(self, http: Http, base_url: str, landing: Answer) -> None:
        status = self._ask(http, f"{base_url}/api/status")
        if not is_jupyter_status(status):
            raise LoginRefused(
                f"The login landed outside the app: {describe(landing)}. Asked with the cookies so far,"
                f" api/status of the app answered: {describe(status)}. Cookies: {_cookie_names(http)}."
            )

    def _ask(self, http: Http, url: str) -> Answer:
        try:
            return http.ask("GET", url, self._deadline)
        except ConnectionLost as lost:
            raise ConnectionLost(f"The login failed: {lost.message}.") from None


def _cookie_names(http: Http) -> str:
    return ", ".join(sorted({cookie.name[:60] for cookie in http.cookies})[:20]) or "none"


def _redirect_target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise LoginRefused("The login redirects to an invalid URL.") from None


def _refuse_other_hosts(url: str, start: str, hosts: frozenset[str]) -> None:
    """Send nothing to a host that is not Studio's; parsed as requests does, so that both mean the same host."""
    try:
        there, first = parse_url(url), parse_url(start)
    except LocationParseError:
        raise LoginRefused("The login leads to an invalid URL.") from None
    if there.scheme != first.scheme or there.host not in hosts:
        raise LoginRefused(f"The login leads away from Studio, to {there.scheme} at {there.host}.")


def _refuse_login_errors(answer: Answer) -> None:
    status = answer.status
    # A space's host answers 404 until its app is known there.
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS} or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ConnectionLost(f"The login was answered with HTTP {status}.")
    if status >= HTTPStatus.BAD_REQUEST or is_expired_login(answer):
        raise LoginRefused(f"The login was refused: {describe(answer)}.")
