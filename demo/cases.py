"""The apps that the demo can start: how a user starts and opens each, and what shows that it is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.studio import DOMAIN_ID, USER_PROFILE

SPACE = "alice-space"
_PLUGIN = "@jupyterlab/filebrowser-extension:browser"


@dataclass(frozen=True, slots=True)
class Case:
    """One type of app."""

    app_type: str
    owner: dict[str, str]  # as CreateApp names it
    login: dict[str, str]  # as CreatePresignedDomainUrl names it
    endpoint: str  # on the host where the login lands
    promise: str
    is_kept: Callable[[dict[str, Any]], bool]  # by what the endpoint answers

    @property
    def create_app(self) -> dict[str, str]:
        """The parameters of CreateApp."""
        return {"DomainId": DOMAIN_ID, **self.owner, "AppType": self.app_type, "AppName": "default"}

    @property
    def presign(self) -> dict[str, str]:
        """The parameters of CreatePresignedDomainUrl."""
        return {"DomainId": DOMAIN_ID, **self.login, "LandingUri": f"app:{self.app_type}:"}

    @property
    def by_hand(self) -> str:
        """The options that name the app to `python -m studio_setup run`."""
        name = "--space-name" if "SpaceName" in self.owner else "--user-profile-name"
        return f"--domain-id {DOMAIN_ID} {name} {next(iter(self.owner.values()))}"


CASES = {
    "JupyterServer": Case(
        app_type="JupyterServer",
        owner={"UserProfileName": USER_PROFILE},
        login={"UserProfileName": USER_PROFILE},
        endpoint="/jupyter/default/sagemaker-studio-autoshutdown/idle_checker",
        promise="the auto-shutdown extension answers, with its idle time at 7200 seconds",
        is_kept=lambda answer: bool(answer["idle_time"] == 7200),  # noqa: PLR2004 (as promised)
    ),
    "JupyterLab": Case(
        app_type="JupyterLab",
        owner={"SpaceName": SPACE},
        login={"UserProfileName": USER_PROFILE, "SpaceName": SPACE},
        endpoint=f"/jupyterlab/default/lab/api/settings/{_PLUGIN}",
        promise="JupyterLab has the setup's defaults, and shows the sizes of files",
        is_kept=lambda answer: bool(answer["schema"]["properties"]["showFileSizeColumn"]["default"]),
    ),
}
