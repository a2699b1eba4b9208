"""The login with a presigned URL, as a browser does it.

Source: CreatePresignedDomainUrl (SageMaker API reference). The presigned URL is a bearer credential: it is used at
once, lives for seconds, and is never put into a message. It is asked for only while the app is in service, because
opening one can start an app, which would be another event.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from studio_setup.access.answers import describe, is_expired_login, is_jupyter_status
from studio_setup.access.app_status import Owner
from studio_setup.access.control_plane import ControlPlane, required_text
from studio_setup.access.domain import domain_hosts
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
            SsoDomain: that is why, and only now the domain could be described.
            ConnectionLost: Studio did not answer properly; trying again may help.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._log_in_once(http)
            except LoginRefused as refused:
                if not tries_left:
                    raise
                log.LOGIN_REFUSED.log(reason=refused.message)
                self._describe_domain()
                if tries_left == 1:
                    self._use_other_form()
        raise AssertionError("the last try returns or raises")

    def _log_in_once(self, http: Http) -> str:
        http.cookies.clear()
        answers = self._follow(http, self._presigned_url())
        landing = answers[-1]
        _refuse_login_errors(http, landing)
        path = base_path_at(parse_url(landing.url).path or "")
        # A page that goes on by a script, or a portal's page: the session may be good all the same.
        base_url = _origin(landing) + path if path else self._find_jupyter(http, answers)
        log.LOGIN_DONE.log(host=parse_url(base_url).host, landing_uri=self._landing_uri, redirects=len(answers) - 1)
        return base_url

    def _presigned_url(self) -> str:
        try:
            return self._ask_for_url()
        except ControlPlaneRefused as refused:
            self._describe_domain()
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

    def _describe_domain(self) -> None:
        """After a refusal: ask what was not asked while the API was throttled.

        Raises:
            SsoDomain: presigned URLs do not exist for the domain.
            ControlPlaneRefused: it cannot be described.
        """
        owner = self._owner
        if not owner.is_domain_known and not self._deadline.expired:
            hosts = owner.hosts | domain_hosts(self._control_plane, self._app.domain_id)
            self._owner = replace(owner, hosts=hosts, is_domain_known=True)

    def _use_other_form(self) -> None:
        self._landing_uri, self._other_landing_uri = self._other_landing_uri, self._landing_uri

    def _follow(self, http: Http, start: str) -> list[Answer]:
        """Follow redirects like a browser, but to Studio's own hosts only: every answer, in order."""
        hosts = studio_hosts(start, self._app.domain_id, self._owner.hosts)
        url, answers = start, list[Answer]()
        while len(answers) < _MAX_REDIRECTS:
            if _may_ask(url, start, hosts):
                answers.append(self._ask(http, url))
            else:
                raise _refused(http, f"The login leads {_away_to(http, url)}", answers)
            if not answers[-1].redirect_target:
                return answers
            url = _redirect_target(answers[-1])
        raise _refused(http, f"The login redirects more than {_MAX_REDIRECTS} times", answers)

    def _find_jupyter(self, http: Http, answers: list[Answer]) -> str:
        """Ask for the server on every host that the login led through: the session is good at one of them, or none."""
        path = expected_base_path(self._app)
        statuses = []
        for origin in dict.fromkeys(_origin(answer) for answer in reversed(answers)):
            statuses.append(self._ask(http, f"{origin}{path}/api/status"))
            if is_jupyter_status(statuses[-1]):
                return origin + path
        refused = _refused(
            http,
            "The login landed outside the app, and with the cookies so far the app is not there either",
            [answers[-1], *statuses],
        )
        raise ConnectionLost(refused.message) if any(map(_may_pass, statuses)) else refused

    def _ask(self, http: Http, url: str) -> Answer:
        try:
            return http.ask("GET", url, self._deadline)
        except ConnectionLost as lost:
            raise ConnectionLost(f"The login failed: {lost.message}.") from None


def _refused(http: Http, what: str, answers: list[Answer]) -> LoginRefused:
    """The refusal with all that one needs in order to understand it: the answers, and the names of the cookies."""
    shown = map(http.without_secrets, answers[-4:])
    seen = "; ".join(f"{parse_url(answer.url).host} answered {describe(answer)}" for answer in shown)
    return LoginRefused(f"{what}: {seen or 'nothing was asked'}. Cookies: {http.cookie_names}.")


def _origin(answer: Answer) -> str:
    url = parse_url(answer.url)
    return f"{url.scheme}://{url.netloc}"


def _redirect_target(answer: Answer) -> str:
    """Where a redirect leads; empty if that is not a URL."""
    try:
        return urljoin(answer.url, answer.redirect_target)
    except ValueError:
        return ""


def _may_ask(url: str, start: str, hosts: frozenset[str]) -> bool:
    """Send nothing to a host that is not Studio's; parsed as requests does, so that both mean the same host."""
    try:
        there, first = parse_url(url), parse_url(start)
    except LocationParseError:
        return False
    return bool(url) and there.scheme == first.scheme and there.host in hosts


def _away_to(http: Http, url: str) -> str:
    """Where a URL leads that is not Studio's, as far as that can be said."""
    try:
        there = parse_url(url)
    except LocationParseError:
        return "to an invalid URL"
    scheme = there.scheme if there.scheme in {"http", "https"} else "another scheme"
    return f"away from Studio, to {scheme} at {http.end_of_host(there.host)}" if url else "to an invalid URL"


def _refuse_login_errors(http: Http, answer: Answer) -> None:
    # A space's host answers 404 until its app is known there.
    if answer.status == HTTPStatus.NOT_FOUND or _may_pass(answer):
        raise ConnectionLost(f"The login was answered with HTTP {answer.status}.")
    if answer.status >= HTTPStatus.BAD_REQUEST or is_expired_login(answer):
        raise _refused(http, "The login was refused", [answer])


def _may_pass(answer: Answer) -> bool:
    """Is it the answer of a server that is starting, or has too much to do?"""
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
