"""The tokens of presigned URLs, and the sessions of logged-in browsers."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.landing import Landing


@dataclass(frozen=True, slots=True)
class Grant:
    """What a presigned URL allows: whose Studio or which space, where the login ends, for how long."""

    domain_id: str
    user_profile_name: str
    space_name: str | None
    landing: Landing
    session_seconds: int


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a logged-in browser, valid at the host where its login ended."""

    grant: Grant
    expires: float


class Sessions:
    """Every token that may still be used, and every session."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Grant, float]] = {}
        self._sessions: dict[str, Session] = {}

    def mint(self, grant: Grant, expires_in_seconds: float) -> str:
        """Return a new token, as long and opaque as real ones."""
        token = _jwt_like()
        self._tokens[token] = (grant, time.time() + expires_in_seconds)
        return token

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is unknown, used or expired."""
        grant, expires = self._tokens.get(token, (None, 0.0))
        return grant if expires >= time.time() else None

    def redeem(self, token: str, address: str, *, is_reusable: bool) -> tuple[str, Session] | None:
        """Return a new session and its cookie for a token; None if it is unknown, used, expired or for another host."""
        grant = self.grant_of(token)
        if grant is None or grant.landing.address != address:
            return None
        if not is_reusable:
            del self._tokens[token]
        cookie = secrets.token_urlsafe(48)
        session = Session(grant, time.time() + grant.session_seconds)
        self._sessions[cookie] = session
        return cookie, session

    def find(self, cookie: str | None, address: str) -> Session | None:
        """Return the session of a cookie, unless it has expired or is for another host."""
        session = self._sessions.get(cookie or "")
        if session is None or session.grant.landing.address != address:
            return None
        return session if session.expires >= time.time() else None

    def end(self, cookie: str) -> None:
        """Sign one browser out."""
        self._sessions.pop(cookie, None)

    def end_all(self) -> None:
        """Sign everybody out."""
        self._sessions.clear()


def _jwt_like() -> str:
    header = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    payload = _encoded(json.dumps({"fasCredentials": secrets.token_urlsafe(700)}).encode())
    return f"{header}.{payload}.{secrets.token_urlsafe(32)}"


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
