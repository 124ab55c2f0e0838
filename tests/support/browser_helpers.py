"""What browser tests do on the product's pages, in a person's words: set a cell, plan, approve, apply.

Each connector made here leads to a sandbox of its own, so that tests share one installation and nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import WIDE, Complaints, watched_page
from tests.support.processes import Site, csrf, eventually
from tests.support.sandbox_fixture import ADMIN as SANDBOX_USER
from tests.support.sandbox_fixture import ALIGN_TOKEN, JIRA_TOKEN, RunningSandbox

ADMIN = "admin@demo.test"
SECOND_ADMIN = "second.admin@demo.test"
EDITOR = "editor@demo.test"
REVIEWER = "reviewer@demo.test"
VIEWER = "viewer@demo.test"
REASON = "QA got a column of its own"
APPLY_TIMEOUT = 60_000

SIGN_IN_AGAIN = 600  # seconds unused: the product ends a session that was idle for 30 minutes, as long as a whole run

# Without what the clock looks for every few minutes, as a connector's page leaves it out.
WORK_UNDER_WAY = (
    "connectors_job j JOIN connectors_connector c ON c.id = j.connector_id"
    " WHERE j.state IN ('queued', 'running') AND j.kind <> 'intake'"
    " AND NOT (j.kind = 'lists' AND j.requested_by_id IS NULL)"
)
MAPPINGS = (
    "mappings_mapping m JOIN mappings_scope s ON s.id = m.scope_id"
    " JOIN connectors_connector c ON c.id = s.connector_id WHERE 1 = 1"
)

_sessions: dict[tuple[str, str], tuple[float, requests.Session]] = {}


# --- people ----------------------------------------------------------------------------------------------------------


def session_of(site: Site, email: str) -> requests.Session:
    """A person's sign-in, made once per installation and while it is in use: hashing takes longer than a page."""
    key, now = (site.url, email), time.monotonic()
    used, session = _sessions.get(key, (now - SIGN_IN_AGAIN, None))
    if session is None or now - used >= SIGN_IN_AGAIN:
        session = site.signed_in(email)
    _sessions[key] = now, session
    return session


def enter(page: Page, site: Site, email: str = ADMIN) -> Page:
    """Bring a sign-in into this browser profile."""
    cookies = session_of(site, email).cookies
    page.context.add_cookies([{"name": each.name, "value": each.value or "", "url": site.url} for each in cookies])
    return page


@contextmanager
def entered(browser: Browser, site: Site, email: str) -> Iterator[tuple[Page, Complaints]]:
    """A profile of its own with that person signed in."""
    with watched_page(browser, viewport=WIDE) as (page, complaints):
        yield enter(page, site, email), complaints
        complaints.check()


