"""pip and conda on private sources; for CodeArtifact with a token that is renewed as long as the app runs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from studio_setup import Command, read_script

_HERE = Path(__file__).parent


def private_index(index_url: str, conda_channel: str = "") -> tuple[Command, ...]:
    """An index that asks for no password, or one whose password is in `~/.netrc` already.

    Raises:
        BadInput: a script is missing or not valid.
    """
    environment = {"INDEX_URL": index_url, "CONDA_CHANNEL": conda_channel}
    return (
        Command("configure-index", _script("configure_index.sh"), 60, environment=environment),
        Command("check-index", _script("check_index.sh"), 60, environment={"INDEX_URL": index_url}),
    )


def codeartifact(
    *, domain: str, domain_owner: str, region: str, repository: str, conda_channel: str = "", index_url: str = ""
) -> tuple[Command, ...]:
    """A repository of CodeArtifact, which has packages of pip's alone: a conda channel has to be elsewhere.

    `domain_owner` is an account id. `index_url` is made of the others unless given (CodeArtifact user guide, "Configure
    and use pip"), without the user name: with one in the URL, pip does not look into `~/.netrc`.

    Raises:
        BadInput: a script is missing or not valid.
    """
    host = f"{domain}-{domain_owner}.d.codeartifact.{region}.amazonaws.com"
    index_url = index_url or f"https://{host}/pypi/{repository}/simple/"
    environment = {
        "DOMAIN": domain,
        "DOMAIN_OWNER": domain_owner,
        "HOST": urlsplit(index_url).hostname or "",
        "RENEW_TOKEN": _script("renew-codeartifact-token.sh"),
    }
    configure, check = private_index(index_url, conda_channel)
    return (configure, Command("log-in", _script("log_in.sh"), 120, environment=environment), check)


def _script(name: str) -> str:
    return read_script(_HERE / name)
