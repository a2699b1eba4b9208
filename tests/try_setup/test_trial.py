"""A setup that is tried, where the app itself does not come up."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from emulator.app_host import StartOptions
from studio_setup.model.setup import Command, Setup
from try_setup.screen import Screen
from try_setup.trial import try_twice


def test_an_app_that_does_not_start_shows_why() -> None:
    """What a setup writes into the home can keep Jupyter from starting; its log says what that is."""

    def wait_in_vain() -> NoReturn:
        raise TimeoutError("the app is Pending")

    app = SimpleNamespace(log="Traceback\n\x1b[31mNo such option\n", wait_until_in_service=wait_in_vain)
    studio: Any = SimpleNamespace(create_app=lambda *_, **__: app)
    with pytest.raises(TimeoutError, match=r"with a new home.*log ends:\nTraceback\nNo such option\n"):
        try_twice(studio, "JupyterLab", Setup((Command("one", "true"),)), StartOptions(), Screen(io.StringIO()))
