"""Sends what Jira tells its webhooks: to loopback addresses, signed, again where it failed, each try in the journal.

How real deliveries go astray is the switch `webhooks`. At least once and in no promised order is all that is promised.
"""

import datetime as dt
import hashlib
import heapq
import hmac
import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from .messages import Json

TRIES = 5
RETRIED = {408, 409, 425, 429}
TIMEOUT = 5.0  # seconds
BODY_KEPT = 2000  # characters of a body in the journal, which has an entry for each of many tries
LATE, OVERTAKEN = 2.0, 0.5  # seconds
IN_ADDRESSES = "/?&=%:;,@+$!*'()-._~#[]"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """`identifier` stays the same over all tries. `secret` None: not signed."""

    webhook: int
    url: str
    body: bytes
    identifier: str
    secret: str | None
    retried: bool
    attempt: int = 0

    @property
    def headers(self) -> dict[str, str]:
        made = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": self.identifier,
            "X-Atlassian-Webhook-Flow": "Primary",
        }
        if self.attempt:
            made["X-Atlassian-Webhook-Retry"] = str(self.attempt)
        if self.secret is not None:
            digest = hmac.new(self.secret.encode(), self.body, hashlib.sha256).hexdigest()
            made["X-Hub-Signature"] = f"sha256={digest}"
        return made


def is_loopback(url: str) -> bool:
    """The sandbox sends nothing anywhere else."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port != 0
    except ValueError:
        return False


class Deliveries:
    """One thread that sends what is due; it begins with the first delivery. `journal` takes an entry for each try."""

    def __init__(self, journal: Callable[[Json], None]) -> None:
        self._journal = journal
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._count = itertools.count()
        self._added = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._cleared = 0  # how often
        self.way = "usual"  # the switch `webhooks`
        self.pause = 1.0  # seconds before the next try

    def add(self, deliveries: Iterable[Delivery]) -> None:
        for place, each in enumerate(deliveries):
            if self.way == "lost":
                continue
            sent = replace(each, secret=_other(each.secret)) if self.way == "other-secret" else each
            sent = replace(sent, secret=None) if self.way == "unsigned" else sent
            delay = LATE if self.way == "late" else 0.0
            if self.way == "reordered" and next(self._added) % 2 == 0:
                delay = OVERTAKEN
            for _ in range(2 if self.way == "doubled" else 1):
                self._put(sent, delay + place / 1000)

    def _put(self, delivery: Delivery, delay: float) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + delay, next(self._count), delivery))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            self._changed.notify()

    def clear(self) -> None:
        with self._changed:
            self._waiting.clear()
            self._added = itertools.count()
            self._cleared += 1

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not (self._waiting and self._waiting[0][0] <= time.monotonic()):
                    left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                    self._changed.wait(left)
                if self._closed:
                    return
                _, _, delivery = heapq.heappop(self._waiting)
                cleared = self._cleared
            entry = _send(delivery)
            if cleared != self._cleared:  # it was of the data before
                continue
            self._journal(entry)
            status: int | None = entry["status"]
            again = status is None or status in RETRIED or status >= 500
            if again and delivery.retried and delivery.attempt + 1 < TRIES:
                self._put(replace(delivery, attempt=delivery.attempt + 1), self.pause)


def _send(delivery: Delivery) -> Json:
    """The entry of the try, with the status of the answer; None where there was none."""
    parts = urlsplit(delivery.url)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=IN_ADDRESSES)
    entry: Json = {
        "method": "POST",
        "path": parts.path,
        "query": parts.query,
        "body": delivery.body.decode()[:BODY_KEPT],
        "length": len(delivery.body),
        "status": None,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "webhook": delivery.webhook,
        "identifier": delivery.identifier,
        "attempt": delivery.attempt,
    }
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
    try:
        connection.request("POST", path, body=delivery.body, headers=delivery.headers)
        entry["status"] = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError):  # an address that nobody can be asked at, too
        pass
    finally:
        connection.close()
    return entry


def _other(secret: str | None) -> str | None:
    """As if an administrator of Jira had changed it."""
    return None if secret is None else f"{secret}-changed"
