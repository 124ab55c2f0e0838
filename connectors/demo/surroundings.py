"""What the demo runs with: ports, the data directory, and the secrets it keeps there."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alignadmin.own_settings import file_in
from connectors.local.machine import HOST, CannotStartHere, port_of, refuse_taken

ANSWERS = ("yes", "no")
EMPTY = {"": False, "0": False, "no": False, "1": True, "yes": True}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    port: int
    sandbox_port: int
    data_dir: Path
    audit_endpoint: str  # "no": a site that hands out no log, as real ones may be
    is_empty: bool  # no connector is prepared, so that the set-up can be tried
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


def folder_of(data_dir: Path, environ: Mapping[str, str]) -> Path:
    """Where this demo keeps its data. An empty one has a folder of its own, whatever another one left in `data_dir`."""
    is_empty = _is_empty(environ)
    if file_in(data_dir).exists():
        raise CannotStartHere(
            f"{data_dir} holds an installation of `make serve`; choose another DATA_DIR for the demo."
        )
    return data_dir / "empty" if is_empty else data_dir


def _is_empty(environ: Mapping[str, str]) -> bool:
    answer = environ.get("EMPTY", "")
    if answer not in EMPTY:
        raise CannotStartHere(f"EMPTY is {answer!r}; it is 1 or 0.")
    return EMPTY[answer]


def surroundings(data_dir: Path, environ: Mapping[str, str]) -> Surroundings:
    """Read the environment, refuse what cannot work, and make or find the secrets."""
    port, sandbox_port = port_of(environ, "PORT", 8000), port_of(environ, "SANDBOX_PORT", 8001)
    audit_endpoint = environ.get("AUDIT_ENDPOINT") or ANSWERS[0]
    if audit_endpoint not in ANSWERS:
        raise CannotStartHere(f"AUDIT_ENDPOINT is {audit_endpoint!r}; it is yes or no.")
    if port == sandbox_port:
        raise CannotStartHere(f"PORT and SANDBOX_PORT are both {port}; choose two.")
    for name, number in (("PORT", port), ("SANDBOX_PORT", sandbox_port)):
        refuse_taken(name, number, command="make demo")
    kept = _kept_secrets(data_dir / "demo.json")
    return Surroundings(
        port=port,
        sandbox_port=sandbox_port,
        data_dir=data_dir,
        audit_endpoint=audit_endpoint,
        is_empty=_is_empty(environ),
        password=environ.get("DEMO_PASSWORD") or kept["password"],
        secret_key=kept["secret_key"],
        seal_key=kept["seal_key"],
    )


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
