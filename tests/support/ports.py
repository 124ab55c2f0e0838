"""Ports for servers of tests, below those that the system gives to whoever asks for any.

One of the system's is free only until it gives it to somebody else: another test's server could get it before ours
starts, or between two of ours, and keep it for long.
"""

from __future__ import annotations

import random
import socket
from contextlib import closing

HOST = "127.0.0.1"
FIRST, LAST = 20_000, 32_000  # Linux gives those from 32,768 on


def free_port() -> int:
    """One by chance, so that processes of a run seldom think of the same one."""
    for port in random.sample(range(FIRST, LAST), 100):
        with closing(socket.socket()) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"None of 100 ports from {FIRST} to {LAST} is free.")
