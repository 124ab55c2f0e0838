"""The real `manage.py serve`: an installation on this machine as the README says, with keys and people of its own."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.environment import PASSWORD
from tests.support.ports import HOST, free_port
from tests.support.processes import MANAGE, created_database, csrf, eventually

# What an operator's shell does not have, who only follows the README.
UNSET = {"SECRET_KEY", "SEAL_KEYS", "ALLOWED_PRIVATE_HOSTS", "SECURE", "MFA_REQUIRED", "DATABASE_URL", "DATA_DIR"}
UNSET.add("PYTHONUNBUFFERED")  # what is printed has to come at once into a pipe, too


class Serving:
    def __init__(self, data_dir: Path, database_url: str) -> None:
        self.data_dir, self.port = data_dir, free_port()
        environment = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.environment = environment | {"DATA_DIR": str(data_dir), "PORT": str(self.port)}
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def keys(self) -> Path:
        return self.data_dir / "settings.env"

    def command(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **given,
        )

    @contextmanager
    def running(self) -> Iterator[str]:
        """What it prints until it serves."""
        process = subprocess.Popen(
            [sys.executable, MANAGE, "serve"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Ctrl-C"):
                    break
            yield "".join(lines)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.fixture
def serving(processes: None, tmp_path: Path) -> Iterator[Serving]:
    with created_database() as database_url:
        yield Serving(tmp_path / "installation", database_url)


def sign_in(serving: Serving, email: str) -> requests.Response:
    session = requests.Session()
    address = f"{serving.url}/accounts/login/"
    session.get(address, timeout=10)
    form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": csrf(session)}
    return session.post(address, data=form, headers={"Referer": address}, timeout=30)


def test_the_readme_s_way_leads_to_an_admin_who_signs_in(serving: Serving) -> None:
    with serving.running() as banner:
        assert "There is no admin yet." in banner
        assert "createadmin you@example.com" in banner
        assert stat.S_IMODE(serving.keys.stat().st_mode) == 0o600
        assert not (serving.data_dir / "sandbox.sqlite3").exists()
        assert sign_in(serving, "admin@demo.test").url.startswith(f"{serving.url}/accounts/login/"), "nobody is made up"
        without_a_terminal = serving.command("createadmin", "dana@example.test")
        assert without_a_terminal.returncode == 1
        assert without_a_terminal.stderr.strip() == (
            "CommandError: There is no terminal here to ask for the password. Give it on standard input, with "
            "--password-stdin."
        )
        eventually(lambda: requests.get(f"{serving.url}/readyz", timeout=10).status_code == 200, what="a worker")
        made = serving.command("createadmin", "dana@example.test", "--password-stdin", stdin=f"{PASSWORD}\n")
        assert made.returncode == 0, made.stderr
        answer = sign_in(serving, "dana@example.test")
        assert answer.url == f"{serving.url}/accounts/2fa/", "for real, an admin adds a second factor first"
        assert (serving.data_dir / "staticfiles" / "app.css").exists()
    keys = serving.keys.read_text()
    with serving.running() as again:
        assert "There is no admin yet." not in again
        assert serving.keys.read_text() == keys
        assert sign_in(serving, "dana@example.test").url == f"{serving.url}/accounts/2fa/"
    assert serving.command("verify_history").returncode == 0


@pytest.mark.once
def test_keys_that_others_may_read_start_nothing(serving: Serving) -> None:
    serving.data_dir.mkdir()
    serving.keys.write_text("SECRET_KEY=x\n")
    serving.keys.chmod(0o644)
    told = serving.command("worker")
    assert told.returncode == 1
    assert "holds keys and can be read by others. Let its owner alone read it: chmod 600" in told.stderr


@pytest.mark.once
def test_the_environment_comes_before_the_file(serving: Serving) -> None:
    serving.data_dir.mkdir()
    serving.keys.touch(0o600)
    serving.keys.write_text("# a comment\nBUDGET_SLOTS=700\nSECRET_KEY=long-enough-for-a-test-of-the-order\n")
    code = "from django.conf import settings; print(settings.BUDGET_SLOTS)"
    for own, wanted in ({}, "700"), ({"BUDGET_SLOTS": "300"}, "300"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=serving.environment | own | {"DJANGO_SETTINGS_MODULE": "alignadmin.settings"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == wanted


@pytest.mark.once
def test_what_cannot_be_is_one_line(serving: Serving) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, serving.port))
        taken.listen()
        told = serving.command("serve")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert f"Port {serving.port} is taken" in told.stderr
    (serving.data_dir / "demo.json").write_text("{}")
    told = serving.command("serve")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "holds the demo's data" in told.stderr
    assert not serving.keys.exists()
