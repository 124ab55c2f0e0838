"""The real `manage.py demo`: it starts, keeps what it has, refuses a taken port and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.support.ports import HOST, free_port
from tests.support.processes import MANAGE, copy_tables, created_database, csrf, eventually

TOKEN = {"Authorization": "bearer sandbox-align-token"}


@dataclass
class Demo:
    """One run of the command in a data directory, on free ports."""

    data_dir: Path
    database_url: str = ""
    port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    audit_endpoint: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        unset = {"SECRET_KEY", "SEAL_KEYS", "ALLOWED_PRIVATE_HOSTS", "DEMO_PASSWORD", "SECURE", "DATABASE_URL"}
        unset.add("PYTHONUNBUFFERED")  # what is printed has to come at once into a pipe, too
        environment = {name: value for name, value in os.environ.items() if name not in unset} | {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            **({"DATABASE_URL": self.database_url} if self.database_url else {}),
            **({"AUDIT_ENDPOINT": self.audit_endpoint} if self.audit_endpoint else {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, MANAGE, "demo"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def banner(self) -> str:
        """What it prints until everything runs."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        return "".join(lines)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def processes(self) -> list[int]:
        """Every process, of whatever parent, whose environment names this data directory."""
        mark = f"DATA_DIR={self.data_dir}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _bytes(path)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@contextmanager
def running(demo: Demo) -> Iterator[str]:
    demo.start()
    try:
        yield demo.banner()
    finally:
        if demo.process.poll() is None:
            demo.end()


@pytest.fixture
def new(processes: None, tmp_path: Path) -> Iterator[Demo]:
    with created_database() as database_url:
        yield Demo(data_dir=tmp_path / "var", database_url=database_url)


@pytest.fixture
def demo(new: Demo) -> Demo:
    """With its tables made already, which is most of a first start."""
    copy_tables(new.data_dir, new.database_url)
    return new


def password_in(banner: str) -> str:
    found = re.search(r"password\s+(\S+)", banner)
    assert found, banner
    return found[1]


def sign_in(demo: Demo, email: str, password: str) -> requests.Session:
    session = requests.Session()
    address = f"http://{HOST}:{demo.port}/accounts/login/"
    session.get(address, timeout=10)
    form = {"login": email, "password": password, "csrfmiddlewaretoken": csrf(session)}
    answer = session.post(address, data=form, headers={"Referer": address}, timeout=10)
    assert answer.url == f"http://{HOST}:{demo.port}/", answer.url
    return session


def test_it_starts_from_nothing_and_a_second_start_finds_what_was_applied(new: Demo) -> None:
    """One installation, started twice, the second time as one to which Align hands out no log."""
    states = f"http://{HOST}:{new.sandbox_port}/rest/align/api/2/connectors/123/mappings/states"
    with running(new) as banner:
        assert f"http://{HOST}:{new.port}/" in banner
        assert requests.get(f"http://{HOST}:{new.port}/healthz", timeout=10).status_code == 200
        everybody_signs_in_and_secrets_are_private(new, banner)
        a_second_one_refuses(new)
        session = sign_in(new, "admin@demo.test", password_in(banner))
        connectors = session.get(f"http://{HOST}:{new.port}/api/v1/connectors/", timeout=10).json()
        assert [row["slug"] for row in connectors["results"]] == ["acme"]
        eventually(lambda: _mappings(session, new), within=60, what="the first observation")
        record = requests.get(states, params={"$top": 1}, headers=TOKEN, timeout=10).json()[0]
        changed = record | {"alignStateId": 5 - record["alignStateId"]}
        assert requests.put(f"{states}/{record['id']}", json=changed, headers=TOKEN, timeout=10).ok
        assert new.end(signal.SIGINT) == 0
        assert new.processes() == []
    new.audit_endpoint = "no"
    with running(new) as again:
        assert password_in(again) == password_in(banner)
        kept = requests.get(f"{states}/{record['id']}", headers=TOKEN, timeout=10).json()
        assert kept["alignStateId"] == changed["alignStateId"]
        it_shows_the_road_by_pasting(new, again)
        new.end(signal.SIGKILL)
        eventually(lambda: not new.processes(), within=20, what="the end of the last child")


