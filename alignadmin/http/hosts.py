"""Which hosts are on the public internet, as far as their spelling tells, and which network addresses are."""

import ipaddress
import re
import unicodedata

from alignadmin.http.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What Python's own lists leave out: addresses that carry another one inside, or that no site on the internet has.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocols
        "192.88.99.0/24",  # 6to4 relays
        "::/8",  # IPv4 inside IPv6, mapped or compatible
        "64:ff9b::/96",  # NAT64, public prefix
        "64:ff9b:1::/48",  # NAT64, local prefix
        "2001::/23",  # Teredo, ORCHID and others
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
)
LONGEST_HOST = 253  # letters
_LOCAL_NAMES = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|home\.arpa)|ip6-(?:localhost|loopback)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
# UTS 46 reads these as dots too.
_DOTS = re.compile("[\u3002\uff0e\uff61]")


def is_public(address: Address) -> bool:
    """Whether a site on the internet can have this address. What is not known to be public is not."""
    special = address.is_multicast or address.is_reserved or address.is_link_local or address.is_unspecified
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not special and not site_local and not any(address in network for network in _NEVER)


def check_spelling(host: str) -> None:
    """Refuses what looks like one host and may be read as another. `host` as urlsplit gives it, without brackets."""
    if ":" in host:
        _check_literal(host)
        return
    plain = _plain(host)
    if not host.isprintable() or "%" in plain or plain.endswith(".") or ".." in plain or plain.startswith("."):
        raise AddressRefused("The host in the address is not written as hosts are. Enter it like acme.jiraalign.com.")
    if _is_too_long(plain):
        raise AddressRefused("The host in the address is longer than the name of a host can be. Paste it again.")
    # Browsers and libraries read such a host as a number, each in its own way: octal, hexadecimal, shortened.
    if _NUMBER.fullmatch(plain.rsplit(".", 1)[-1]) and not _is_plain_ipv4(host):
        raise AddressRefused("The host in the address is a number in an unusual form. Enter the name of the site.")


def _is_too_long(host: str) -> bool:
    """More than 253 letters, or 63 between two dots, as the name service counts them: it is not even asked."""
    try:
        return len(host.encode("idna")) > LONGEST_HOST
    except UnicodeError:
        return True


def _plain(host: str) -> str:
    """As the name service will be asked: full-width and circled letters are the plain ones."""
    return _DOTS.sub(".", unicodedata.normalize("NFKC", host)).lower()


def _check_literal(host: str) -> None:
    try:
        scoped = ipaddress.IPv6Address(host).scope_id
    except ValueError:
        scoped = host
    if scoped is not None:
        raise AddressRefused("The network address in brackets cannot be used. Enter the name of the site.")


def _is_plain_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def check_public(host: str) -> None:
    """Refuses hosts that are known to be private without asking the name service; it may still lead to one."""
    try:
        public = is_public(ipaddress.ip_address(host))
    except ValueError:
        public = _LOCAL_NAMES.fullmatch(_plain(host)) is None
    if not public:
        raise AddressRefused(
            f"{host} is a private or local network address, which is not allowed. "
            "If the site really is inside your network, the operator has to allow it in the settings."
        )
