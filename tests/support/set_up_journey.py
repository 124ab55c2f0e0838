"""The guided set-up in a browser, in a person's words: type what is asked, have both sites looked at, go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect

from tests.environment import PASSWORD
from tests.support.browser import WIDE, sign_in, watched_page
from tests.support.processes import Site
from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN

PERSON = "first@example.test"
CLOUD = {"jira-kind": "jira-cloud", "jira-user": ADMIN}
PASSWORD_OF_DATA_CENTER = {"jira-kind": "jira-password", "jira-user": "admin"}
ACCESS_TOKEN = {"jira-kind": "jira-pat"}
SECRETS = {"align-secret": ALIGN_TOKEN, "jira-secret": JIRA_TOKEN}
READ = 60_000  # milliseconds that the first reading may take
ASKED = 30_000  # and the questions to two sites that are asked while one waits
CONFIRMED = ("Statuses are pulled into Align", "Bidirectional sync is on")


@contextmanager
def coming_in(browser: Browser, site: Site) -> Iterator[Page]:
    """A new browser, in which the person signs in by the form."""
    with watched_page(browser, viewport=WIDE) as (page, complaints):
        sign_in(page, site.url, PERSON, PASSWORD)
        yield page
        complaints.check()


def typed(address: str, name: str, sign_in_at_jira: Mapping[str, str]) -> dict[str, str]:
    """All that is asked first, but the secrets."""
    return {"name": name, "align_site": address, "jira_site": address, **sign_in_at_jira}


def fill(page: Page, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        field = page.locator(f"[name='{name}']")
        if name.endswith("-kind"):
            field.select_option(value)
        else:
            field.fill(value)


def expect_filled(page: Page, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        expect(page.locator(f"[name='{name}']")).to_have_value(value)


def found(page: Page) -> Locator:
    return page.get_by_role("region", name="What the two sites told")


def look_up(page: Page, kind: str) -> None:
    """By the button that begins with it, until both sites have told what they are."""
    page.get_by_role("button", name="Continue").click()
    expect(found(page)).to_contain_text(f"This is {kind}", timeout=ASKED)


def expect_chosen(page: Page) -> None:
    expect(page.get_by_role("radio", name="Acme Jira 123")).to_be_checked()


def add(page: Page, slug: str) -> None:
    page.get_by_role("button", name="Add connector").click()
    page.wait_for_url(f"**/connectors/{slug}/set-up/**")


def rail(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Steps of the set-up")


def expect_all_read(page: Page) -> None:
    expect(rail(page)).to_contain_text("4 of 5 steps done", timeout=READ)
    expect(page.get_by_role("heading", name="Being read now")).to_have_count(0, timeout=READ)


def walk_the_steps(page: Page) -> None:
    """From wherever the set-up opens to the statuses, once all was read; what no address shows is confirmed."""
    expect_all_read(page)
    rail(page).get_by_role("link", name="Projects").click()
    expect(page.get_by_role("region", name="Projects", exact=True)).to_contain_text("Core Platform")
    for title in ("Hierarchy", "Fields", "First import", "Statuses"):
        page.get_by_role("link", name=f"Next: {title}").click()
    for label in CONFIRMED:
        confirm(page, label)


def confirm(page: Page, label: str) -> None:
    page.get_by_role("button", name=f"Confirm: {label}").click()
    expect(page.get_by_role("button", name=f"Confirm: {label}")).to_have_text("Confirm again")


def deactivate(page: Page, site: Site, slug: str) -> None:
    """So that the worker does not go on with a connector whose sandbox is closed."""
    page.goto(f"{site.url}/connectors/{slug}/settings/")
    page.get_by_role("button", name="Deactivate").click()
    question = page.get_by_role("dialog").get_by_role("button", name="Continue")
    ended = page.get_by_role("heading", name="Deactivated", exact=True)
    expect(question.or_(ended)).to_be_visible()  # without scripts nothing is asked
    if question.is_visible():
        question.click()
    expect(ended).to_be_visible()


def tab_to(page: Page, wanted: Locator, most: int = 150) -> None:
    """By the Tab key alone, as far as it takes."""
    for _ in range(most):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by the Tab key")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    tab_to(page, wanted)
    page.keyboard.press(key)
