"""The SageMaker operations of the local Studio: validated parameters in, members of the response out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.app_kinds import SPACE_APP_NAME, SPACE_APP_TYPES
from emulator.descriptions import (
    app_details,
    app_row,
    domain_details,
    domain_row,
    profile_details,
    profile_row,
    space_details,
    space_row,
)
from emulator.faults import ApiError
from emulator.hosts import FRONT_DOOR_ADDRESS, PORTAL_ADDRESS
from emulator.landing import landing_of, refuse_without_path
from emulator.login_forms import LandingUriWithoutPath, Login
from emulator.sessions import Grant
from emulator.state import App, AppKey, AppStatus, AuthMode, Domain, Space, UserProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.app_host import AppHost
    from emulator.descriptions import Members
    from emulator.sessions import Sessions
    from emulator.state import StudioState

_ALIVE = (AppStatus.PENDING, AppStatus.IN_SERVICE, AppStatus.DELETING)
_DEFAULT_PAGE_SIZE = 10


class Operations:
    """The operations, by name."""

    def __init__(self, state: StudioState, host: AppHost, sessions: Sessions, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._state = state
        self._host = host
        self._sessions = sessions
        self.by_name: dict[str, Callable[[Members], Members]] = {
            "DescribeDomain": self._describe_domain,
            "CreateApp": self._create_app,
            "DescribeApp": self._describe_app,
            "DeleteApp": self._delete_app,
            "ListApps": self._list_apps,
            "ListDomains": self._list_domains,
            "CreatePresignedDomainUrl": self._create_presigned_domain_url,
            "DescribeUserProfile": self._describe_user_profile,
            "DescribeSpace": self._describe_space,
            "ListUserProfiles": self._list_user_profiles,
            "ListSpaces": self._list_spaces,
        }

    def _describe_domain(self, params: Members) -> Members:
        return domain_details(self._domain(params), self._state.account, self._url_of(FRONT_DOOR_ADDRESS))

    def _create_app(self, params: Members) -> Members:
        key = self._owned_key(params)
        self._refuse_unfit(key, params)
        existing = self._state.apps.get(key)
        if existing and existing.status in _ALIVE:
            raise ApiError("ResourceInUse", f"App [{self._arn(key)}] already exists.")
        app = App(key, resource_spec=params.get("ResourceSpec"))
        self._state.apps[key] = app
        self._host.start(app)
        return {"AppArn": self._arn(key)}

    def _refuse_unfit(self, key: AppKey, params: Members) -> None:
        if key.app_type == "KernelGateway":
            reason = f"Invalid AppType [{key.app_type}]. This AppType has been deprecated."
        elif key.app_type in SPACE_APP_TYPES and key.space_name is None:
            reason = f"AppType [{key.app_type}] requires a space."
        elif key.app_type in SPACE_APP_TYPES and key.app_name != SPACE_APP_NAME:
            reason = (
                f"Invalid AppName [{key.app_name}]. An app of AppType [{key.app_type}] is named [{SPACE_APP_NAME}]."
            )
        elif key.space_name and key.app_type != self._space(params).app_type:
            reason = f"Invalid AppType [{key.app_type}] for space [{key.space_name}]."
        else:
            return
        raise ApiError("ValidationException", f"Invalid request provided: {reason}")

    def _describe_app(self, params: Members) -> Members:
        app = self._app(params)
        return app_details(app, app.next_described_status(), self._state.account)

    def _delete_app(self, params: Members) -> Members:
        app = self._app(params)
        if app.status in (AppStatus.DELETED, AppStatus.DELETING):
            raise ApiError("ResourceInUse", f"App [{self._arn(app.key)}] is {app.status}.")
        self._host.end(app.key)
        return {}

    def _create_presigned_domain_url(self, params: Members) -> Members:
        domain = self._domain(params)
        if domain.auth_mode is AuthMode.SSO:
            raise ApiError("ValidationException", "This operation is supported only for domains with AuthMode IAM")
        profile = self._user_profile(params)
        space = self._space(params) if "SpaceName" in params else None
        if space and space.is_private and space.owner != profile.name:
            reason = f"UserProfile [{profile.name}] is not the owner of private space [{space.name}]."
            raise ApiError("ValidationException", reason)
        forms = self._state.login_forms
        if forms.landing_uri_without_path is LandingUriWithoutPath.REFUSED:
            refuse_without_path(params.get("LandingUri", ""))
        landing_uri = params.get("LandingUri", "") or ("" if space else domain.default_landing_uri)
        landing = landing_of(landing_uri, space)
        grant = Grant(
            domain.domain_id,
            profile.name,
            space.name if space else None,
            landing,
            params.get("SessionExpirationDurationInSeconds", 43200),
        )
        token = self._sessions.mint(grant, params.get("ExpiresInSeconds", 300))
        address = PORTAL_ADDRESS if forms.login is Login.PORTAL_FIRST else landing.address
        return {"AuthorizedUrl": f"{self._url_of(address)}/auth?token={token}"}

    def _describe_user_profile(self, params: Members) -> Members:
        self._domain(params)
        return profile_details(self._user_profile(params), self._state.account)

    def _describe_space(self, params: Members) -> Members:
        self._domain(params)
        space = self._space(params)
        return space_details(space, self._state.account, self._url_of(space.address))

    def _list_apps(self, params: Members) -> Members:
        rows = [
            app_row(app)
            for app in self._state.apps.values()
            if _wanted(app.key.user_profile_name, params.get("UserProfileNameEquals"))
            and _wanted(app.key.space_name, params.get("SpaceNameEquals"))
        ]
        return _page("Apps", rows, params)

    def _list_domains(self, params: Members) -> Members:
        account, url = self._state.account, self._url_of(FRONT_DOOR_ADDRESS)
        return _page("Domains", [domain_row(each, account, url) for each in self._state.domains.values()], params)

    def _list_user_profiles(self, params: Members) -> Members:
        part = params.get("UserProfileNameContains", "")
        profiles = self._state.user_profiles.values()
        return _page("UserProfiles", [profile_row(each) for each in profiles if part in each.name], params)

    def _list_spaces(self, params: Members) -> Members:
        part = params.get("SpaceNameContains", "")
        return _page("Spaces", [space_row(s) for s in self._state.spaces.values() if part in s.name], params)

    def _domain(self, params: Members) -> Domain:
        domain = self._state.domains.get(params["DomainId"])
        if domain is None:
            raise ApiError("ResourceNotFound", f"Domain [{params['DomainId']}] does not exist.")
        return domain

    def _user_profile(self, params: Members) -> UserProfile:
        profile = self._state.user_profiles.get((params["DomainId"], params["UserProfileName"]))
        if profile is None:
            raise ApiError("ResourceNotFound", f"UserProfile [{params['UserProfileName']}] does not exist.")
        return profile

    def _space(self, params: Members) -> Space:
        space = self._state.spaces.get((params["DomainId"], params["SpaceName"]))
        if space is None:
            raise ApiError("ResourceNotFound", f"Space [{params['SpaceName']}] does not exist.")
        return space

    def _owned_key(self, params: Members) -> AppKey:
        self._domain(params)
        key = _key(params)
        if key.space_name:
            self._space(params)
        elif key.user_profile_name:
            self._user_profile(params)
        return key

    def _app(self, params: Members) -> App:
        key = _key(params)
        app = self._state.apps.get(key)
        if app is None:
            raise ApiError("ResourceNotFound", f"App [{self._arn(key)}] does not exist.")
        return app

    def _arn(self, key: AppKey) -> str:
        return self._state.account.arn(key.resource)


def _key(params: Members) -> AppKey:
    profile, space = params.get("UserProfileName"), params.get("SpaceName")
    if (profile is None) == (space is None):
        raise ApiError("ValidationException", "Exactly one of UserProfileName and SpaceName must be given")
    return AppKey(params["DomainId"], profile, space, params["AppType"], params["AppName"])


def _wanted(value: str | None, filter_value: str | None) -> bool:
    return filter_value is None or value == filter_value


def _page(member: str, rows: Sequence[Members], params: Members) -> Members:
    mine = [row for row in rows if _wanted(row["DomainId"], params.get("DomainIdEquals"))]
    mine.sort(key=lambda row: row["CreationTime"], reverse=params.get("SortOrder") == "Descending")
    token = params.get("NextToken", "0")
    if not token.isdigit():
        raise ApiError("ValidationException", "Invalid pagination token")
    begin, end = int(token), int(token) + params.get("MaxResults", _DEFAULT_PAGE_SIZE)
    following = {"NextToken": str(end)} if end < len(mine) else {}
    return {member: mine[begin:end], **following}
