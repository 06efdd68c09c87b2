"""The address of a client behind our proxies."""

import ipaddress
from functools import lru_cache
from typing import Any

from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

IPV6_PREFIX = 64
"""What one customer of a provider has: its addresses are one client."""


def client_address(request: Any) -> str | None:
    """Return the address that LEADSYNC_TRUSTED_PROXIES tell; None if they send something else."""
    proxied = bool(api_settings.NUM_PROXIES)
    return _as_address(
        BaseThrottle().get_ident(request) if proxied else request.META.get("REMOTE_ADDR")
    )


@lru_cache(maxsize=1_000)
def _as_address(sent: Any) -> str | None:
    try:
        return str(ipaddress.ip_address(sent))
    except ValueError:
        return None


def client_network(request: Any) -> str | None:
    """Return the address, or of an IPv6 address its network, which is all one client."""
    sent = client_address(request)
    if sent is None or ":" not in sent:
        return sent
    network = ipaddress.ip_network(f"{sent.partition('%')[0]}/{IPV6_PREFIX}", strict=False)
    return str(network.network_address)
