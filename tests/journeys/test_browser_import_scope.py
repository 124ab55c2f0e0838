"""The issues to import in a browser: Jira answers while somebody types, and they are saved by keyboard, at 390 px."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import look
from tests.support.browser_helpers import EDITOR, Own, entered, own_connector
from tests.support.processes import Site


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def test_what_is_typed_is_checked_and_saved_by_keyboard(own: Own, browser: Browser) -> None:
    with entered(browser, own.site, EDITOR) as (page, told):
        told.expect("409")
        page.goto(f"{own.page}set-up/import/")
        page.get_by_role("link", name="Issues to import").click()
        page.set_viewport_size({"width": 390, "height": 844})
        page.get_by_label("Issues, by JQL").focus()
        page.keyboard.type("issuetype = Story ORDER BY key")
        expect(page.locator("#_checked")).to_contain_text("Leave ORDER BY out")
        page.get_by_label("Issues, by JQL").fill("issuetype = Story")
        expect(page.get_by_role("table", name="Issues that Jira finds").get_by_role("row")).to_have_count(11)
        look(page)

        page.get_by_label("Program optional").focus()
        page.keyboard.type("a")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Issues, by JQL")).to_have_value("issuetype = Story")
        look(page)
        page.get_by_role("group", name="Program: those of that name").get_by_role("radio").first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        draft = page.get_by_role("region", name="Draft")
        expect(draft).to_contain_text("issuetype = Story")
        expect(draft).to_contain_text("Where items land, shared")
        look(page)
