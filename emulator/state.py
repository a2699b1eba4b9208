"""The state of the local Studio: domains, user profiles, spaces and apps. No sockets, no processes, no files."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from enum import StrEnum

from emulator.login_forms import LoginForms


class AuthMode(StrEnum):
    """How users sign in to a domain; presigned URLs exist only for IAM."""

    IAM = "IAM"
    SSO = "SSO"


class AppStatus(StrEnum):
    """Every status of an app in the SageMaker API."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    FAILED = "Failed"
    DELETING = "Deleting"
    DELETED = "Deleted"


def now() -> dt.datetime:
    """Return the current time, in UTC."""
    return dt.datetime.fromtimestamp(time.time(), tz=dt.UTC)


@dataclass(frozen=True, slots=True)
class Account:
    """The account id and region that the Studio pretends to have."""

    account_id: str = "111122223333"
    region: str = "us-east-1"

    def arn(self, resource: str) -> str:
        """Return the ARN of a SageMaker resource such as `domain/d-1`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True, slots=True)
class Domain:
    """A Studio domain."""

    domain_id: str
    auth_mode: AuthMode = AuthMode.IAM
    default_landing_uri: str = ""
    created: dt.datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A user profile of a domain."""

    domain_id: str
    name: str
    created: dt.datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Space:
    """A space of a domain; a shared space may have no owner. `address` is that of the space's own host."""

    domain_id: str
    name: str
    owner: str | None = None
    app_type: str = "JupyterLab"
    sharing_type: str = "Private"
    address: str = ""
    created: dt.datetime = field(default_factory=now)

    @property
    def is_private(self) -> bool:
        """Whether the space belongs to one user."""
        return self.sharing_type == "Private"


@dataclass(frozen=True, slots=True)
class AppKey:
    """The full name of an app: domain, owner, type and name."""

    domain_id: str
    user_profile_name: str | None
    space_name: str | None
    app_type: str
    app_name: str

    @property
    def resource(self) -> str:
        """Return the resource part of the app's ARN."""
        owner = self.space_name or self.user_profile_name
        return f"app/{self.domain_id}/{owner}/{self.app_type}/{self.app_name}"


@dataclass(slots=True)
class App:
    """One start of an app. A later start under the same name is another `App`."""

    key: AppKey
    status: AppStatus = AppStatus.PENDING
    failure_reason: str | None = None
    described_as: list[AppStatus] = field(default_factory=list)
    resource_spec: dict[str, str] | None = None
    created: dt.datetime = field(default_factory=now)

    def next_described_status(self) -> AppStatus:
        """Return the status that the next DescribeApp answers: those of `described_as`, then the real one."""
        return self.described_as.pop(0) if self.described_as else self.status


@dataclass(slots=True)
class StudioState:
    """Everything that exists in this Studio, by name."""

    account: Account = field(default_factory=Account)
    login_forms: LoginForms = field(default_factory=LoginForms)
    domains: dict[str, Domain] = field(default_factory=dict)
    user_profiles: dict[tuple[str, str], UserProfile] = field(default_factory=dict)
    spaces: dict[tuple[str, str], Space] = field(default_factory=dict)
    apps: dict[AppKey, App] = field(default_factory=dict)

    def newest_app(
        self, domain_id: str, user_profile_name: str | None, space_name: str | None, app_type: str
    ) -> App | None:
        """Return the newest app of a type of a user profile or space, one in service if there is one."""
        owner = (domain_id, user_profile_name, space_name, app_type)
        mine = [
            app
            for key, app in self.apps.items()
            if (key.domain_id, key.user_profile_name, key.space_name, key.app_type) == owner
        ]
        mine.sort(key=lambda app: (app.status is AppStatus.IN_SERVICE, app.created))
        return mine[-1] if mine else None
