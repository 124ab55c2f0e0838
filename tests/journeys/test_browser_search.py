"""The bar on top of every page in a real browser: search by keyboard alone, the switcher, the menus; and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.environment import PASSWORD
from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, axe, fits, sign_in
from tests.support.browser_helpers import EDITOR, Own, own_connector
from tests.support.processes import Site


@pytest.fixture(scope="module")
def own(site: Site) -> Iterator[Own]:
    with own_connector(site, name="Findable") as made:
        yield made


def test_anything_is_found_and_opened_by_the_keyboard_alone(own: Own, page: Page) -> None:
    steps.enter(page, own.site, EDITOR)
    page.goto(f"{own.site.url}/plans/")
    field = page.get_by_role("combobox", name="Search everything")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("selected dev")
    option = page.get_by_role("option", name="Selected for Development").first
    expect(option).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#find-options [aria-selected=true]")).to_have_count(1)
    current = page.locator("#find-options [aria-selected=true]").get_attribute("id")
    expect(field).to_have_attribute("aria-activedescendant", str(current))
    expect(field).to_be_focused()
    axe(page)
    page.keyboard.press("Escape")
    expect(page.locator("#find-options")).to_be_hidden()
    expect(field).to_have_value("selected dev")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#find-options")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/mappings/?q=Selected*")
    # From within a field as well, and to what is no list: the page of results.
    page.get_by_role("searchbox").focus()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search everything")
    expect(field).to_be_focused()
    page.keyboard.type("no such thing")
    expect(page.locator("#find-options")).to_have_text("Nothing is called “no such thing”.")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=no+such+thing")
    page.locator("#q").fill("findable")
    expect(page.get_by_role("link", name="Findable", exact=True).last).to_be_visible()
    page.wait_for_url("**/search/?q=findable")
    axe(page)


def test_the_menus_of_the_bar_open_by_keys_and_give_the_focus_back(own: Own, page: Page) -> None:
    steps.enter(page, own.site, EDITOR)
    page.goto(own.page)
    for name in ("attention", "account"):
        summary = page.locator(f"details.{name} > summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.locator(f"details.{name}")).to_have_attribute("open", "")
        axe(page)
        page.keyboard.press("ArrowDown")
        expect(summary).not_to_be_focused()
        page.keyboard.press("Escape")
        expect(summary).to_be_focused()
        expect(page.locator(f"details.{name}")).not_to_have_attribute("open", "")


def test_a_question_mark_shows_the_keys_of_the_page(own: Own, page: Page) -> None:
    steps.enter(page, own.site, EDITOR)
    page.goto(own.matrix)
    page.get_by_role("link", name="Help").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("The grid of a matrix")
    expect(dialog).to_contain_text("undo your last edit")
    axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Help")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/help/mapping/")
    page.get_by_role("link", name="Type ids").first.click()
    expect(page.get_by_role("heading", name="Type ids")).to_be_in_viewport()


def test_without_scripts_and_on_a_phone_the_bar_leads_everywhere(own: Own, browser: Browser) -> None:
    context = browser.new_context(viewport=NARROW, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, own.site.url, EDITOR, PASSWORD)  # one of its own, as it is ended below
    page.goto(own.page)
    page.get_by_role("link", name="Search everything").click()
    page.get_by_label("Look for").fill("selected")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Selected for Development").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("states")
    page.locator("details.account > summary").click()
    assert fits(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    context.close()
