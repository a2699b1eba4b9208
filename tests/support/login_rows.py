"""The forms that a login may have, what may go wrong with each, and what must come of it, as data.

`tools/faults_page.py` writes a part of `docs/faults.md` from it, and `logins.py` runs it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from emulator.login_forms import Expired, LandingUriWithoutPath, Login, LoginForms, PresignedUrl
from tests.support.matrix import LOGIN_REFUSED, OWN, Verdict


class Trouble(StrEnum):
    """What goes wrong, in the words of the page."""

    NONE = "nothing goes wrong"
    SESSION_ENDS = "the session ends in the middle of a command, with its websocket"
    URL_OPENED = "somebody else opens every presigned URL first"
    SESSION_DENIED = "every session is denied from its first request on"
    SESSION_SHORT = "every session ends as soon as the server has said that it is ready"


@dataclass(frozen=True, slots=True)
class LoginRow:
    """One trouble with logins of all combinations of these forms, and how the setup must end.

    `logins`: how many times the setup must ask for a presigned URL.
    """

    trouble: Trouble
    verdict: Verdict
    login: tuple[Login, ...]
    expired: tuple[Expired, ...]
    presigned_url: tuple[PresignedUrl, ...] = (PresignedUrl.SINGLE_USE,)
    landing_uri_without_path: tuple[LandingUriWithoutPath, ...] = (LandingUriWithoutPath.ACCEPTED,)
    logins: int = 1

    @property
    def forms(self) -> Iterator[LoginForms]:
        """Every combination."""
        members = self.login, self.expired, self.landing_uri_without_path, self.presigned_url
        return itertools.starmap(LoginForms, itertools.product(*members))


_LOGIN_EXPIRED = Verdict("unreachable", ("login-expired",), effects=0)
_REDIRECT = (Expired.REDIRECT,)
_TWICE = (PresignedUrl.REUSABLE,)
LOGIN_ROWS = (
    LoginRow(Trouble.NONE, OWN, (*Login,), _REDIRECT, (*PresignedUrl,), (*LandingUriWithoutPath,)),
    LoginRow(Trouble.SESSION_ENDS, OWN, (*Login,), (*Expired,), logins=2),
    LoginRow(Trouble.URL_OPENED, OWN, (*Login,), _REDIRECT, _TWICE),
    LoginRow(Trouble.URL_OPENED, LOGIN_REFUSED, (*Login,), (*Expired,), logins=3),
    LoginRow(Trouble.SESSION_DENIED, LOGIN_REFUSED, (*Login,), (*Expired,), logins=3),
    LoginRow(Trouble.SESSION_SHORT, _LOGIN_EXPIRED, (*Login,), (*Expired,), logins=5),
)
