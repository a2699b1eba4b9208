"""A fleet of twelve apps, hardly two of which stand alike: who they are, how each starts, what they are set up with.

Yesterday's setup is the one that ships. Today's has one command more, which links a folder of datasets into the home;
it fails where something is in the way, and waits for as long as another program holds a lock.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.app_host import StartOptions
from emulator.handles import AppHandle
from emulator.state import AuthMode
from emulator.studio import DOMAIN_ID, LocalStudio

SSO_DOMAIN_ID = "d-localstudio2"
ODD_INDEX = "https://packages.example.com/simple"
# Which package index pip would use: the odd one out has another.
QUESTION = 'echo "${PIP_INDEX_URL:-the index of the image}"'
IN_THE_WAY, LOCK = "datasets", ".datasets.lock"
_SCRIPT = "link_datasets.sh"
# Added to src/setups/__init__.py.
_CHANGE = f"""

def setup_for(app: App) -> Setup:
    \"\"\"The defaults of JupyterLab as before, and the datasets for everybody.\"\"\"
    datasets = Command("link-datasets", read_script(_HERE / "{_SCRIPT}"), 5)
    return Setup((*_lab_defaults(), datasets) if app.app_type == "JupyterLab" else (datasets,))
"""


@dataclass(frozen=True, slots=True)
class Member:
    """An app of the fleet: that of a space, if it has one, or else of a user (JupyterServer).

    `files` are in the home before the app starts; `has_server`: whether anything ever looks into the app.
    """

    user: str = ""
    space: str = ""
    domain_id: str = DOMAIN_ID
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    has_server: bool = True

    @property
    def owner(self) -> str:
        """The space or the user, by which the log and the command line name the app."""
        return self.space or self.user

    @property
    def app_type(self) -> str:
        """The app's type."""
        return "JupyterLab" if self.space else "JupyterServer"

    def add_to(self, studio: LocalStudio) -> None:
        """Add the user, the space and the files in the home."""
        if self.user:
            studio.add_user_profile(self.user, self.domain_id)
        if self.space:
            studio.add_space(self.space, self.user or None, domain_id=self.domain_id)
        home = studio.home_of(self.user, space_name=self.space or None, domain_id=self.domain_id)
        for name, text in self.files.items():
            (home / name).write_text(text, encoding="utf-8")

    def start(self, studio: LocalStudio) -> AppHandle:
        """Start the app; it may take a while until it is in service."""
        return studio.create_app(
            self.user,
            space_name=self.space or None,
            domain_id=self.domain_id,
            app_type=self.app_type,
            options=StartOptions(environment=self.environment, has_server=self.has_server),
        )


OUTDATED = Member("dave", "dave-space")  # set up yesterday
SUCCEEDING = (
    Member("alice"),
    Member("alice", "alice-space"),
    Member("bob"),
    Member("erin", environment={"PIP_INDEX_URL": ODD_INDEX}),
    Member("frank"),
)
FAILING = Member("grace", files={IN_THE_WAY: "Her own notes on datasets.\n"})
TIMING_OUT = Member("heidi", "heidi-space", files={LOCK: ""})
OF_SSO_DOMAIN = Member("judy", domain_id=SSO_DOMAIN_ID, has_server=False)
WITHOUT_OWNER = Member(space="team-space", has_server=False)
NEVER_SET_UP = Member("ivan")  # its event never comes
GOING = Member("kim", has_server=False)  # nor does this one's, and it is deleted while somebody sets up the others
STARTED_TODAY = (*SUCCEEDING, FAILING, TIMING_OUT, OF_SSO_DOMAIN, WITHOUT_OWNER)
MISSED = (NEVER_SET_UP, GOING)
FLEET = (OUTDATED, *STARTED_TODAY, *MISSED)
REACHABLE = (OUTDATED, *SUCCEEDING, FAILING, TIMING_OUT, NEVER_SET_UP)


def populate(studio: LocalStudio) -> None:
    """Add the domains, the users, the spaces and their homes."""
    studio.add_domain()
    studio.add_domain(SSO_DOMAIN_ID, AuthMode.SSO)
    for member in FLEET:
        member.add_to(studio)


def change_setup(bundle: Path) -> None:
    """Make today's setup of yesterday's, in a folder that `sam build` has made."""
    shutil.copy(Path(__file__).with_name(_SCRIPT), bundle / "setups" / _SCRIPT)
    with (bundle / "setups" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(_CHANGE)
