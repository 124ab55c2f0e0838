"""What a start on this machine needs: free ports, a data directory of its own, and then web and worker."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings

from alignadmin.parsing import whole
from connectors.local.children import Children

HOST = "127.0.0.1"
MANAGE = str(settings.BASE_DIR / "manage.py")
GUNICORN = str(settings.BASE_DIR / "alignadmin" / "gunicorn.py")


class CannotStartHere(Exception):
    """It cannot run here; the message is one line that says why and what to do."""


def port_of(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (port := whole(text, most=65535)):
        raise CannotStartHere(f"{name} is {text!r}; it must be a port number.")
    return port


def refuse_taken(name: str, port: int, *, command: str) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStartHere(
                f"Port {port} is taken; stop what listens there, or choose another: {name}={port + 10} {command}"
            ) from error


@contextmanager
def alone(data_dir: Path, lock_name: str, *, what: str) -> Iterator[None]:
    """One of a kind per data directory: two with the same files would overwrite each other's."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / lock_name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStartHere(f"{what} already runs on {data_dir}; stop it, or choose another DATA_DIR.") from error
        yield


def step(environment: Mapping[str, str], *arguments: str) -> None:
    """A command that has to end well before anything is started."""
    done = subprocess.run(  # noqa: S603  # our own commands
        [sys.executable, MANAGE, *arguments], env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = (done.stderr or done.stdout).strip()
        # One line is a reason in words, which says what to do; anything longer needs the command it comes from.
        sentence = why if why and "\n" not in why else f"`manage.py {' '.join(arguments)}` failed:\n{why}"
        raise CannotStartHere(sentence)


def start_product(children: Children, port: int) -> None:
    web = ["gunicorn", "--bind", f"{HOST}:{port}", "--config", GUNICORN]
    children.start("web", ["-m", *web, "--chdir", str(settings.BASE_DIR), "alignadmin.wsgi"])
    children.start("worker", [MANAGE, "worker"])
