"""Git identity, and git credentials that are fetched from Secrets Manager at the time git asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio_setup import App, Command, read_script

_HERE = Path(__file__).parent


def commands(app: App, *, urls: Sequence[str], secret_id: str, email_domain: str) -> tuple[Command, ...]:
    """Git for one app.

    `urls` are those of the git hosts, such as `https://git.example.com` or `https://*.example.com`. A space's app has
    the name of the space, because its event does not say who the user is.

    Raises:
        BadInput: a script is missing or not valid.
    """
    name = app.space_name or app.user_profile_name
    environment = {
        "URLS": "\n".join(urls),
        "SECRET_ID": secret_id,
        "USER_NAME": name,
        "USER_EMAIL": f"{name}@{email_domain}",
        "HELPER": read_script(_HERE / "git-credential-secrets-manager.sh"),
    }
    return (
        Command("configure-git", read_script(_HERE / "configure_git.sh"), 60, environment=environment),
        Command(
            "check-git-credentials",
            read_script(_HERE / "check_credentials.sh"),
            180,
            environment={"URLS": environment["URLS"]},
        ),
    )
