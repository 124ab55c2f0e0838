"""Sockets: where they may lead, and how a request is ended at its deadline whatever the other side does."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from alignadmin.http.hosts import is_public


class Flight:
    """One request on its way: knows whether bytes may have left, and cuts its own socket at the deadline.

    Time-outs of the socket only limit the gap between two bytes; a site that sends one byte every
    few seconds, in the headers or in the body, is stopped only from outside.
    """

    def __init__(self, *, ends_at: float) -> None:
        self._ends_at = ends_at
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.may_have_left = False
        self.expired = False

    @contextmanager
    def under_way(self) -> Iterator[None]:
        timer = threading.Timer(self._ends_at - time.monotonic(), self._cut)
        timer.daemon = True
        timer.start()
        token = _flight.set(self)
        try:
            yield
        finally:
            _flight.reset(token)
            timer.cancel()
            self._socket = None

    def leaving(self, connected: socket.socket) -> None:
        """Called when a socket is about to carry bytes of this request. A late request is never let out."""
        with self._lock:
            if self.expired or time.monotonic() >= self._ends_at:
                self.expired = True
                raise TimeoutError("deadline passed before the request was sent")
            self._socket = connected
            self.may_have_left = True

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                _shut_down(self._socket)


def _shut_down(connected: socket.socket) -> None:
    """Wakes the reader. The base class's method, as SSLSocket's own drops its TLS state under the reader's feet."""
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


_flight: ContextVar[Flight] = ContextVar("flight")


class _WatchedConnection(HTTPConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _flight.get().leaving(self.sock)
        super().send(data)


class _WatchedTLSConnection(HTTPSConnection):
    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _flight.get().leaving(self.sock)
        super().send(data)


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLSConnection


class _PublicOnlyAdapter(IPFilterAdapter):
    """Resolves the name itself and connects to the address it has checked, so DNS cannot change in between.

    The library's filter looks at the first address of a name alone, and its list is shorter than ours.
    """

    def build_connection_pool_key_attributes(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(request.url)
        for found in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            _refuse_private(str(found[4][0]))
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, *args, **kwargs)
        # The filter has asked the name service once more; this is the address that is connected to.
        _refuse_private(host_params["host"].strip("[]"))
        return host_params, pool_kwargs


def _refuse_private(address: str) -> None:
    if not is_public(ipaddress.ip_address(address)):
        raise InvalidIPAddress(address)


def open_session(*, allow_private: bool, pool_size: int) -> requests.Session:
    """A session for many threads: no redirects, cookies or own retries, no proxy or .netrc of the environment."""
    config = Config(
        ip_filter_enable=False, ip_filter_allow_loopback_ips=False, never_redirect=True, default_timeout=(3, 15)
    )
    session: requests.Session = HTTPSession(config)
    session.trust_env = False
    # A session cookie would make two sign-ins out of one, and share it between threads.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme, is_tls in (("http://", False), ("https://", True)):
        adapter = HTTPAdapter() if allow_private else _PublicOnlyAdapter(is_https_proto=is_tls)
        session.mount(scheme, _with_watched_pools(adapter, pool_size))
    return session


def _with_watched_pools(adapter: HTTPAdapter, pool_size: int) -> HTTPAdapter:
    adapter.init_poolmanager(connections=4, maxsize=pool_size)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedTLSPool}
    return adapter
