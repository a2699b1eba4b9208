"""The app and its space, as the SageMaker API describes them.

Sources: DescribeApp, DescribeSpace (SageMaker API reference).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from studio_setup.access.control_plane import ControlPlane, required_text
from studio_setup.access.domain import domain_hosts_unless_throttled
from studio_setup.access.landing import host_of
from studio_setup.access.poll_schedule import PollSchedule
from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline, Stopwatch
from studio_setup.model.errors import (
    AppDeleted,
    AppFailed,
    AppNotReady,
    ControlPlaneRefused,
    SetupError,
    SpaceWithoutOwner,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The user profile to log in as to an app, and the hosts that SageMaker says are its domain's and its space's.

    `is_domain_known`: False if the domain has not been described, because the API was throttled.
    """

    user_profile_name: str
    hosts: frozenset[str] = frozenset()
    is_domain_known: bool = True


class AppStatus:
    """What the SageMaker API says about one app."""

    def __init__(self, control_plane: ControlPlane, app: App, deadline: Deadline) -> None:
        self._control_plane = control_plane
        self._app = app
        self._deadline = deadline

    def find_owner(self, shared_space_user: str) -> Owner:
        """Find whom to log in as, and where that may lead.

        The user is the app's own, the owner of its space, or else `shared_space_user`.

        Raises:
            SsoDomain: the domain is in SSO mode.
            SpaceWithoutOwner: the space has no owner, and `shared_space_user` is empty.
            ControlPlaneRefused: the domain or the space cannot be described.
        """
        domain_hosts = domain_hosts_unless_throttled(self._control_plane, self._app.domain_id)
        hosts, is_domain_known = domain_hosts or frozenset(), domain_hosts is not None
        if not self._app.space_name:
            return Owner(self._app.user_profile_name, hosts, is_domain_known)
        space = self._control_plane.call("describe_space", DomainId=self._app.domain_id, SpaceName=self._app.space_name)
        hosts |= host_of(space.get("Url"))
        if self._app.user_profile_name:
            return Owner(self._app.user_profile_name, hosts, is_domain_known)
        owner = _owner_of(space)
        user = owner or shared_space_user
        if not user:
            raise SpaceWithoutOwner(f"Space {self._app.space_name} has no owner.")
        log.USER_FOUND.log(login_user_profile_name=user, is_owner=bool(owner))
        return Owner(user, hosts, is_domain_known)

    def wait_until_in_service(self, grace_seconds: float) -> str:
        """Wait until DescribeApp says InService; the app's CreationTime in ISO 8601, empty if it has none.

        For `grace_seconds`, a deleted or unknown app is taken for an earlier one of that name: AWS keeps its row.

        Raises:
            AppFailed, AppDeleted: it will not be in service.
            AppNotReady: it was not in service before the deadline.
            ControlPlaneRefused: it cannot be described.
        """
        waited = Stopwatch(self._deadline.clock)
        app = self._wait(grace_seconds)
        log.APP_IN_SERVICE.log(waited_seconds=waited.seconds)
        created_at = app.get("CreationTime")
        return created_at.isoformat() if isinstance(created_at, datetime) else ""

    def check_in_service(self) -> None:
        """Check, after a loss, that the app is still there; wait if it is being restarted.

        Raises:
            AppFailed, AppDeleted, AppNotReady, ControlPlaneRefused: as `wait_until_in_service`.
        """
        self._wait(grace_seconds=0)

    def _wait(self, grace_seconds: float) -> dict[str, Any]:
        """Wait until DescribeApp says InService; its answer."""
        waited = Stopwatch(self._deadline.clock)
        schedule = PollSchedule()
        while True:
            refusals = self._control_plane.refusals
            app = self._describe_app()
            status = required_text(app, "Status", "describe_app")
            if status == "InService":
                return app
            if status == "Failed":
                reason = str(app.get("FailureReason") or "no reason given")
                raise AppFailed(f"The app failed to start: {reason.rstrip('.')}.")
            if status != "Pending" and waited.seconds >= grace_seconds:
                raise self._gone(app, status)
            if self._deadline.expired:
                raise AppNotReady(f"The app was still {status} after {waited.seconds:.0f} seconds.")
            log.APP_WAITING.log(status=status, waited_seconds=waited.seconds)
            self._deadline.pause(schedule.next_seconds(waited.seconds, self._control_plane.refusals - refusals))

    def _describe_app(self) -> dict[str, Any]:
        app = self._app
        owner = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
        try:
            return self._control_plane.call(
                "describe_app", DomainId=app.domain_id, AppType=app.app_type, AppName=app.app_name, **owner
            )
        except ControlPlaneRefused as error:
            # Documented for an unknown app is ResourceNotFound; others report ValidationException, which can mean more.
            unknown = f"unknown to SageMaker ({error.aws_code})"
            if error.aws_code == "ResourceNotFound":
                return {"Status": unknown}
            if error.aws_code == "ValidationException":
                return {"Status": unknown, "Refusal": error}
            raise

    def _gone(self, app: dict[str, Any], status: str) -> SetupError:
        refusal = app.get("Refusal")
        if isinstance(refusal, ControlPlaneRefused):
            return refusal
        return AppDeleted(f"There is no such app in service: {self._app.label} is {status}.")


def _owner_of(space: dict[str, Any]) -> str:
    match space:
        case {"OwnershipSettings": {"OwnerUserProfileName": str(owner)}}:
            return owner
    return ""
