"""Drift in a real browser: found, adopted, restored and accepted, by two people and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, WIDE, Complaints, axe, fits
from tests.support.browser_helpers import EDITOR, Own, entered, own_connector, trouble, without_scripts
from tests.support.processes import Site

IN_REVIEW, QA = 10013, 10015
READ = 60_000


@pytest.fixture(scope="module")
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def address(own: Own) -> str:
    return f"{own.page}drift/"


def change(own: Own, source: int, target: int, type_: int = 4) -> None:
    own.sandbox.edit("update_mapping", family="j2a_state", type=type_, source=source, target=target)


def changed_and_read(own: Own, source: int, target: int) -> None:
    change(own, source, target)
    own.read_again()


def in_three_days() -> str:
    return f"{timezone.localdate() + timedelta(days=3):%Y-%m-%d}"


def ends_while_a_dialog_is_open(own: Own, page: Page) -> None:
    """A check that ends brings no new page under what somebody types; its line leads there."""
    held: list[Route] = []
    page.route("**/job/*/", lambda route: held.append(route))
    with page.expect_request("**/job/*/"):
        page.get_by_role("button", name="Check now").click()
    page.get_by_role("row").filter(has_text="In Review").get_by_role("button", name="Restore").click()
    asked = page.get_by_role("dialog", name="Restore 1 row by a plan")
    asked.get_by_label("Reason").fill("Half a sen")
    own.wait_until_idle()
    held.pop(0).continue_()
    while held:  # those that it sent meanwhile
        held.pop().continue_()
    page.unroute("**/job/*/")
    expect(page.get_by_text("Show the result")).to_be_attached()
    expect(asked.get_by_label("Reason")).to_have_value("Half a sen")
    asked.get_by_role("button", name="Cancel").click()


def judge(page: Page) -> None:
    """axe finds nothing in either theme, and a phone needs no sideways scrolling."""
    axe(page)
    page.emulate_media(color_scheme="dark")
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page), "a phone has to scroll sideways"
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")


def test_drift_is_found_adopted_accepted_and_restored(own: Own, page: Page) -> None:
    steps.enter(page, own.site)
    change(own, IN_REVIEW, 5)
    page.goto(address(own))
    page.get_by_role("button", name="Check now").click()
    row = page.get_by_role("row").filter(has_text="In Review")
    expect(row).to_contain_text("5 Accepted", timeout=READ)
    expect(page.get_by_text("1 row drifted")).to_be_visible()
    judge(page)
    bar = page.get_by_role("group", name="The selected rows")
    expect(bar).to_be_hidden()
    row.get_by_role("checkbox").check()
    expect(bar).to_contain_text("1 row selected")
    bar.get_by_role("button", name="Adopt").click()
    asked = page.get_by_role("dialog", name="Adopt 1 row")
    expect(asked).to_contain_text("Nothing is sent to Align.")
    judge(page)
    asked.get_by_role("button", name="Cancel").click()
    expect(bar.get_by_role("button", name="Adopt")).to_be_focused()
    ends_while_a_dialog_is_open(own, page)
    row.get_by_role("button", name="Adopt").click()
    asked.get_by_role("button", name="Adopt 1 row").click()
    expect(page.get_by_text("Nothing needs a decision.")).to_be_visible()
    expect(page.get_by_text("Adopted 1 row")).to_be_visible()

    changed_and_read(own, IN_REVIEW, 4)
    page.goto(address(own))
    page.get_by_role("row").filter(has_text="In Review").get_by_role("link", name="Accept").click()
    page.get_by_role("region", name="In Review").get_by_label("Until the end of").fill(in_three_days())
    page.get_by_role("region", name="In Review").get_by_label("Reason").fill("Trial of the QA team")
    judge(page)
    page.get_by_role("button", name="Accept 4 Test complete for now").click()
    page.get_by_role("link", name="Accepted 1").click()
    expect(page.get_by_role("row").filter(has_text="Trial of the QA team")).to_contain_text("ends in")
    judge(page)
    page.get_by_role("button", name="End now").click()
    page.get_by_role("link", name="To decide 1").click()
    page.get_by_role("row").filter(has_text="In Review").get_by_role("button", name="Restore").click()
    asked = page.get_by_role("dialog", name="Restore 1 row by a plan")
    asked.get_by_label("Reason").fill("As it was agreed")
    judge(page)
    asked.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 change to approve")
    planned = page.locator("#plan-rows > tr")
    expect(planned).to_contain_text("Test complete")
    planned.get_by_role("link", name="In Review in the matrix").click()
    expect(page.locator(":focus")).to_have_attribute("aria-labelledby", f"r{IN_REVIEW} t5")
    page.goto(page.url.replace("cell=", "cell=99"))
    expect(page.get_by_role("grid")).to_be_visible()
    expect(page.get_by_role("grid").locator(":focus"), "no other cell than that of the link").to_have_count(0)


def test_the_second_of_two_browsers_is_told_who_was_faster(
    own: Own, page: Page, complaints: Complaints, browser: Browser
) -> None:
    complaints.expect("409")
    changed_and_read(own, QA, 5)
    steps.enter(page, own.site)
    page.goto(address(own))
    mine = page.get_by_role("row").filter(has=page.get_by_role("link", name="QA"))
    expect(mine).to_be_visible()
    with entered(browser, own.site, EDITOR) as (theirs, _):
        theirs.goto(address(own))
        theirs.get_by_role("row").filter(has_text="QA").get_by_role("button", name="Adopt").click()
        theirs.get_by_role("dialog").get_by_role("button", name="Adopt 1 row").click()
        expect(theirs.get_by_text("Nothing needs a decision.")).to_be_visible()
    mine.get_by_role("button", name="Restore").click()
    expect(trouble(page)).to_contain_text("was faster")


def test_without_scripts_ticked_rows_are_accepted_by_the_form(own: Own, browser: Browser) -> None:
    changed_and_read(own, QA, 2)
    with without_scripts(browser) as page:
        steps.enter(page, own.site, EDITOR)
        page.goto(address(own))
        page.locator("input[name=ticked]").first.check()
        page.get_by_text("Accept until…").click()
        page.get_by_label("Until the end of").fill(in_three_days())
        page.get_by_label("Reason").fill("Pilot")
        page.get_by_role("button", name="Accept the selected rows").click()
        expect(page.get_by_role("heading", name="Accept 1 row until")).to_be_visible()
        page.get_by_role("button", name="Accept 1 row").click()
        expect(page.get_by_text("Nothing needs a decision.")).to_be_visible()
        page.get_by_role("link", name="Accepted").click()
        expect(page.get_by_role("row").filter(has_text="Pilot")).to_be_visible()
