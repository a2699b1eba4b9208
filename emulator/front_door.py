"""Studio's host as a browser meets it: login by token, a session cookie, the loading page, the app behind it.

The sign-in page lives under another host name (`localhost`), as on AWS; there is no way past the cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from emulator.jupyter_app import BASE_PATH
from emulator.landing import PORTAL_PATH
from emulator.proxy import Proxy, bad_gateway
from emulator.state import AppKey, AppStatus

if TYPE_CHECKING:
    from emulator.app_host import AppHost, AppStart
    from emulator.sessions import Session, Sessions
    from emulator.state import StudioState

SESSION_COOKIE = "LocalStudioSession"
SIGN_IN_HOST = "localhost"
_SIGN_IN_PAGE = "<!doctype html><title>AWS sign-in</title><h1>AWS sign-in</h1><form><input name='user'></form>"
_LOADING_PAGE = "<!doctype html><title>Studio</title><p>The JupyterServer application default is starting.</p>"
_PORTAL_PAGE = "<!doctype html><title>Studio portal</title><h1>SageMaker Studio</h1>"


class FrontDoor:
    """Routes of Studio's host."""

    def __init__(self, state: StudioState, host: AppHost, sessions: Sessions, proxy: Proxy) -> None:
        self._state = state
        self._host = host
        self._sessions = sessions
        self._proxy = proxy

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to Studio's host or to the sign-in host."""
        if request.url.host == SIGN_IN_HOST:
            return _page(_SIGN_IN_PAGE)
        if request.path == "/auth":
            return self._log_in(request)
        session = self._sessions.find(request.cookies.get(SESSION_COOKIE))
        return _to_sign_in(request) if session is None else await self._inside(request, session)

    async def _inside(self, request: web.Request, session: Session) -> web.StreamResponse:
        if request.path == "/app":
            return self._app_status(request, session)
        if request.path.startswith(BASE_PATH) or request.path == BASE_PATH.rstrip("/"):
            return await self._jupyter(request, session)
        if request.path == PORTAL_PATH or request.path.startswith(f"{PORTAL_PATH}/"):
            return _page(_PORTAL_PAGE)
        return web.Response(status=404)

    def _log_in(self, request: web.Request) -> web.Response:
        redeemed = self._sessions.redeem(request.query.get("token", ""))
        if redeemed is None:
            return _to_sign_in(request)
        cookie, session = redeemed
        response = _redirect(session.grant.landing_path)
        lifetime = session.grant.session_seconds
        response.set_cookie(SESSION_COOKIE, cookie, httponly=True, max_age=lifetime, samesite="Lax")
        readable = {
            "authMode": "Iam",
            "expiryTime": str(int(session.expires * 1000)),
            "studioUserProfileName": session.grant.user_profile_name,
        }
        for name, value in readable.items():
            response.set_cookie(name, value, max_age=lifetime)
        return response

    def _app_status(self, request: web.Request, session: Session) -> web.Response:
        # The poll of the first Studio's own page: plain text, and "Terminated" where the API says Deleted.
        grant = session.grant
        key = AppKey(
            grant.domain_id,
            grant.user_profile_name,
            None,
            request.query.get("appType", ""),
            request.query.get("appName", ""),
        )
        app = self._state.apps.get(key)
        ended = app is None or app.status is AppStatus.DELETED
        return web.Response(text="Terminated" if app is None or ended else str(app.status))

    async def _jupyter(self, request: web.Request, session: Session) -> web.StreamResponse:
        start = self._start_of(session)
        if start is None or start.app.status is not AppStatus.IN_SERVICE:
            return _page(_LOADING_PAGE)
        if start.jupyter.port is None:
            return bad_gateway()
        return await self._proxy.pass_on(request, f"http://127.0.0.1:{start.jupyter.port}", start.app.key)

    def _start_of(self, session: Session) -> AppStart | None:
        app = self._state.jupyter_app_of(session.grant.domain_id, session.grant.user_profile_name)
        return self._host.starts.get(app.key) if app else None


def _to_sign_in(request: web.Request) -> web.Response:
    return _redirect(f"http://{SIGN_IN_HOST}:{request.url.port}/signin")


def _redirect(location: str) -> web.Response:
    # Not web.HTTPFound: that class cleans the address up, and some of Studio's are measured to be odd.
    return web.Response(status=302, headers={"Location": location})


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
