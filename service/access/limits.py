"""The limits of requests that a server holds its callers to, and what it tells them of these.

Every request under /v1 takes from the quota of its address and, once it is known whose it is, from that
of its key. Attempts to get in that fail have a stricter quota of their own: beyond it they are answered
429 and not recorded, so that nobody fills the audit trail. A key that is right opens all the same, as an
address may be shared.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` names each limit with
its quota `q` and window `w` in seconds, `RateLimit` says what remains `r`, and after how many seconds all
of it is back `t`.
"""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.access.rates import Rate, Standing
from service.errors import RateLimited
from service.settings import ServiceSettings

LIMIT_FIELDS: Final = ("RateLimit-Policy", "RateLimit")
_LONGEST: Final = 64  # of an address; what a proxy passes on may be anything
_UNKNOWN: Final = "unknown"
_SITE_BITS: Final = 64  # of an IPv6 address: what one customer of a provider has to itself


def address_of(scope: Mapping[str, Any]) -> str:
    """The address a request came from, or what a trusted proxy passes on as one, where it can be shown."""
    client = scope.get("client")
    address = str(client[0])[:_LONGEST] if client else ""
    return address if address and address.isascii() and address.isprintable() else _UNKNOWN


def place_of(address: str) -> str:
    """Whom an address counts as: an IPv4 address, the network of an IPv6 one; all that are none as one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE_BITS), strict=False))


@dataclass(frozen=True, slots=True)
class Count:
    """What a request took from one limit."""

    rate: Rate
    standing: Standing


class Limits:
    """The limits of one server."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.key = Rate("key", settings.key_requests_per_minute)
        self.address = Rate("address", settings.address_requests_per_minute)
        self.failure = Rate("failed-authentication", settings.address_failures_per_minute)

    def admit(self, rate: Rate, caller: str) -> list[Count]:
        """Take a request from a quota and return what was taken; nothing where there is no limit.

        Raises:
            RateLimited: the quota is used up.
        """
        if rate.quota == 0:
            return []
        count = Count(rate, rate.take(caller))
        if count.standing.admitted:
            return [count]
        wait = max(1, math.ceil(count.standing.wait))
        raise RateLimited(
            f"More than {rate.quota} requests in {rate.window:g} s ({rate.name}): try again in {wait} s.",
            {"Retry-After": str(wait), **headers_of([count])},
        )


def headers_of(counts: Sequence[Count]) -> dict[str, str]:
    """What the answer to a request says of the limits that it was counted by."""
    if not counts:
        return {}
    policies = (f'"{one.rate.name}";q={one.rate.quota};w={one.rate.window:.0f}' for one in counts)
    now = (
        f'"{one.rate.name}";r={one.standing.remaining};t={math.ceil(one.standing.reset)}' for one in counts
    )
    return dict(zip(LIMIT_FIELDS, (", ".join(policies), ", ".join(now)), strict=True))