@contextmanager
def without_scripts(browser: Browser) -> Iterator[Page]:
    """A page in a profile that runs no JavaScript."""
    context = browser.new_context(viewport=WIDE, java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints = Complaints(page)
    yield page
    complaints.check()
    context.close()


# --- a connector of its own ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Own:
    """A connector that no other test touches, and the sandbox that it leads to."""

    site: Site
    slug: str
    sandbox: RunningSandbox

    @property
    def history(self) -> str:
        return f"{self.site.url}/history/?connector={self.slug}"

    @property
    def matrix(self) -> str:
        return f"{self.site.url}/connectors/{self.slug}/mappings/"

    @property
    def page(self) -> str:
        return f"{self.site.url}/connectors/{self.slug}/"

    @property
    def new_plan(self) -> str:
        return f"{self.site.url}/connectors/{self.slug}/plan/"

    def post(self, address: str, data: dict[str, Any], *, email: str = ADMIN) -> requests.Response:
        """What that person sends with a plain form; redirects are followed."""
        session = session_of(self.site, email)
        form = {"csrfmiddlewaretoken": csrf(session), **data}
        return session.post(address, data=form, headers={"Referer": address}, timeout=30)

    def get(self, path: str, *, email: str = ADMIN) -> requests.Response:
        return session_of(self.site, email).get(self.site.url + path, timeout=30)

    def set_cell(self, status: int, target: int, *, seen: int | str = "", email: str = ADMIN, **more: str) -> None:
        data = {"scope": "PROJ", "status": status, "target": target, "seen": seen, "to": "j2a", **more}
        answer = self.post(f"{self.matrix}cell/", data, email=email)
        assert answer.status_code == 200, answer.text

    def read_again(self, scope: str = "PROJ", **more: str) -> None:
        """Read this matrix's lists from Align, as by its button, and wait until they are read."""
        self.post(f"{self.matrix}refresh/", {"scope": scope, **more})
        self.wait_until_idle()

    def refresh(self) -> None:
        """Read catalogue and mappings, as by the connector's button, and wait for the end."""
        self.post(f"{self.page}refresh/", {})
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Asked of the database: a page that is drawn ten times a second keeps the work waiting that it tells of."""
        eventually(lambda: self.count(WORK_UNDER_WAY) == 0, within=60, what="the end of background work")

    def count(self, rows: str) -> int:
        """`rows`: what follows FROM, as far as a condition on the connector c."""
        found = self.site.rows(f"SELECT COUNT(*) FROM {rows} AND c.slug = '{self.slug}'")
        return int(found[0][0])


@contextmanager
def own_connector(site: Site, *, name: str = "", **options: Any) -> Iterator[Own]:
    """Added by the product's form and read by its worker; `options` are the sandbox's. Deactivated in the end."""
    sandbox = RunningSandbox(**options)
    slug = f"own-{uuid4().hex[:6]}"
    own = Own(site=site, slug=slug, sandbox=sandbox)
    try:
        answer = own.post(f"{site.url}/connectors/new/", set_up_form(sandbox.url, slug, name or slug))
        assert answer.url.startswith(f"{own.page}set-up/"), re.findall(
            r'class="(?:error|note bad).*?</div>', answer.text, re.DOTALL
        )
        eventually(lambda: own.count(MAPPINGS), within=60, what="the first reading")
        own.wait_until_idle()
        yield own
        own.post(f"{own.page}active/", {"active": "no"})
    finally:
        sandbox.close()


def set_up_form(address: str, slug: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "slug": slug,
        "align_site": address,
        "align_connector_id": 123,
        "jira_site": address,
        "jira_kind": "cloud",
        "time_zone": "UTC",
        "align-kind": "align-bearer",
        "align-secret": ALIGN_TOKEN,
        "jira-kind": "jira-cloud",
        "jira-user": SANDBOX_USER,
        "jira-secret": JIRA_TOKEN,
        "act": "save",
    }


def to_tab(page: Page, label: str) -> None:
    """To a tab of the connector whose page is open."""
    page.locator("nav.tabs").get_by_role("link", name=label, exact=True).click()


# --- the matrix ------------------------------------------------------------------------------------------------------


def grid(page: Page) -> Locator:
    return page.get_by_role("grid")


def cell(page: Page, name: str) -> Locator:
    """By its accessible name: status, status id, target, as "QA 10015 3 Dev complete"."""
    return grid(page).get_by_role("gridcell", name=name, exact=True)


def draft(page: Page) -> Locator:
    return page.get_by_role("region", name="Draft")


def expect_waiting(page: Page, edits: int) -> None:
    expect(draft(page).get_by_text(f"{edits} edit{'' if edits == 1 else 's'} pending", exact=True)).to_be_visible()


def said(page: Page) -> Locator:
    """The live region."""
    return page.locator("#live")


def trouble(page: Page) -> Locator:
    return page.locator("#trouble")


def see_answers_to_polls(page: Page, number: int = 2) -> None:
    """Until the page has asked by itself so many times and been answered; what the last one brought may be to come."""
    for _ in range(number):
        with page.expect_response(lambda answer: "x-polling" in answer.request.headers):
            pass


# --- plans -----------------------------------------------------------------------------------------------------------


def make_plan(page: Page, own: Own) -> int:
    page.goto(own.new_plan)
    return fill_plan(page)


def fill_plan(page: Page) -> int:
    """Plan all edits that are ticked; the plan's number."""
    page.get_by_label("Reason").fill(REASON)
    page.get_by_label("Ticket").fill("CHG-2291")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.wait_for_url("**/plans/*/")
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def approve(page: Page) -> None:
    """Its button comes after what has to be ticked, so that once it is there nothing to tick is still to come."""
    button = page.get_by_role("button", name="Approve", exact=True)
    expect(button).to_be_visible()
    warnings = page.get_by_role("checkbox", name="I have read")
    if warnings.count():
        warnings.check()
    button.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("approved, not applied")


def apply(page: Page, slug: str) -> None:
    """Start it; the typed confirmation is given where it is asked for."""
    button = page.get_by_role("button", name="Apply")
    expect(button).to_be_visible()
    word = page.get_by_label("to confirm")
    if word.count():
        word.fill(slug)
    button.click()


def expect_confirmed(page: Page, changes: int) -> None:
    confirmed = page.get_by_text(f"Confirmed {changes} of {changes}.")
    expect(confirmed).to_be_visible(timeout=APPLY_TIMEOUT)
