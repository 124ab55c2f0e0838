"""Fixtures for every test: people, connectors that lead to a sandbox, real processes, a browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as profile
from pytest_django import Settings

from tests.support import migrated
from tests.support.sandbox_fixture import RunningSandbox, sandbox, sandbox_port

if TYPE_CHECKING:  # a test of the engine or a client loads no Django app and no browser
    from playwright.sync_api import Browser, Page

    from alignadmin.accounts.models import Person, Role
    from connectors.models import Connector
    from tests.support.browser import Complaints
    from tests.support.processes import Site
    from tests.support.snapshot import States

__all__ = ["sandbox", "sandbox_port"]

PEOPLE = 9001  # always the same, as rows of a snapshot name them
People: TypeAlias = "dict[Role, Person]"
SignIn: TypeAlias = "Callable[[Role], Client]"

# Hypothesis goes by the clock on the wall, which a busy machine stretches; tests/support/tiers.py counts processor.
profile.register_profile("by processor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
profile.load_profile("by processor")


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


def pytest_sessionfinish(session: pytest.Session) -> None:
    if connection.vendor == "postgresql" and not hasattr(session.config, "workerinput"):  # the last process of a run
        migrated.drop_template(os.environ["DATABASE_URL"])


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


# --- what a test is allowed (tests/support/tiers.py) ------------------------------------------------------------------


@pytest.fixture(scope="session")
def network() -> None:
    """Asked for by what opens an address on this machine, a server in a thread of the test's process for example."""


@pytest.fixture(scope="session")
def processes(network: None) -> None:
    """Asked for by what starts a process."""


@pytest.fixture(scope="session")
def sources() -> None:
    """Asked for by what reads all our files."""


# --- the database -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The one that is put there below is taken."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """A migrated database under the name that this process gives to its own."""
    name = str(connection.creation._get_test_db_name())  # type: ignore[attr-defined]  # not in the stubs
    if connection.vendor == "sqlite":
        migrated.put_file(Path(name))
        yield
        return
    server = os.environ["DATABASE_URL"]
    migrated.put_database(server, name)
    yield
    connection.close()
    migrated.drop_database(server, name)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Between two tests only tables with rows are emptied: Django's flush takes ten times as long for all of them."""
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = empty_the_tables  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]


def empty_the_tables(test: TransactionTestCase) -> None:
    from tests.support import tables

    tables.empty(set(connection.introspection.django_table_names()) - tables.FILLED_BY_MIGRATIONS)


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """A real hash takes a third of a second; the processes of the `site` hash passwords as an installation does."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(autouse=True)
def _static_files_as_asked_for(settings: Settings) -> None:
    """Each test client has middleware of its own, and WhiteNoise would read all static files for each of them."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The database begins anew with each test, and what stands in these folders belongs to one database."""
    base = tmp_path_factory.getbasetemp() / uuid4().hex  # made by whoever writes there first
    settings.CHECKPOINT_FOLDER, settings.ARCHIVE_FOLDER = base / "checkpoints", base / "archives"
    settings.PACK_FOLDER = base / "packs"


@pytest.fixture(autouse=True)
def _nothing_kept_of_another_database() -> None:
    """Rows of a next test may have the keys and times of this one's, as those that a snapshot puts back do."""
    if workflows := sys.modules.get("connectors.catalogue.workflows"):  # a test of the engine loads none
        workflows.forget()


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def people(db: None) -> People:
    from alignadmin.accounts.models import Role
    from tests.support import factories

    return {role: factories.person(role, pk=pk) for pk, role in enumerate(Role, start=PEOPLE)}


@pytest.fixture
def admin(people: People) -> Person:
    from alignadmin.accounts.models import Role

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
    from tests.support import factories as make

    return make.connector(sandbox.url, actor=admin)


@pytest.fixture(scope="session")
def states() -> States:
    """What the database has, by name, where many tests begin with the same: made by the first, put back for others."""
    from tests.support.snapshot import States

    return States()


@pytest.fixture
def connector(transactional_db: None, bare_connector: Connector, states: States) -> Connector:
    """Its catalogue and its lists read by the real jobs: once in this process, then as they left it."""
    from connectors.models import Connector
    from tests.support import factories as make

    if Connector.objects.count() > 1:  # a test with another one already has a world of its own
        return make.refreshed(bare_connector)
    states.put("read", lambda: make.refreshed(bare_connector))
    bare_connector.pk = Connector.objects.values_list("pk", flat=True).get()
    bare_connector.refresh_from_db()
    return bare_connector


# --- real processes and a browser -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def site(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One installation for all tests of a run, with people; a connector of your own: `browser_steps.own_connector`."""
    from tests.support.processes import running_site

    # A block of Align's length would have every test that meets one wait for a minute.
    with running_site(tmp_path_factory.mktemp("site"), BUDGET_BLOCK="15") as running:
        running.prepare()
        yield running


@pytest.fixture(scope="session")
def browser(processes: None) -> Iterator[Browser]:
    from tests.support.browser import running_browser

    with running_browser() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Iterator[None]:
    """A test that fails with a page open tells what that showed."""
    try:
        return (yield)
    except Exception as error:
        if "watched" in pyfuncitem.fixturenames:
            from tests.support.browser import shown

            error.add_note(shown(pyfuncitem.funcargs["watched"][0]))
        raise


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, Complaints]]:
    from tests.support.browser import watched_page

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
