"""The socket: HTTP/1.1 with keep-alive, one thread per connection, one write per answer."""

import contextlib
import re
import signal
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .messages import Response, SandboxRequest
from .options import Options
from .site import SandboxSite

LARGEST_BODY = 1_000_000
HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,8}")


class SandboxServer(ThreadingHTTPServer):
    """Knows its open connections, so that closing it really ends them."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, options: Options) -> None:
        self.site = SandboxSite(options)
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        try:
            super().__init__((options.host, options.port), _Handler)
        except OSError:
            self.site.close()
            raise

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def close(self) -> None:
        """Ends the accept loop (which must run in another thread), every connection and the state file."""
        self.shutdown()
        self.server_close()
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.site.close()


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "AlignSandbox"
    sys_version = ""
    # Head and body leave in one write and without Nagle's wait; both cost up to 40 ms an answer otherwise.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        request = SandboxRequest(
            method=self.command,
            path=path,
            raw_query=query,
            body=body,
            content_type=self.headers.get("Content-Type", ""),
            authorization=self.headers.get("Authorization", ""),
            cookie=self.headers.get("Cookie", ""),
            accept_encoding=self.headers.get("Accept-Encoding", ""),
            client=self.client_address[0],
            base=f"http://{self.headers.get('Host', 'localhost')}",
        )
        response = self.server.site.respond(request)
        if response is None:
            self.close_connection = True
            return
        self._send(response)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length") or "0"
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None and coding.strip().lower() == "chunked":
            return self._chunks()
        if coding is not None or not length.isdigit():
            self._unreadable(411)
            return None
        if int(length) > LARGEST_BODY:
            self._unreadable(413)
            return None
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes | None:
        """A body in pieces: each begins with its length in hexadecimal, the last one is empty."""
        body = b""
        while True:
            length = self.rfile.readline(100).partition(b";")[0].strip()
            if HEXADECIMAL.fullmatch(length) is None:  # also: the client went away
                self._unreadable(400)
                return None
            size = int(length, 16)
            if len(body) + size > LARGEST_BODY:
                self._unreadable(413)
                return None
            if size == 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline(10)
        while self.rfile.readline(1000).strip():  # headers that come after the body are of no use here
            continue
        return body

    def _unreadable(self, status: int) -> None:
        self.close_connection = True
        self._send(Response(status=status, headers={"Connection": "close"}))

    def _send(self, response: Response) -> None:
        self.send_response(response.status, _phrase(response.status))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.body:
            self.send_header("Content-Type", response.content_type)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Silent: the journal holds the requests."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def serve(options: Options, started: Callable[[str], None] = print) -> None:
    """Runs until SIGINT or SIGTERM. OSError: the port is taken. StateError: the state file is unusable."""
    server = SandboxServer(options)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, name="sandbox", daemon=True).start()
    started(f"Sandbox for Align and Jira at {server.url}")
    stop.wait()
    server.close()
