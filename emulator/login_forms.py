"""The forms that a login may have. AWS documents them in part only, so each that is plausible can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Login(StrEnum):
    """How a presigned URL leads into the app."""

    REDIRECT = "redirect"  # to the app's page
    SCRIPT_PAGE = "script-page"  # 200 with the session cookie, and a page whose script goes on to the app
    PORTAL_FIRST = "portal-first"  # from the portal to the app's host, which sets the session cookie, and back again


class Expired(StrEnum):
    """What a request without a good session is answered, whatever its path, and a presigned URL that is not good."""

    REDIRECT = "redirect"  # to the sign-in page
    TEXT_200 = "text-200"  # a plain text with status 200
    TEXT_401 = "text-401"
    TEXT_403 = "text-403"


class LandingUriWithoutPath(StrEnum):
    """What CreatePresignedDomainUrl answers to a LandingUri such as `app:JupyterLab:`."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class PresignedUrl(StrEnum):
    """How often a presigned URL logs in before it expires."""

    SINGLE_USE = "single-use"
    REUSABLE = "reusable"


@dataclass(frozen=True, slots=True)
class LoginForms:
    """The forms of every login to one Studio."""

    login: Login = Login.REDIRECT
    expired: Expired = Expired.REDIRECT
    landing_uri_without_path: LandingUriWithoutPath = LandingUriWithoutPath.ACCEPTED
    presigned_url: PresignedUrl = PresignedUrl.SINGLE_USE
