"""The domain, as the SageMaker API describes it: whether presigned URLs exist for it, and its own host.

Source: DescribeDomain (SageMaker API reference).
"""

from __future__ import annotations

from typing import Any

from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.landing import host_of
from studio_setup.model.errors import SsoDomain

_OPERATION = "describe_domain"


def domain_hosts(control_plane: ControlPlane, domain_id: str) -> frozenset[str]:
    """The domain's host, as a set; empty if it has none.

    Raises:
        SsoDomain: presigned URLs exist for domains in IAM mode only.
        ControlPlaneRefused: the domain cannot be described.
    """
    return _hosts(domain_id, control_plane.call(_OPERATION, DomainId=domain_id))


def domain_hosts_unless_throttled(control_plane: ControlPlane, domain_id: str) -> frozenset[str] | None:
    """The same; None if the API throttles the question.

    Most logins need no answer: it is asked for once a login is refused. So where many setups begin together, the room
    is left to the calls that none can do without.
    """
    domain = control_plane.call_unless_throttled(_OPERATION, DomainId=domain_id)
    return None if domain is None else _hosts(domain_id, domain)


def _hosts(domain_id: str, domain: dict[str, Any]) -> frozenset[str]:
    if domain.get("AuthMode") == "SSO":
        raise SsoDomain(f"Domain {domain_id} signs in through IAM Identity Center (AuthMode SSO).")
    return host_of(domain.get("Url"))
