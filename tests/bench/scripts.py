"""What an admin would run instead of AlignAdmin: plain scripts that send one request per mapping."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

TOKEN = {"Authorization": "bearer sandbox-align-token"}


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    url: str
    body: dict[str, Any] | None


@dataclass
class Outcome:
    seconds: float = 0.0
    refused: int = 0  # answers 429
    failed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, answer: requests.Response) -> None:
        with self._lock:
            self.refused += answer.status_code == 429
            self.failed += not answer.ok and answer.status_code != 429


def sequential(calls: Sequence[Call]) -> Outcome:
    """One after the other over one kept connection, stopping for nothing."""
    outcome, began = Outcome(), time.perf_counter()
    with requests.Session() as session:
        for call in calls:
            outcome.count(session.request(call.method, call.url, json=call.body, headers=TOKEN, timeout=60))
    outcome.seconds = time.perf_counter() - began
    return outcome


def concurrent(calls: Sequence[Call], *, threads: int, pause: float) -> Outcome:
    """A thread pool; each thread that is refused with 429 waits `pause` seconds and tries again."""
    outcome, local, began = Outcome(), threading.local(), time.perf_counter()

    def send(call: Call) -> None:
        session = local.__dict__.setdefault("session", requests.Session())
        while True:
            answer = session.request(call.method, call.url, json=call.body, headers=TOKEN, timeout=60)
            outcome.count(answer)
            if answer.status_code != 429:
                return
            time.sleep(pause)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(send, calls))
    outcome.seconds = time.perf_counter() - began
    return outcome
