"""What a user does in a browser: opens a presigned URL, and looks at what the setup has changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from demo.cases import Case


def link(sagemaker: Any, case: Case) -> str:  # noqa: ANN401 (an SDK client)
    """Return a presigned URL for the app, which can be used once, within five minutes."""
    return str(sagemaker.create_presigned_domain_url(**case.presign, ExpiresInSeconds=300)["AuthorizedUrl"])


def ask(case: Case, url: str) -> dict[str, Any]:
    """Open a presigned URL, and return what the case's endpoint answers.

    Raises:
        RuntimeError: it does not answer with JSON.
    """
    with requests.Session() as browser:
        browser.trust_env = False
        landed = urlsplit(browser.get(url, timeout=10).url)
        answer = browser.get(f"{landed.scheme}://{landed.netloc}{case.endpoint}", timeout=10)
    if answer.status_code != requests.codes.ok or "json" not in answer.headers.get("Content-Type", ""):
        raise RuntimeError(f"{case.endpoint} does not answer with JSON: HTTP {answer.status_code}.")
    found: dict[str, Any] = answer.json()
    return found