def everybody_signs_in_and_secrets_are_private(demo: Demo, banner: str) -> None:
    people = re.findall(r"\S+@demo\.test", banner)
    assert len(people) == 6
    for email in people:
        sign_in(demo, email, password_in(banner))
    assert stat.S_IMODE((demo.data_dir / "demo.json").stat().st_mode) == 0o600


def a_second_one_refuses(demo: Demo) -> None:
    second = Demo(data_dir=demo.data_dir, database_url=demo.database_url)
    second.start()
    output, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == 1
    assert "already runs" in output


def it_shows_the_road_by_pasting(demo: Demo, banner: str) -> None:
    log = f"http://{HOST}:{demo.sandbox_port}/rest/align/api/2/connectors/123/auditlog"
    assert requests.get(log, headers=TOKEN, timeout=10).status_code == 404
    session = sign_in(demo, "admin@demo.test", password_in(banner))
    connectors = f"http://{HOST}:{demo.port}/api/v1/connectors/acme/"
    eventually(
        lambda: session.get(connectors, timeout=10).json()["audit_source"] == "none",
        within=90,
        what="the note that Align hands out no log",
    )
    shown = session.get(f"http://{HOST}:{demo.port}/history/intake/", timeout=10).text
    assert "paste" in shown.lower()
    documents = f"http://{HOST}:{demo.sandbox_port}/rest/align/api/docs/index.html"
    assert documents in session.get(f"http://{HOST}:{demo.port}/connectors/acme/", timeout=10).text
    page = requests.get(documents, timeout=10)
    assert page.status_code == 200
    assert "/connectors/{connector}/mappings/states" in page.text
    assert "/connectors/{connector}/projects" in page.text


def _mappings(session: requests.Session, demo: Demo) -> int:
    answer = session.get(f"http://{HOST}:{demo.port}/api/v1/mappings/?connector=acme", timeout=10)
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["count"]
    return count


@pytest.mark.once
def test_a_taken_port_is_one_clear_line(demo: Demo) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, demo.port))
        taken.listen()
        demo.start()
        output, _ = demo.process.communicate(timeout=60)
    assert demo.process.returncode == 1
    assert output.count("\n") == 1
    assert f"Port {demo.port} is taken" in output


@pytest.mark.once
def test_it_ends_when_a_child_dies(demo: Demo) -> None:
    """Of one of its three children; tests/connectors/local/test_children.py has the place of the dead one."""
    with running(demo):
        lines = {number: _bytes(Path(f"/proc/{number}/cmdline")) for number in demo.processes()}
        os.kill(min(number for number, line in lines.items() if b"worker" in line), signal.SIGKILL)
        output, _ = demo.process.communicate(timeout=60)
        assert "The worker ended with code -9" in output
        assert demo.process.returncode == 1
        assert demo.processes() == []


@pytest.mark.once
def test_another_answer_than_yes_or_no_is_one_clear_line(demo: Demo) -> None:
    demo.audit_endpoint = "maybe"
    demo.start()
    output, _ = demo.process.communicate(timeout=60)
    assert demo.process.returncode == 1
    assert "AUDIT_ENDPOINT is 'maybe'; it is yes or no." in output


@pytest.mark.once
def test_it_leaves_an_installation_for_real_alone(new: Demo) -> None:
    new.data_dir.mkdir()
    (new.data_dir / "settings.env").write_text("SECRET_KEY=of-an-installation\n")
    new.start()
    output, _ = new.process.communicate(timeout=60)
    assert new.process.returncode == 1
    assert "holds an installation of `make serve`" in output
    assert not (new.data_dir / "alignadmin.sqlite3").exists()
