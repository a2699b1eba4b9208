"""The SageMaker operations the local Studio knows: validated parameters in, response members out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.faults import ApiError
from emulator.landing import landing_path
from emulator.sessions import Grant
from emulator.state import App, AppKey, AppStatus, AuthMode, Domain, Space, UserProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.app_host import AppHost
    from emulator.sessions import Sessions
    from emulator.state import StudioState

Members = dict[str, Any]
_ALIVE = (AppStatus.PENDING, AppStatus.IN_SERVICE, AppStatus.DELETING)
_DEFAULT_PAGE_SIZE = 10


class Operations:
    """What each operation does to the state and to the machine."""

    def __init__(self, state: StudioState, host: AppHost, sessions: Sessions) -> None:
        self.front_door_url = ""
        self._state = state
        self._host = host
        self._sessions = sessions
        self.by_name: dict[str, Callable[[Members], Members]] = {
            "DescribeDomain": self._describe_domain,
            "CreateApp": self._create_app,
            "DescribeApp": self._describe_app,
            "DeleteApp": self._delete_app,
            "ListApps": self._list_apps,
            "CreatePresignedDomainUrl": self._create_presigned_domain_url,
            "DescribeUserProfile": self._describe_user_profile,
            "DescribeSpace": self._describe_space,
            "ListUserProfiles": self._list_user_profiles,
            "ListSpaces": self._list_spaces,
        }

    def _describe_domain(self, params: Members) -> Members:
        domain = self._domain(params)
        return {
            "DomainArn": self._state.account.arn(f"domain/{domain.domain_id}"),
            "DomainId": domain.domain_id,
            "DomainName": f"local-{domain.domain_id}",
            "Status": "InService",
            "CreationTime": domain.created,
            "LastModifiedTime": domain.created,
            "AuthMode": str(domain.auth_mode),
            "AppNetworkAccessType": "PublicInternetOnly",
        }

    def _create_app(self, params: Members) -> Members:
        key = self._owned_key(params)
        if key.app_type == "KernelGateway":
            reason = f"Invalid AppType [{key.app_type}]. This AppType has been deprecated."
            raise ApiError("ValidationException", f"Invalid request provided: {reason}")
        existing = self._state.apps.get(key)
        if existing and existing.status in _ALIVE:
            raise ApiError("ResourceInUse", f"App [{self._arn(key)}] already exists.")
        app = App(key, resource_spec=params.get("ResourceSpec"))
        self._state.apps[key] = app
        self._host.start(app)
        return {"AppArn": self._arn(key)}

    def _describe_app(self, params: Members) -> Members:
        app = self._app(params)
        status = app.next_described_status()
        answer = {**_names(app.key), "AppArn": self._arn(app.key), "Status": str(status)}
        if status is AppStatus.FAILED:
            answer["FailureReason"] = app.failure_reason or "the app failed"
        if app.resource_spec:
            answer["ResourceSpec"] = app.resource_spec
        return {**answer, "CreationTime": app.created}

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
        if "SpaceName" in params:
            self._space(params)
        grant = Grant(
            domain.domain_id,
            profile.name,
            landing_path(params.get("LandingUri", ""), params.get("SpaceName")),
            params.get("SessionExpirationDurationInSeconds", 43200),
        )
        token = self._sessions.mint(grant, params.get("ExpiresInSeconds", 300))
        return {"AuthorizedUrl": f"{self.front_door_url}/auth?token={token}"}

    def _describe_user_profile(self, params: Members) -> Members:
        self._domain(params)
        profile = self._user_profile(params)
        arn = self._state.account.arn(f"user-profile/{profile.domain_id}/{profile.name}")
        return {**_profile_details(profile), "UserProfileArn": arn}

    def _describe_space(self, params: Members) -> Members:
        self._domain(params)
        space = self._space(params)
        owner = {"OwnershipSettings": {"OwnerUserProfileName": space.owner}} if space.owner else {}
        return {
            **_space_names(space),
            **owner,
            "SpaceArn": self._state.account.arn(f"space/{space.domain_id}/{space.name}"),
            "SpaceSettings": {"AppType": space.app_type},
            "SpaceSharingSettings": {"SharingType": space.sharing_type},
        }

    def _list_apps(self, params: Members) -> Members:
        rows = [
            {**_names(app.key), "Status": str(app.status), "CreationTime": app.created}
            for app in self._state.apps.values()
            if _wanted(app.key.user_profile_name, params.get("UserProfileNameEquals"))
            and _wanted(app.key.space_name, params.get("SpaceNameEquals"))
        ]
        return _page("Apps", rows, params)

    def _list_user_profiles(self, params: Members) -> Members:
        part = params.get("UserProfileNameContains", "")
        profiles = self._state.user_profiles.values()
        return _page("UserProfiles", [_profile_details(each) for each in profiles if part in each.name], params)

    def _list_spaces(self, params: Members) -> Members:
        part = params.get("SpaceNameContains", "")
        return _page("Spaces", [_space_row(s) for s in self._state.spaces.values() if part in s.name], params)

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


def _names(key: AppKey) -> Members:
    owner = {"SpaceName": key.space_name} if key.space_name else {"UserProfileName": key.user_profile_name}
    return {"DomainId": key.domain_id, **owner, "AppType": key.app_type, "AppName": key.app_name}


def _profile_details(profile: UserProfile) -> Members:
    return {
        "DomainId": profile.domain_id,
        "UserProfileName": profile.name,
        "Status": "InService",
        "CreationTime": profile.created,
        "LastModifiedTime": profile.created,
    }


def _space_names(space: Space) -> Members:
    return {
        "DomainId": space.domain_id,
        "SpaceName": space.name,
        "Status": "InService",
        "CreationTime": space.created,
        "LastModifiedTime": space.created,
    }


def _space_row(space: Space) -> Members:
    owner = {"OwnershipSettingsSummary": {"OwnerUserProfileName": space.owner}} if space.owner else {}
    return {
        **_space_names(space),
        **owner,
        "SpaceSettingsSummary": {"AppType": space.app_type},
        "SpaceSharingSettingsSummary": {"SharingType": space.sharing_type},
    }


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
