"""Studio's hosts as a browser sees them: login by token, session cookie, loading page, and the app behind them.

The Host header of a request says which host it is for. The sign-in page is on another host (`localhost`), as on AWS.
How a login goes on, and what a request without a session is answered, has several forms (`login_forms`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from emulator.app_kinds import JUPYTER_SERVER, app_type_at
from emulator.hosts import PORTAL_ADDRESS
from emulator.login_forms import Expired, Login, PresignedUrl
from emulator.proxy import Proxy, bad_gateway
from emulator.state import AppKey, AppStatus

if TYPE_CHECKING:
    from emulator.app_host import AppHost, AppStart
    from emulator.sessions import Grant, Session, Sessions
    from emulator.state import StudioState

SESSION_COOKIE = "LocalStudioSession"
SIGN_IN_HOST = "localhost"
_SIGN_IN_PAGE = "<!doctype html><title>AWS sign-in</title><h1>AWS sign-in</h1><form><input name='user'></form>"
_LOADING_PAGE = "<!doctype html><title>Studio</title><p>The JupyterServer application default is starting.</p>"
_PORTAL_PAGE = "<!doctype html><title>Studio portal</title><h1>SageMaker Studio</h1>"
_SCRIPT_PAGE = "<!doctype html><title>Amazon SageMaker Studio</title><script>location.replace({path})</script>"
_EDITOR_PAGE = "<!doctype html><title>Code Editor</title><p>Stand-in for Code Editor, which has no Jupyter.</p>"
_UNUSABLE = (
    "App [{app}] associated with space [{space}] and userprofile [null] is not found or in unusable state. "
    "Please try again after making sure that the app is created and InService"
)
_EXPIRED = "Invalid or Expired Auth Token. Request a new presigned URL to continue using SageMaker."
_EXPIRED_STATUSES = {Expired.TEXT_200: 200, Expired.TEXT_401: 401, Expired.TEXT_403: 403}


class FrontDoor:
    """Answers for each path of each host."""

    def __init__(self, state: StudioState, host: AppHost, sessions: Sessions, proxy: Proxy) -> None:
        self._state = state
        self._host = host
        self._sessions = sessions
        self._proxy = proxy

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request to one of Studio's hosts or to the sign-in host."""
        address = request.url.host or ""
        if address == SIGN_IN_HOST:
            return _page(_SIGN_IN_PAGE)
        if request.path == "/auth":
            return self._log_in(request, address)
        if address == PORTAL_ADDRESS and self._state.login_forms.login is Login.PORTAL_FIRST:
            return _page(_PORTAL_PAGE)
        session = self._sessions.find(request.cookies.get(SESSION_COOKIE), address)
        if session is None:
            return self._without_session(request)
        return _page(_PORTAL_PAGE) if address == PORTAL_ADDRESS else await self._inside(request, session)

    async def _inside(self, request: web.Request, session: Session) -> web.StreamResponse:
        grant = session.grant
        app_type = app_type_at(request.path)
        if grant.space_name and app_type:
            return await self._space_app(request, grant, app_type)
        if request.path == "/app" and not grant.space_name:
            return self._app_status(request, grant)
        if app_type == JUPYTER_SERVER:
            start = self._start_of(grant, app_type)
            in_service = start and start.app.status is AppStatus.IN_SERVICE
            return await self._app(request, start) if start and in_service else _page(_LOADING_PAGE)
        return web.Response(status=404)

    def _log_in(self, request: web.Request, address: str) -> web.Response:
        token, forms = request.query.get("token", ""), self._state.login_forms
        grant = self._sessions.grant_of(token)
        if grant and address == PORTAL_ADDRESS != grant.landing.address and forms.login is Login.PORTAL_FIRST:
            return _redirect(_on_host(request, grant.landing.address, request.raw_path))
        redeemed = self._sessions.redeem(token, address, is_reusable=forms.presigned_url is PresignedUrl.REUSABLE)
        if redeemed is None:
            return self._without_session(request)
        cookie, session = redeemed
        landing_path, lifetime = session.grant.landing.path, session.grant.session_seconds
        response = self._logged_in(request, landing_path)
        response.set_cookie(SESSION_COOKIE, cookie, httponly=True, max_age=lifetime, samesite="Lax")
        readable = {
            "authMode": "Iam",
            "expiryTime": str(int(session.expires * 1000)),
            "studioUserProfileName": session.grant.user_profile_name,
        }
        if session.grant.space_name:
            readable["redirectURL"] = quote(f"{request.url.origin()}{landing_path}", safe="")
        for name, value in readable.items():
            response.set_cookie(name, value, max_age=lifetime)
        return response

    def _logged_in(self, request: web.Request, landing_path: str) -> web.Response:
        match self._state.login_forms.login:
            case Login.REDIRECT:
                return _redirect(landing_path)
            case Login.SCRIPT_PAGE:
                return _page(_SCRIPT_PAGE.format(path=json.dumps(landing_path)))
            case Login.PORTAL_FIRST:
                return _redirect(_on_host(request, PORTAL_ADDRESS, "/"))

    def _without_session(self, request: web.Request) -> web.Response:
        status = _EXPIRED_STATUSES.get(self._state.login_forms.expired)
        if status is None:
            return _redirect(_on_host(request, SIGN_IN_HOST, "/signin"))
        return web.Response(status=status, text=_EXPIRED)

    async def _space_app(self, request: web.Request, grant: Grant, app_type: str) -> web.StreamResponse:
        start = self._start_of(grant, app_type)
        if start and start.app.status is AppStatus.IN_SERVICE:
            return await self._app(request, start)
        if start and start.app.status is AppStatus.PENDING:
            return web.Response(status=404, text=_UNUSABLE.format(app=start.app.key.app_name, space=grant.space_name))
        return web.Response(status=404)

    def _app_status(self, request: web.Request, grant: Grant) -> web.Response:
        # The page of Studio Classic polls this: plain text, and "Terminated" where the API says Deleted.
        names = request.query.get("appType", ""), request.query.get("appName", "")
        app = self._state.apps.get(AppKey(grant.domain_id, grant.user_profile_name, None, *names))
        ended = app is None or app.status is AppStatus.DELETED
        return web.Response(text="Terminated" if app is None or ended else str(app.status))

    async def _app(self, request: web.Request, start: AppStart) -> web.StreamResponse:
        if not start.kind.program:
            return _page(_EDITOR_PAGE)
        if start.jupyter.port is None:
            return bad_gateway()
        return await self._proxy.pass_on(request, f"http://127.0.0.1:{start.jupyter.port}", start.app.key)

    def _start_of(self, grant: Grant, app_type: str) -> AppStart | None:
        profile = None if grant.space_name else grant.user_profile_name
        app = self._state.newest_app(grant.domain_id, profile, grant.space_name, app_type)
        return self._host.starts.get(app.key) if app else None


def _on_host(request: web.Request, host: str, path: str) -> str:
    return f"http://{host}:{request.url.port}{path}"


def _redirect(location: str) -> web.Response:
    # Not web.HTTPFound: that class normalizes the URL, and some of Studio's are known not to be normalized.
    return web.Response(status=302, headers={"Location": location})


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
