#!/usr/bin/env python3
"""Say whether the domain DOMAIN_ID shuts idle JupyterLab spaces down, and fail if not, or later than MAX_MINUTES.

An app cannot set that: it is a setting of the domain, and the message has the command for whoever may change it.
Standard library and the command `aws`.
"""

import json
import os
import subprocess
import sys

DOMAIN_ID = os.environ["DOMAIN_ID"]
MAX_MINUTES = int(os.environ["MAX_MINUTES"])
LIMITS = ("--cli-connect-timeout", "5", "--cli-read-timeout", "15", "--output", "json")
IDLE = {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": MAX_MINUTES, "MaxIdleTimeoutInMinutes": MAX_MINUTES}
WANTED = {"JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings": IDLE}}}
REMEDY = f"aws sagemaker update-domain --domain-id {DOMAIN_ID} --default-user-settings '{json.dumps(WANTED)}'"


def settings() -> "dict[str, object]":
    """What the domain says of idle JupyterLab spaces."""
    command = ["aws", "sagemaker", "describe-domain", "--domain-id", DOMAIN_ID, *LIMITS]
    try:
        answer = subprocess.run(
            command, env={**os.environ, "AWS_MAX_ATTEMPTS": "2"}, stdout=subprocess.PIPE, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        sys.exit(
            "The domain's settings cannot be read. The app's role needs sagemaker:DescribeDomain, and an app without"
            " internet an interface endpoint for sagemaker.api in its VPC."
        )
    found = json.loads(answer)
    for name in ("DefaultUserSettings", "JupyterLabAppSettings", "AppLifecycleManagement", "IdleSettings"):
        found = found.get(name) or {}
    return dict(found)


def main() -> None:
    """Check."""
    found = settings()
    minutes = found.get("IdleTimeoutInMinutes")
    if found.get("LifecycleManagement") != "ENABLED":
        sys.exit(f"The domain does not shut idle JupyterLab spaces down. To turn that on:\n{REMEDY}")
    if not isinstance(minutes, int) or minutes > MAX_MINUTES:
        sys.exit(
            f"Idle JupyterLab spaces shut down after {minutes} minutes, not {MAX_MINUTES}. To change that:\n{REMEDY}"
        )
    print(
        f"Idle JupyterLab spaces shut down after {minutes} minutes, unless a user profile or space has another value."
    )


main()
