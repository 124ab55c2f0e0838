"""Transport failures in words.

The original exception is told, not chained: requests keeps the request in it, and the frames of its
traceback hold the headers, so a chained one would carry the token into error reports.
"""

import socket
from collections.abc import Iterator

import requests
import urllib3
from requests_hardened.ip_filter import InvalidIPAddress

from alignadmin.http.errors import AddressRefused, NotJson, RemoteError, Unreachable

TRANSPORT_FAILURES = (OSError, urllib3.exceptions.HTTPError, UnicodeError)


class TooLarge(Exception):
    pass


def describe(failure: Exception, *, host: str, expired: bool) -> RemoteError:
    """The error of the tree for what requests, urllib3 or the socket raised."""
    if isinstance(failure, TooLarge):
        return NotJson(f"{host} answered with more data than any answer should have. Is it the right address?")
    late = Unreachable(f"{host} did not answer in time. Try again; if it stays so, check the network.")
    if expired:
        return late
    chain = list(_chain(failure))
    if _any(chain, InvalidIPAddress):
        return AddressRefused(
            f"{host} leads to a private or local network address, which is not allowed. "
            "If the site really is inside your network, the operator has to allow it in the settings."
        )
    if _any(chain, requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        return Unreachable(
            f"The certificate of {host} is not trusted, or it does not speak TLS. Check the address.", permanent=True
        )
    if _any(chain, socket.gaierror, urllib3.exceptions.NameResolutionError, UnicodeError):
        return Unreachable(f"There is no host with the name {host}, or the name service is down. Check the address.")
    if _any(
        chain, requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, urllib3.exceptions.LocationParseError
    ):
        return Unreachable("The request could not be built. Check the address and the token.", permanent=True)
    if _any(chain, ConnectionRefusedError):
        return Unreachable(f"{host} refuses connections. Check the address and its port, and whether the site is up.")
    # urllib3 counts every failed connection as a time-out, so only these three really are.
    if _any(chain, requests.Timeout, TimeoutError, urllib3.exceptions.ReadTimeoutError):
        return late
    return Unreachable(f"The connection to {host} failed or was cut off. Try again; if it stays so, check the network.")


def _any(chain: list[object], *kinds: type) -> bool:
    return any(isinstance(link, kinds) for link in chain)


def _chain(failure: BaseException) -> Iterator[object]:
    """The exception and all it wraps: urllib3 also puts causes into `args` and `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [failure]
    while waiting:
        link = waiting.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
