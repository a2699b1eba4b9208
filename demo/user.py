"""What the user sees: logs in through Studio's front door as a browser does, and asks the extension."""

from __future__ import annotations

from typing import Any

import requests

_ENDPOINT = "/jupyter/default/sagemaker-studio-autoshutdown/idle_checker"


def link(sagemaker: Any, domain_id: str, user_profile_name: str) -> str:  # noqa: ANN401 (an SDK client)
    """Return a URL that opens the user's Studio once, within five minutes."""
    return str(
        sagemaker.create_presigned_domain_url(
            DomainId=domain_id,
            UserProfileName=user_profile_name,
            ExpiresInSeconds=300,
            LandingUri="app:JupyterServer:",
        )["AuthorizedUrl"]
    )


def ask_extension(url: str) -> dict[str, Any]:
    """Open a presigned URL and return the settings that the extension answers with.

    Raises:
        RuntimeError: it does not answer, or not with its settings.
    """
    with requests.Session() as browser:
        browser.trust_env = False
        landed = browser.get(url, timeout=10)
        host = landed.url.split("/jupyter/")[0]
        answer = browser.get(host + _ENDPOINT, timeout=10)
    if answer.status_code != requests.codes.ok or "json" not in answer.headers.get("Content-Type", ""):
        raise RuntimeError(f"The extension does not answer through the front door: {answer.status_code}.")
    settings: dict[str, Any] = answer.json()
    return settings
