"""Step 6 in a browser: both sides are read, a pair is chosen by keyboard, matched, proposed and approved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import axe
from tests.support.browser_helpers import ADMIN, EDITOR, Own, entered, own_connector, trouble
from tests.support.processes import Site

WIDTHS = (1440, 390)
CHANNEL, ENVIRONMENTS = "customfield_91301", "customfield_10031"


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def judged(page: Page) -> None:
    """By axe, and no page is wider than its window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def test_a_pair_is_chosen_matched_proposed_and_approved(own: Own, browser: Browser) -> None:
    with entered(browser, own.site, EDITOR) as (editor, complaints), entered(browser, own.site, ADMIN) as (admin, _):
        complaints.expect("409")
        editor.goto(f"{own.page}set-up/fields/")
        judged(editor)
        editor.get_by_role("button", name="Read fields").first.click()
        expect(editor.get_by_text("Read of both systems.")).to_be_visible(timeout=60_000)
        judged(editor)
        editor.get_by_role("link", name="Fields of Feature").click()
        judged(editor)

        partner = editor.get_by_label("Spend to date (customfield_91304) goes with")
        expect(partner.locator("option", has_text="Change record"), "another type is not offered").to_have_count(0)
        partner = editor.get_by_label(f"Channel ({CHANNEL}) goes with")
        partner.focus()
        partner.select_option(ENVIRONMENTS)
        editor.get_by_label(f"Direction of Channel ({CHANNEL})").select_option("both")
        editor.get_by_role("button", name="Save to the draft").press("Enter")
        expect(editor.get_by_role("region", name="Draft")).to_contain_text(
            "Environments (customfield_10031), both ways"
        )
        judged(editor)

        editor.get_by_role("link", name="0 of 3 options matched").click()
        editor.get_by_label("Web goes with").select_option(label="Production")
        editor.get_by_label("App goes with").select_option(label="Production")
        editor.get_by_role("button", name="Save to the draft").click()
        expect(trouble(editor)).to_contain_text("matched twice")
        judged(editor)
        editor.get_by_label("App goes with").select_option(label="Staging")
        editor.get_by_role("button", name="Save to the draft").click()
        expect(editor.get_by_role("region", name="Draft")).to_contain_text("2 options matched")

        editor.get_by_role("textbox", name="Reason").fill("Both mean where it runs")
        editor.get_by_role("button", name="Propose 1 change").click()
        expect(editor.get_by_role("heading", name="Proposal")).to_be_visible()
        admin.goto(editor.url)
        admin.get_by_label("I have read").check()
        admin.get_by_role("button", name="Approve").click()
        expect(admin.get_by_text("Approved", exact=True)).to_be_visible()
        admin.goto(f"{own.page}set-up/fields/")
        expect(admin.get_by_text("1 chosen and approved")).to_be_visible()
