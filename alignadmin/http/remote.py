"""The one place where a request leaves: deadline, budget, retry, address guard and redaction in one `request()`."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from alignadmin.http.address import check_address, origin_of
from alignadmin.http.auth import Auth
from alignadmin.http.budget import Budget, Ticket
from alignadmin.http.connection import Flight, open_session
from alignadmin.http.errors import NotJson, OutcomeUnknown, ReadOnlyRefused, RemoteError, ServerFailed
from alignadmin.http.failures import TRANSPORT_FAILURES, TooLarge, describe
from alignadmin.http.responses import Answer, Received, Wording, understand
from alignadmin.http.retry import Attempts, Retry

logger = logging.getLogger(__name__)

Query = Sequence[tuple[str, str]]
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_CHUNK = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Site:
    """A remote site and the limits of a request to it; times in seconds. Raises AddressRefused.

    `allow_private` also allows plain http; it comes from the operator's settings, never from a form.
    `reading_posts`: paths at which a POST only asks, as a search does whose question is too long for an address.
    """

    address: str
    allow_private: bool = False
    connect_timeout: float = 3.0
    read_timeout: float = 15.0
    deadline: float = 20.0
    most_bytes: int = 5_000_000
    pool_size: int = 32
    wording: Wording = field(default_factory=Wording)
    reading_posts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_address(self.address, allow_private=self.allow_private)

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or ""

    @property
    def origin(self) -> str:
        return origin_of(self.address)

    def url(self, path: str) -> str:
        return f"{self.address.rstrip('/')}/{path.lstrip('/')}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, as often as it is sent."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = field(default=None, repr=False)
    asks: bool = False  # a POST that only reads

    @property
    def is_read(self) -> bool:
        return self.asks or self.method in _READS


class Remote:
    """A signed-in way to one site; may be shared by threads. Refuses to write unless `read_only=False`."""

    def __init__(
        self,
        site: Site,
        *,
        budget: Budget,
        auth: Auth | None = None,
        retry: Retry | None = None,
        read_only: bool = True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.site = site
        self.read_only = read_only
        self._budget = budget
        self._auth = auth
        self._retry = retry or Retry()
        self._pause = pause
        self._session = open_session(allow_private=site.allow_private, pool_size=site.pool_size)
        self._counting = threading.Lock()
        self.sent = 0  # requests, each repetition counted

    def __repr__(self) -> str:
        return f"Remote({self.site.origin}, read_only={self.read_only})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def request(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> Answer:
        """Sends until there is an answer or an error that stands. `path` is below the site; `body` becomes JSON."""
        asks = method.upper() == "POST" and path in self.site.reading_posts
        call = Call(method=method.upper(), path=path, query=tuple(query or ()), body=body, asks=asks)
        if self.read_only and not call.is_read:
            raise ReadOnlyRefused(f"This connection only reads; {call.method} was not sent.")
        attempts = Attempts(self._retry, is_read=call.is_read)
        while True:
            try:
                return self._attempt(call, patience=attempts.patience_left())
            except RemoteError as error:
                wait = attempts.pause_after(error)
                if wait is None:
                    raise
            self._pause(wait)

    def _attempt(self, call: Call, *, patience: float) -> Answer:
        ticket = self._budget.take(deadline=self.site.deadline, patience=patience)
        with self._counting:
            self.sent += 1
        try:
            received = self._exchange(call, ticket)
        except RemoteError:
            self._budget.lost(ticket)
            raise
        if received.asks_to_wait:
            self._budget.blocked(ticket, self._retry.block(received.retry_after))
        else:
            self._budget.answered(ticket)
        return self._understood(call, received)

    def _exchange(self, call: Call, ticket: Ticket) -> Received:
        flight = Flight(ends_at=ticket.started + self.site.deadline)
        began = time.monotonic()
        try:
            with flight.under_way():
                received = self._send(call)
        except (*TRANSPORT_FAILURES, TooLarge) as failure:
            logger.debug("%s %s: %s", call.method, call.path, type(failure).__name__)
            error = describe(failure, host=self.site.host, expired=flight.expired)
        else:
            took = time.monotonic() - began
            logger.debug("%s %s: %d in %.3f s", call.method, call.path, received.status, took)
            if not flight.expired:
                return received
            error = describe(TimeoutError(), host=self.site.host, expired=True)
        # Raised here, outside of the except block, so that nothing of the failure hangs on as context.
        raise error if call.is_read or not flight.may_have_left else _unknown(error)

    def _send(self, call: Call) -> Received:
        response = self._session.request(
            call.method,
            self.site.url(call.path),
            params=list(call.query),
            json=call.body,
            auth=self._auth,
            headers={"Accept": "application/json", "User-Agent": "AlignAdmin"},
            timeout=(self.site.connect_timeout, self.site.read_timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = _read(response, self.site.most_bytes)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Received(status=response.status_code, headers=headers, body=body)

    def _understood(self, call: Call, received: Received) -> Answer:
        try:
            return understand(self._redacted(received), wording=self.site.wording, is_read=call.is_read)
        except RemoteError as error:
            if not call.is_read and (isinstance(error, ServerFailed) or _came_as_success(error)):
                raise _unknown(error) from error
            raise

    def _redacted(self, received: Received) -> Received:
        """Sites echo tokens in their errors; struck out before anything is cut short, or half of one would stay."""
        if self._auth is None or received.is_success:
            return received
        return replace(received, body=self._auth.redact(received.text).encode())


def _read(response: requests.Response, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        size += len(part)
        if size > most_bytes:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def _came_as_success(error: RemoteError) -> bool:
    return isinstance(error, NotJson) and error.status is not None and 200 <= error.status < 300


def _unknown(cause: RemoteError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{cause.sentence} Whether the change took effect is not known; read it again before sending it again.",
        status=cause.status,
        detail=cause.detail,
    )
