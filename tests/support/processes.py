"""The product as its real processes: web, worker and a sandbox, spoken to over HTTP and by commands only."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import requests

from connectors.local.children import Children
from tests import ROOT
from tests.environment import PASSWORD
from tests.support import commands, migrated
from tests.support.ports import HOST, free_port
from tests.support.warm_process import WarmProcess

MANAGE = str(ROOT / "manage.py")
Value = TypeVar("Value")


def eventually(ask: Callable[[], Value | None], *, within: float = 30.0, what: str = "it") -> Value:
    """Ask until the answer is neither None nor False."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {within:.0f} s")


@dataclass
class Site:
    """One installation of its own: data directory, database, ports."""

    data_dir: Path
    database_url: str = ""
    port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    extra: Mapping[str, str] = field(default_factory=dict)
    children: Children = field(init=False)
    loaded: WarmProcess = field(init=False)  # for its commands

    def __post_init__(self) -> None:
        self.loaded = WarmProcess("tests.support.commands", self.environment)
        self.children = Children(environment=self.environment, log_dir=self.data_dir / "log")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {"DATA_DIR": str(self.data_dir), "DEMO_PASSWORD": PASSWORD, "SECURE": "0", "TICK": "2"}
        own["FRESH_SIGN_IN"] = "7200"  # one sign-in serves all tests of a run
        own["PUBLIC_ADDRESS"] = self.url
        base = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        database = {"DATABASE_URL": self.database_url} if self.database_url else {}
        return base | database | own | dict(self.extra)

    # --- starting ----------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.command("migrate", "--verbosity", "0")

    def copy_tables(self) -> None:
        copy_tables(self.data_dir, self.database_url)

    def start_web(self, *, threads: int = 4, processes: int = 1) -> None:
        bind = f"{HOST}:{self.port}"
        limits = str(ROOT / "alignadmin" / "gunicorn.py")
        web = ["gunicorn", "--bind", bind, "--config", limits, "--threads", str(threads)]
        web += ["--workers", str(processes)]
        self.children.start("web", ["-m", *web, "--chdir", str(ROOT), "alignadmin.wsgi"])
        self.children.wait_for(f"{self.url}/healthz")

    def start_worker(self) -> None:
        self.children.start("worker", [MANAGE, "worker"])

    def start_sandbox(self, *options: str) -> None:
        state = str(self.data_dir / "sandbox.sqlite3")
        self.children.start(
            "sandbox", [MANAGE, "sandbox", "--port", str(self.sandbox_port), "--state", state, *options]
        )
        self.children.wait_for(f"{self.sandbox_url}/_sandbox/journal")

    def prepare(self) -> None:
        """People of each role, and a connector "acme" to this installation's sandbox, whose refresh has been started.

        Never to another sandbox: the worker looks at it every 15 minutes, and a later test would find those requests.
        """
        self.command("demo", "--prepare", "--slug", "acme", "--sandbox", self.sandbox_url)

    def stop(self) -> None:
        self.children.stop()
        self.loaded.end()

    # --- speaking to it ----------------------------------------------------------------------------------------

    def command(self, *arguments: str, expect: int = 0, stdin: str = "") -> str:
        """Run a management command; its output. The exit code is part of what is expected."""
        done = commands.run(self.loaded, *arguments, stdin=stdin)
        assert done.code == expect, f"exit code {done.code}: {done.output}{done.errors}"
        return done.output

    def sql(self, *statements: str) -> None:
        """Past the product, as somebody with the database's password can."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode())
            return
        with closing(sqlite3.connect(self.data_dir / "alignadmin.sqlite3", timeout=20)) as file, file:
            for statement in statements:
                file.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.data_dir / "alignadmin.sqlite3", timeout=20)) as file:
            return file.execute(query).fetchall()

    def signed_in(self, email: str = "admin@demo.test") -> requests.Session:
        """A browser's session by way of the sign-in form; its `post` needs `csrf(session)` in its data."""
        session = requests.Session()
        address = f"{self.url}/accounts/login/"
        session.get(address, timeout=10)
        form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": csrf(session)}
        answer = session.post(address, data=form, headers={"Referer": address}, timeout=10)
        assert "/accounts/login/" not in answer.url, answer.text
        return session


def copy_tables(data_dir: Path, database_url: str) -> None:
    """Instead of what stands in that database, a copy of what `migrate` makes of an empty one."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if database_url:
        migrated.put_database(os.environ["DATABASE_URL"], database_url.rsplit("/", 1)[1])
    else:
        migrated.put_file(data_dir / "alignadmin.sqlite3")


def csrf(session: requests.Session) -> str:
    return str(session.cookies["csrf"])


@contextmanager
def migrated_site(data_dir: Path, **settings: str) -> Iterator[Site]:
    """A migrated, empty installation; its processes are the test's to start."""
    with created_database() as database_url:
        site = Site(data_dir=data_dir, database_url=database_url, extra=settings)
        try:
            site.copy_tables()
            yield site
        finally:
            site.stop()


@contextmanager
def running_site(data_dir: Path, *sandbox: str, **settings: str) -> Iterator[Site]:
    """The same with a web, a worker and a sandbox process, which gets these options."""
    with migrated_site(data_dir, **settings) as site:
        site.start_sandbox(*sandbox)
        site.start_web()
        site.start_worker()
        yield site


@contextmanager
def created_database() -> Iterator[str]:
    """The address of a new PostgreSQL database, or nothing where the tests run on SQLite."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield ""
        return
    name = f"site_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield migrated.address_of(server, name)
    finally:
        migrated.drop_database(server, name)
