"""A real HTTP server that answers as a test says: for what no well-behaved site, and no sandbox, would do."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """`raw` takes over the wire after the request was read; whatever it writes is all that the client gets."""

    status: int = 200
    data: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: Callable[[BinaryIO], None] | None = None


Script = Callable[[Seen], Reply]


@dataclass
class ScriptedServer:
    address: str
    seen: list[Seen] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.seen]


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        # Headers and body leave in one piece; Nagle's algorithm would add 40 ms otherwise.
        disable_nagle_algorithm = True

        def answer(self) -> None:
            seen = _read(self)
            with lock:
                running.seen.append(seen)
            _write(self, script(seen))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that go away are what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    lock = threading.Lock()
    running = ScriptedServer(address=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def in_turn(*replies: Reply) -> Script:
    """One reply after the other; the last one for ever."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _read(handler: BaseHTTPRequestHandler) -> Seen:
    parts = urlsplit(handler.path)
    return Seen(
        method=handler.command,
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in handler.headers.items()},
        body=handler.rfile.read(int(handler.headers.get("Content-Length") or 0)),
    )


def _write(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    if reply.raw is not None:
        handler.close_connection = True
        reply.raw(handler.wfile)  # type: ignore[arg-type]
        return
    body = (json.dumps(reply.data) if reply.text is None else reply.text).encode()
    handler.send_response(reply.status)
    for name, value in {"Content-Type": "application/json", **reply.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
