"""The file of keys of an installation on one machine: made once, for its owner alone, and read by every command."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

NAME = "settings.env"
TEXT = """# Settings of this installation, read by every command that runs on this folder; the environment comes first.
# Whoever has these keys opens the stored secrets: keep a copy where no backup of the database is.
SECRET_KEY={secret_key}
SEAL_KEYS=first:{seal_key}
# Plain http, for this machine alone. Remove it when a proxy in front ends TLS.
SECURE=0
"""


def file_in(data_dir: Path) -> Path:
    return data_dir / NAME


def make_once(data_dir: Path) -> bool:
    """False when it was there."""
    made = TEXT.format(
        secret_key=secrets.token_urlsafe(50), seal_key=base64.b64encode(secrets.token_bytes(32)).decode()
    )
    try:
        handle = os.open(file_in(data_dir), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write(made)
    return True


def readable_by_others(data_dir: Path) -> bool:
    path = file_in(data_dir)
    return path.is_file() and bool(path.stat().st_mode & 0o077)
