"""The web process's worker: a request has to come in within a deadline, or its thread is freed."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# Seconds for head and body together; 11 MB take that long at 1.5 Mbit/s.
READ_DEADLINE = float(os.environ.get("READ_DEADLINE", "60"))


class PromptWorker(ThreadWorker):
    """gunicorn's own waits for the first byte only; each thread then reads for as long as the client likes."""

    def handle(self, conn: Any) -> Any:
        timer = threading.Timer(READ_DEADLINE, hang_up, [conn.sock])
        timer.daemon = True
        timer.start()
        try:
            return super().handle(conn)
        finally:
            timer.cancel()


def hang_up(connection: socket.socket) -> None:
    """Read no more from it: a request that is still coming in ends there, an answer still goes out."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
