"""Fixtures for every test: people, connectors that lead to a sandbox, real processes, a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest
from django.db import connection
from django.test import Client, TransactionTestCase

from tests.sandbox_fixture import RunningSandbox, sandbox

if TYPE_CHECKING:  # a test of the engine or a client loads no Django app and no browser
    from playwright.sync_api import Browser, Page

    from connectors.models import Connector, Person, Role
    from tests.browser import Complaints
    from tests.processes import Site

__all__ = ["sandbox"]

People: TypeAlias = "dict[Role, Person]"
SignIn: TypeAlias = "Callable[[Role], Client]"


# --- a complete run: nothing skipped, on the database that was asked for ----------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--complete",
        choices=("sqlite", "postgresql"),
        help="fail if a test is skipped, if no browser test passes, or if the database is another one",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    wanted = session.config.getoption("--complete")
    if wanted and connection.vendor != wanted:
        pytest.exit(f"This run is for {wanted}, but DATABASE_URL selects {connection.vendor}.", returncode=4)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[None]:
    yield
    if config.getoption("--complete") and (lack := what_is_lacking(terminalreporter)):
        terminalreporter.write_line(f"Not complete: {lack}", red=True)
        session = terminalreporter._session
        if session is not None:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def what_is_lacking(reporter: pytest.TerminalReporter) -> str:
    if skipped := reporter.stats.get("skipped"):
        return f"{len(skipped)} skipped"
    passed = reporter.stats.get("passed", [])
    return "" if any("browser" in report.keywords for report in passed) else "no browser test passed"


# --- the database -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The audit triggers refuse to empty their tables; between two tests that is what we want."""
    from connectors.audit import triggers

    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def teardown(test: TransactionTestCase) -> None:
        with triggers.lifted():
            flush(test)

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def people(db: None) -> People:
    from connectors.models import Role
    from tests import make

    return {role: make.person(role) for role in Role}


@pytest.fixture
def admin(people: People) -> Person:
    from connectors.models import Role

    return people[Role.ADMIN]


@pytest.fixture
def signed_in(people: People) -> SignIn:
    """`signed_in(Role.EDITOR)`: a client with that role's person signed in."""

    def client_of(role: Role) -> Client:
        client = Client()
        client.force_login(people[role])
        return client

    return client_of


# --- connectors -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bare_connector(sandbox: RunningSandbox, admin: Person) -> Connector:
    """Leads to the sandbox with good credentials; nothing has been read yet."""
    from tests import make

    return make.connector(sandbox.url, actor=admin)


@pytest.fixture
def connector(transactional_db: None, bare_connector: Connector) -> Connector:
    """Its catalogue refreshed and its mappings observed by the real jobs, in this process."""
    from tests import make

    return make.refreshed(bare_connector)


# --- real processes and a browser -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One installation for all tests of a run, with people; take a connector of your own: `site.prepare(slug, url)`."""
    from tests.processes import running_site

    with running_site(tmp_path_factory.mktemp("site")) as running:
        running.prepare()
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.browser import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, Complaints]]:
    from tests.browser import watched_page

    with watched_page(browser) as (page, complaints):
        yield page, complaints
        complaints.check()


@pytest.fixture
def page(watched: tuple[Page, Complaints]) -> Page:
    """A wide page in a fresh profile; any console error or policy violation fails the test."""
    return watched[0]


@pytest.fixture
def complaints(watched: tuple[Page, Complaints]) -> Complaints:
    return watched[1]
