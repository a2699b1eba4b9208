"""The apps that the demo can start: how a user starts and opens each, and how to see that it is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.servers import SERVERS
from emulator.studio import DOMAIN_ID, USER_PROFILE

SPACE = "alice-space"
OTHER_USER, OTHER_SPACE = "bob", "bob-space"
_PLUGIN = "@jupyterlab/filebrowser-extension:browser"


@dataclass(frozen=True, slots=True)
class Case:
    """An app of one type.

    `owner` and `login` are parameters of CreateApp and CreatePresignedDomainUrl, `other_owner` those of another user's
    app. `endpoint` is a path on the host where the login ends; `is_set_up` looks at its answer, and `effect` says in
    words what it looks for. `server` is the Jupyter server (`emulator.servers`); `remark` is what a viewer has to know.
    """

    app_type: str
    owner: dict[str, str]
    login: dict[str, str]
    endpoint: str
    effect: str
    is_set_up: Callable[[dict[str, Any]], bool]
    other_owner: dict[str, str]
    server: str = ""
    remark: str = ""

    @property
    def is_possible(self) -> bool:
        """Whether this machine has the server."""
        return SERVERS[self.server].packages.is_dir()

    @property
    def create_app(self) -> dict[str, str]:
        """The parameters of CreateApp."""
        return {"DomainId": DOMAIN_ID, **self.owner, "AppType": self.app_type, "AppName": "default"}

    @property
    def presign(self) -> dict[str, str]:
        """The parameters of CreatePresignedDomainUrl."""
        return {"DomainId": DOMAIN_ID, **self.login, "LandingUri": f"app:{self.app_type}:"}

    @property
    def owner_options(self) -> str:
        """The options of `studio-setup` that name whose app it is."""
        name = "--space-name" if "SpaceName" in self.owner else "--user-profile-name"
        return f"{name} {next(iter(self.owner.values()))}"

    @property
    def by_hand(self) -> str:
        """The options of `studio-setup run` that name the app."""
        return f"--domain-id {DOMAIN_ID} {self.owner_options}"


CASES = {
    "JupyterServer": Case(
        app_type="JupyterServer",
        owner={"UserProfileName": USER_PROFILE},
        login={"UserProfileName": USER_PROFILE},
        endpoint="/jupyter/default/sagemaker-studio-autoshutdown/idle_checker",
        effect="the auto-shutdown extension answers, and its idle time is 7200 seconds",
        is_set_up=lambda answer: bool(answer["idle_time"] == 7200),  # noqa: PLR2004 (the two hours of the setup)
        other_owner={"UserProfileName": OTHER_USER},
        server="notebook6-python39",
        remark=(
            "Nothing is fetched from GitHub: git clones a local stand-in of the extension's repository, under the\n"
            "commit id of the real one. The stand-in is as strict as the real extension, and shuts nothing down."
        ),
    ),
    "JupyterLab": Case(
        app_type="JupyterLab",
        owner={"SpaceName": SPACE},
        login={"UserProfileName": USER_PROFILE, "SpaceName": SPACE},
        endpoint=f"/jupyterlab/default/lab/api/settings/{_PLUGIN}",
        effect="JupyterLab has the defaults of the setup, and shows the sizes of files",
        is_set_up=lambda answer: bool(answer["schema"]["properties"]["showFileSizeColumn"]["default"]),
        other_owner={"SpaceName": OTHER_SPACE},
    ),
}
