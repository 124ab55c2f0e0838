"""A mail server that speaks enough SMTP for Django's backend, and refuses what a test tells it to."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any


@dataclass
class MailServer:
    port: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # address -> the code it is refused with
    taken: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def subjects(self) -> list[str]:
        return [str(each["Subject"]) for each in self.taken]

    @property
    def ids(self) -> list[str]:
        return [str(each["Message-ID"]) for each in self.taken]

    def use(self, settings: Any) -> None:
        settings.EMAIL_URL = self.url
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", self.port


@contextmanager
def mail_server() -> Iterator[MailServer]:
    found = MailServer()
    lock = threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 mail.example.test")
            for raw in iter(self.rfile.readline, b""):
                line = raw.decode().strip()
                word = line[:4].upper()
                if word == "RCPT" and (code := found.refused.get(_address(line))):
                    self.say(f"{code} not here")
                elif word == "DATA":
                    self.say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    with lock:
                        found.taken.append(message_from_bytes(text))
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that is killed in the middle is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(5)


def _address(line: str) -> str:
    found = re.search(r"<(.*)>", line)
    return found.group(1) if found else ""
