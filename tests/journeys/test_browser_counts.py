"""How many issues sit in each status: counted from the matrix in a browser, at both widths, and what a failure says."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, WIDE, axe, fits
from tests.support.browser_helpers import EDITOR, grid, own_connector, said
from tests.support.processes import Site


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_issues_are_counted_beside_each_status(site: Site, page: Page, size: object) -> None:
    with own_connector(site) as own:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        steps.enter(page, own.site, EDITOR)
        page.goto(f"{own.matrix}?scope=PROJ")
        page.get_by_role("button", name="Count issues").click()
        header = grid(page).get_by_role("rowheader", name="Backlog 10011", exact=True)
        expect(header).to_contain_text(re.compile(r"\d+ stor(y|ies)"))
        again = page.get_by_role("button", name="Count again")
        expect(again).to_be_visible()
        expect(page.get_by_role("searchbox", name="Filter rows")).to_be_visible()
        expect(said(page)).to_have_text(re.compile(r"Issues of \d+ statuses counted"))
        axe(page)
        assert fits(page)
        # A toggle draws its row anew, and the number stays.
        steps.cell(page, "Blocked 10017 2 In progress").click()
        expect(steps.cell(page, "Blocked 10017 2 In progress")).to_have_attribute("aria-selected", "true")
        expect(grid(page).get_by_role("rowheader", name="Blocked 10017", exact=True)).to_contain_text("0 stories")

        own.sandbox.faults({"path": "approximate-count", "status": 503, "body": ""})
        again.click()
        alert = page.locator("#counting").get_by_role("alert")
        expect(alert).to_contain_text("Counted 0 of")
        axe(page)
        own.sandbox.faults()
        page.get_by_role("button", name="Count again").click()
        expect(alert).to_have_count(0)
