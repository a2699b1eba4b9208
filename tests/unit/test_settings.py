"""What an operator can configure."""

from __future__ import annotations

import pytest

from studio_setup.model.errors import BadInput
from studio_setup.model.settings import Settings


def test_without_any_setting_every_domain_is_ours() -> None:
    """Nothing needs to be configured."""
    assert Settings.from_env({}) == Settings(
        app_types=("JupyterServer", "JupyterLab"), domain_id="", shared_space_user=""
    )


def test_settings_come_from_the_environment_given() -> None:
    """Blanks around a value, as a template leaves them, do not count."""
    settings = Settings.from_env({"APP_TYPES": " JupyterLab ", "DOMAIN_ID": " d-abc\n", "SHARED_SPACE_USER": " bot "})
    assert settings == Settings(("JupyterLab",), "d-abc", "bot")


def test_both_app_types_can_be_named() -> None:
    """A list is separated by commas, in any order."""
    assert Settings.from_env({"APP_TYPES": "JupyterLab, JupyterServer"}).app_types == ("JupyterLab", "JupyterServer")


@pytest.mark.parametrize("value", ["", "CodeEditor", "JupyterServer,KernelGateway", "JupyterServer,", "jupyterserver"])
def test_an_app_type_that_cannot_be_set_up_is_refused(value: str) -> None:
    """A setting that would silently do nothing is an error, and the message says what it takes."""
    with pytest.raises(BadInput, match="it takes: JupyterServer, JupyterLab"):
        Settings.from_env({"APP_TYPES": value})
