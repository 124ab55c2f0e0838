"""A slow and uneven network in front of a site: each request is held back on its way, and so is its answer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def far_away(site_url: str, *, jitter: float) -> Iterator[str]:
    """The address of a way to `site_url` that takes between 0 and `jitter` seconds in each direction."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.onward = HTTPConnection(urlsplit(site_url).netloc, timeout=60)

        def finish(self) -> None:
            self.onward.close()
            super().finish()

        def carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(random.uniform(0, jitter))
            self.onward.request(self.command, self.path, body, dict(self.headers))
            with self.onward.getresponse() as answer:
                content = answer.read()
            time.sleep(random.uniform(0, jitter))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = carry  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Silent: the site keeps the journal."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients end with requests under way."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
