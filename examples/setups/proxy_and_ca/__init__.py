"""A proxy and a private certificate authority for everything that the Jupyter server starts, and the server itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio_setup import Command, read_script

_HERE = Path(__file__).parent
# Loopback, and where an app gets its role's credentials and metadata: through a proxy they would be somebody else's.
ALWAYS_DIRECT = ("localhost", "127.0.0.1", "169.254.169.254", "169.254.170.2")


def commands(
    proxy_url: str, *, ca_pem: str = "", direct: Sequence[str] = (), check_url: str = ""
) -> tuple[Command, ...]:
    """Set them, restart the Jupyter server if that is needed, and look whether `check_url` can be reached.

    `ca_pem` is the authority's certificate as text; `direct` are hosts and domains that are reached without the proxy,
    such as those of VPC endpoints (`.amazonaws.com`).

    Raises:
        BadInput: a script is missing or not valid.
    """
    environment = {
        "PROXY_URL": proxy_url,
        "NO_PROXY_HOSTS": ",".join((*ALWAYS_DIRECT, *direct)),
        "CA_PEM": ca_pem,
    }
    configure = Command("configure-server", read_script(_HERE / "configure_server.sh"), 60, environment=environment)
    restart = Command("restart-jupyter", read_script(_HERE / "restart_jupyter.sh"), 120)
    if not check_url:
        return (configure, restart)
    check = Command("check-route", read_script(_HERE / "check_route.sh"), 60, environment={"CHECK_URL": check_url})
    return (configure, restart, check)
