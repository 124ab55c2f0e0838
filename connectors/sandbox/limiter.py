"""Align's rate limit: a strict sliding log per client address, then a block."""

import threading
import time
from collections import deque
from collections.abc import Callable

from .options import parse_rate


class Limiter:
    """Takes 600 requests in any 60 s; the next one starts a block in which every request is refused.

    Refused requests are not logged and do not lengthen the block.
    """

    def __init__(self, rate: str, block: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit, self.window = parse_rate(rate)
        self.block = block
        self._clock = clock
        self._lock = threading.Lock()
        self._log: dict[str, deque[float]] = {}
        self._blocked_until: dict[str, float] = {}

    def refuse(self, client: str) -> float | None:
        """None if the request may pass, else the seconds that are left of the block."""
        if self.limit == 0:
            return None
        with self._lock:
            now = self._clock()
            left = self._blocked_until.get(client, 0.0) - now
            if left > 0:
                return left
            log = self._log.setdefault(client, deque())
            while log and log[0] <= now - self.window:
                log.popleft()
            if len(log) < self.limit:
                log.append(now)
                return None
            self._blocked_until[client] = now + self.block
            return self.block
