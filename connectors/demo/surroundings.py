"""What the demo runs with: ports, the data directory, and the secrets it keeps there."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alignadmin.parsing import whole

HOST = "127.0.0.1"


class CannotStart(Exception):
    """The demo cannot run here; the message is one line that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    port: int
    sandbox_port: int
    data_dir: Path
    password: str
    secret_key: str
    seal_key: str

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox_address(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"

    def environment(self) -> dict[str, str]:
        """For the children: plain http and a site on this machine are allowed to the demo alone."""
        return os.environ | {
            "ALLOWED_PRIVATE_HOSTS": f"{HOST}:{self.sandbox_port}",
            "DATA_DIR": str(self.data_dir),
            "DEBUG": "0",
            "DEMO_PASSWORD": self.password,
            "EMAIL_URL": f"filemail:///{self.data_dir / 'mail'}",
            "MFA_REQUIRED": "0",
            "PUBLIC_ADDRESS": self.address,
            "PYTHONUNBUFFERED": "1",
            "SANDBOX_PORT": str(self.sandbox_port),
            "SEAL_KEYS": f"demo:{self.seal_key}",
            "SECRET_KEY": self.secret_key,
            "SECURE": "0",
        }


def surroundings(data_dir: Path, environ: Mapping[str, str]) -> Surroundings:
    """Read the environment, refuse what cannot work, and make or find the secrets."""
    port, sandbox_port = _port(environ, "PORT", 8000), _port(environ, "SANDBOX_PORT", 8001)
    if port == sandbox_port:
        raise CannotStart(f"PORT and SANDBOX_PORT are both {port}; choose two.")
    for name, number in (("PORT", port), ("SANDBOX_PORT", sandbox_port)):
        refuse_taken(name, number)
    kept = _kept_secrets(data_dir / "demo.json")
    return Surroundings(
        port=port,
        sandbox_port=sandbox_port,
        data_dir=data_dir,
        password=environ.get("DEMO_PASSWORD") or kept["password"],
        secret_key=kept["secret_key"],
        seal_key=kept["seal_key"],
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (port := whole(text, most=65535)):
        raise CannotStart(f"{name} is {text!r}; it must be a port number.")
    return port


def refuse_taken(name: str, port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} is taken; stop what listens there, or choose another: {name}={port + 10} make demo"
            ) from error


def _kept_secrets(path: Path) -> dict[str, str]:
    """Made once and kept, so that the next start opens what this one sealed and signed."""
    if not path.exists():
        made = {
            "secret_key": secrets.token_urlsafe(50),
            "seal_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "password": "-".join(secrets.token_hex(3) for _ in range(3)),
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """One demo per data directory: two workers with one sandbox file each would overwrite each other."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(f"A demo already runs on {data_dir}; stop it, or choose another DATA_DIR.") from error
        yield
