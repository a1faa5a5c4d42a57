"""Where a webhook may lead: to public addresses, or to hosts that the operator has listed.

A name is resolved once for each attempt, what it means is checked, and the connection goes to exactly that
address: a name server that answers differently the second time is not asked a second time.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from service.errors import BadWebhook

_LONGEST: Final = 2000
_RESOLVE_SECONDS: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address behind NAT64
_LOCAL_TRANSLATED: Final = ipaddress.ip_network("64:ff9b:1::/48")
# Special ones that not every Python knows, and where clouds answer their own machines.
_INNER: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32", "3fff::/20")))
_resolving = ThreadPoolExecutor(4, thread_name_prefix="resolve")

Resolve = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: `host` is the name for TLS and the Host header, `address` is connected to."""

    secure: bool
    host: str
    port: int
    address: str
    path: str


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the machine's resolver. Raises BadWebhook, also where it takes too long."""
    asked = _resolving.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        return [str(found[4][0]) for found in asked.result(_RESOLVE_SECONDS)]
    except (OSError, UnicodeError, Late) as error:
        raise BadWebhook(f"the host {host} cannot be resolved") from error


def target_of(url: str, allowed: Collection[str], resolve: Resolve = resolved) -> Target:
    """Read a URL, resolve its host, and check where that is.

    Args:
        url: as it was registered.
        allowed: hosts, as in URLs, that may be anywhere.
        resolve: host and port to addresses.

    Raises:
        BadWebhook: not such a URL, or it leads to where it may not.
    """
    secure, host, port, path = _parts(url)
    addresses = resolve(host, port)
    if not addresses:
        raise BadWebhook(f"the host {host} has no address")
    if host not in {one.lower() for one in allowed}:
        for address in addresses:  # one that is inside is enough: which is taken is the resolver's whim
            if not is_public(address):
                raise BadWebhook(f"the host {host} is not a public one; SIGHTLINE_WEBHOOK_HOSTS can list it")
    return Target(secure, host, port, addresses[0], path)


def _parts(url: str) -> tuple[bool, str, int, str]:
    """Scheme, host, port and the rest. Raises BadWebhook."""
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadWebhook(f"a webhook's URL has up to {_LONGEST} characters of ASCII without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadWebhook(f"no URL: {error}") from error
    if parts.scheme not in _PORTS:
        raise BadWebhook("a webhook's URL begins with https:// or http://")
    if "@" in parts.netloc or parts.fragment or not parts.hostname or port == 0:
        raise BadWebhook("a webhook's URL has a host, and neither a user nor a fragment")
    host = parts.hostname.rstrip(".")
    if _NAME.fullmatch(host) is None and ":" not in host:
        raise BadWebhook(f"no host: {host!r}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme == "https", host, port or _PORTS[parts.scheme], path


def is_public(address: str) -> bool:
    """Tell whether an address is reached over the internet: not this machine, its networks or its cloud."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found in _LOCAL_TRANSLATED or found.is_site_local:
            return False
    if any(found in network for network in _INNER if network.version == found.version):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)
