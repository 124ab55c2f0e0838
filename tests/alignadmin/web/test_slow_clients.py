"""Clients that send a byte now and then, against the real web process: they lose their thread after the deadline."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from tests import ROOT

DEADLINE, THREADS = 1.0, 4
HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture
def port(processes: None) -> Iterator[int]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "alignadmin/gunicorn.py", "--bind", f"127.0.0.1:{found}"]
    environ = {**os.environ, "READ_DEADLINE": str(DEADLINE)}
    process = subprocess.Popen(
        [*command, "--threads", str(THREADS), "--log-level", "error", "tests.support.plain_app"], cwd=ROOT, env=environ
    )
    try:
        for _ in range(200):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", found)) == 0:
                    break
            time.sleep(0.05)
        yield found
    finally:
        process.kill()  # the master; its worker sees that and ends
        process.wait(20)


@pytest.mark.parametrize("begin", [HEAD, BODY], ids=["head", "body"])
def test_as_many_slow_clients_as_threads_block_the_site_no_longer_than_the_deadline(port: int, begin: bytes) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(THREADS)]
    for each in slow:
        each.sendall(begin)
    began = time.monotonic()
    while time.monotonic() - began < DEADLINE / 2:  # each byte would start a mere time-out anew
        time.sleep(0.1)
        for each in slow:
            each.sendall(b"X")
    answer = requests.get(f"http://127.0.0.1:{port}/", timeout=20)
    assert answer.text == "0"
    for each in slow:
        with closing(each):
            assert time.monotonic() - began > DEADLINE / 2
            each.settimeout(10)
            _to_the_end(each)


def _to_the_end(connection: socket.socket) -> None:
    """The server has closed it, with an answer or without."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass


def test_a_request_that_comes_in_time_is_answered_whole(port: int) -> None:
    assert requests.post(f"http://127.0.0.1:{port}/", data=b"x" * 2_000_000, timeout=20).text == "2000000"
    with requests.Session() as kept:
        assert [kept.get(f"http://127.0.0.1:{port}/", timeout=20).text for _ in range(3)] == ["0"] * 3
