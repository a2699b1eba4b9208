"""Domains, user profiles, spaces and apps as the API describes and lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.state import AppStatus

if TYPE_CHECKING:
    from emulator.state import Account, App, AppKey, Domain, Space, UserProfile

Members = dict[str, Any]


def domain_details(domain: Domain, account: Account, url: str) -> Members:
    """Return the members of DescribeDomain."""
    landing = domain.default_landing_uri
    return {
        **domain_row(domain, account, url),
        "AuthMode": str(domain.auth_mode),
        "AppNetworkAccessType": "PublicInternetOnly",
        **({"DefaultUserSettings": {"DefaultLandingUri": landing}} if landing else {}),
    }


def domain_row(domain: Domain, account: Account, url: str) -> Members:
    """Return a row of ListDomains."""
    return {
        "DomainArn": account.arn(f"domain/{domain.domain_id}"),
        "DomainId": domain.domain_id,
        "DomainName": f"local-{domain.domain_id}",
        "Status": "InService",
        "CreationTime": domain.created,
        "LastModifiedTime": domain.created,
        "Url": url,
    }


def app_details(app: App, status: AppStatus, account: Account) -> Members:
    """Return the members of DescribeApp, with a given status."""
    answer = {**app_names(app.key), "AppArn": account.arn(app.key.resource), "Status": str(status)}
    if status is AppStatus.FAILED:
        answer["FailureReason"] = app.failure_reason or "the app failed"
    if app.resource_spec:
        answer["ResourceSpec"] = app.resource_spec
    return {**answer, "CreationTime": app.created}


def app_row(app: App) -> Members:
    """Return a row of ListApps."""
    return {**app_names(app.key), "Status": str(app.status), "CreationTime": app.created}


def app_names(key: AppKey) -> Members:
    """Return the members that name an app."""
    owner = {"SpaceName": key.space_name} if key.space_name else {"UserProfileName": key.user_profile_name}
    return {"DomainId": key.domain_id, **owner, "AppType": key.app_type, "AppName": key.app_name}


def profile_details(profile: UserProfile, account: Account) -> Members:
    """Return the members of DescribeUserProfile."""
    arn = account.arn(f"user-profile/{profile.domain_id}/{profile.name}")
    return {**profile_row(profile), "UserProfileArn": arn}


def profile_row(profile: UserProfile) -> Members:
    """Return a row of ListUserProfiles."""
    return {
        "DomainId": profile.domain_id,
        "UserProfileName": profile.name,
        "Status": "InService",
        "CreationTime": profile.created,
        "LastModifiedTime": profile.created,
    }


def space_details(space: Space, account: Account, url: str) -> Members:
    """Return the members of DescribeSpace."""
    return {
        **_space_names(space),
        **({"OwnershipSettings": {"OwnerUserProfileName": space.owner}} if space.owner else {}),
        "SpaceArn": account.arn(f"space/{space.domain_id}/{space.name}"),
        "SpaceSettings": {"AppType": space.app_type},
        "SpaceSharingSettings": {"SharingType": space.sharing_type},
        "Url": url,
    }


def space_row(space: Space) -> Members:
    """Return a row of ListSpaces."""
    return {
        **_space_names(space),
        **({"OwnershipSettingsSummary": {"OwnerUserProfileName": space.owner}} if space.owner else {}),
        "SpaceSettingsSummary": {"AppType": space.app_type},
        "SpaceSharingSettingsSummary": {"SharingType": space.sharing_type},
    }


def _space_names(space: Space) -> Members:
    return {
        "DomainId": space.domain_id,
        "SpaceName": space.name,
        "Status": "InService",
        "CreationTime": space.created,
        "LastModifiedTime": space.created,
    }
