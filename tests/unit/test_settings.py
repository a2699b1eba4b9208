"""The settings that an operator can configure."""

from __future__ import annotations

import pytest

from studio_setup.model.errors import BadInput
from studio_setup.model.settings import Settings


def test_the_defaults_are_every_app_type_in_every_domain() -> None:
    """Nothing has to be configured."""
    assert Settings.from_env({}) == Settings(
        app_types=("JupyterServer", "JupyterLab"), domain_id="", shared_space_user=""
    )


def test_settings_are_read_from_the_environment() -> None:
    """White space around a value, which a template may leave there, is ignored."""
    settings = Settings.from_env({"APP_TYPES": " JupyterLab ", "DOMAIN_ID": " d-abc\n", "SHARED_SPACE_USER": " bot "})
    assert settings == Settings(("JupyterLab",), "d-abc", "bot")


def test_app_types_are_a_list() -> None:
    """Its items are separated by commas, in any order."""
    assert Settings.from_env({"APP_TYPES": "JupyterLab, JupyterServer"}).app_types == ("JupyterLab", "JupyterServer")


@pytest.mark.parametrize("value", ["", "CodeEditor", "JupyterServer,KernelGateway", "JupyterServer,", "jupyterserver"])
def test_an_unsupported_app_type_is_refused(value: str) -> None:
    """A setting that would silently do nothing is an error; the message says what is possible."""
    with pytest.raises(BadInput, match="it takes: JupyterServer, JupyterLab"):
        Settings.from_env({"APP_TYPES": value})
