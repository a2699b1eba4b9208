"""What is to be tried, from the options: which apps, with which setup, in which surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import setups
from demo.cases import CASES
from emulator.namespaces import refusal
from setups import setup_for
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.setup import MAX_TIMEOUT_SECONDS, Command, Setup, read_script
from studio_setup_cli.run import script_names

SETUPS_FOLDER = Path(setups.__file__).parent
_SCRIPT_TIMEOUT_SECONDS = min(900, MAX_TIMEOUT_SECONDS)
_WITHOUT_PYTHON_39 = (
    "JupyterServer is not tried: Studio Classic has Python 3.9, and this machine has no environment of it"
    " (pyenv install 3.9, then make setup)."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried. `script` is one file in the place of the setups; `app_type` is empty for both types."""

    script: Path | None = None
    app_type: str = ""
    network: bool = True
    keep: bool = False

    def check_machine(self, say: Callable[[str], None]) -> None:
        """Say so if this machine cannot give apps the surroundings that they have in Studio.

        Raises:
            BadInput: it cannot take their network away, which was asked for.
        """
        reason = refusal()
        if reason and not self.network:
            raise BadInput(f"This machine gives apps no network of their own ({reason}); try it with the network on.")
        if reason:
            say(f"The home is not at /home/sagemaker-user and sudo is refused here: no namespaces ({reason}).")

    def app_types(self, say: Callable[[str], None]) -> list[str]:
        """The types of app to try; says so if this machine cannot have one."""
        wanted = [self.app_type] if self.app_type else list(CASES)
        possible = [app_type for app_type in wanted if CASES[app_type].is_possible]
        if possible != wanted:
            say(_WITHOUT_PYTHON_39)
        return possible

    def setup(self, app: App) -> Setup:
        """The setup of an app.

        Raises:
            BadInput: a script is missing or not valid.
        """
        if not self.script:
            return setup_for(app)
        (name,) = script_names((self.script,))
        return Setup((Command(name, read_script(self.script), _SCRIPT_TIMEOUT_SECONDS),))

    def files(self) -> Iterator[Path]:
        """The files that the setup is made of."""
        if self.script:
            yield self.script
        else:
            yield from (path for path in sorted(SETUPS_FOLDER.rglob("*")) if _is_source(path))


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
