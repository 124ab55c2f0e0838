"""When a request is sent again, and how long to wait before."""

import random
import time
from dataclasses import dataclass

from alignadmin.http.errors import RateLimited, RemoteError, ServerFailed, Unreachable


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Numbers of the policy; times in seconds. As they come they are Jira Align's.

    A block is how long a site is left alone that asked for it: as long as it said, at least `least_block`; where it
    said nothing, `usual_block`.
    """

    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0
    patience: float = 900.0
    usual_block: float = 60.0
    least_block: float = 60.0
    longest_block: float = 900.0
    block_jitter: float = 5.0

    def pause(self, failures: int) -> float:
        """Full jitter: anything between nothing and the doubled ceiling, so that clients do not come back in step."""
        ceiling = min(self.longest_pause, self.first_pause * 2.0 ** (failures - 1))
        return random.uniform(0, ceiling)  # noqa: S311

    def block(self, retry_after: float | None) -> float:
        asked = self.usual_block if retry_after is None else max(retry_after, self.least_block)
        asked = min(asked, self.longest_block)
        return asked + random.uniform(0, self.block_jitter)  # noqa: S311


class Attempts:
    """The attempts of one request."""

    def __init__(self, retry: Retry, *, is_read: bool) -> None:
        self._retry = retry
        self._is_read = is_read
        self._failures = 0
        self._began = time.monotonic()

    def patience_left(self) -> float:
        return max(0.0, self._began + self._retry.patience - time.monotonic())

    def pause_after(self, error: RemoteError) -> float | None:
        """Seconds to wait before sending again, or None when the error stands."""
        if isinstance(error, RateLimited):
            # The site did not execute it, and the budget does the waiting: even a write goes again.
            return 0.0 if self.patience_left() > 0 else None
        may_repeat = self._is_read and isinstance(error, ServerFailed | Unreachable) and not error.permanent
        self._failures += 1
        if not may_repeat or self._failures >= self._retry.tries:
            return None
        return self._retry.pause(self._failures)
