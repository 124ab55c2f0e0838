"""An apply under faults in a real browser: cancelled in the middle, and told about at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, WIDE, axe, fits
from tests.support.browser_helpers import Own, own_connector, see_answers_to_polls, trouble
from tests.support.processes import Site, eventually

BACKLOG, SELECTED, IN_REVIEW, QA = 10011, 10012, 10013, 10015
EDITS = {BACKLOG: (1, 0), SELECTED: (2, 1), IN_REVIEW: (3, 2), QA: (4, 3)}  # wanted, seen
A_GLANCE = 15_000  # ms; a page that waits for another plan asks every three seconds
REFUSAL = "The state is not valid for this connector."


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        for status, (target, seen) in EDITS.items():
            made.set_cell(status, target, seen=seen)
        yield made


def approved(own: Own, page: Page) -> int:
    steps.enter(page, own.site)
    plan = steps.make_plan(page, own)
    steps.approve(page)
    return plan


def title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def record_of(own: Own, status: int) -> str:
    """The address of the record that maps Stories in that status."""
    records = own.sandbox.align("GET", "/connectors/123/mappings/states?WorkItemTypeId=4").json()
    return f"mappings/states/{next(r['id'] for r in records if r['jiraStatusId'] == status)}"


def test_cancel_that_is_confirmed_while_the_page_polls_sends_nothing_more(own: Own, page: Page) -> None:
    """And a plan that waited for it may be applied then, without a reload."""
    waiting, first = page.context.new_page(), approved(own, page)
    second = approved(own, waiting)
    own.sandbox.faults({"method": "PUT", "status": 429, "body": ""})
    steps.apply(page, own.slug)
    expect(page.get_by_role("region", name="Progress")).to_contain_text(
        "the site blocks requests: resumes in", timeout=steps.APPLY_TIMEOUT
    )
    waiting.goto(f"{own.site.url}/plans/{second}/")
    expect(waiting.get_by_text(f"Plan {first} by")).to_contain_text("is being applied: 0 of 4")
    expect(waiting.get_by_role("button", name="Apply")).to_have_count(0)
    axe(waiting)
    page.bring_to_front()
    sent = len(own.sandbox.journal("PUT"))
    own.sandbox.faults()

    page.get_by_role("button", name="Cancel the rest").hover()
    page.mouse.down()
    see_answers_to_polls(page)
    page.mouse.up()  # on the same button: what answers bring waits for the release
    see_answers_to_polls(page)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel the rest")).to_be_focused()
    page.get_by_role("button", name="Cancel the rest").click()
    see_answers_to_polls(page)
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()

    expect(title(page)).to_have_text("Cancelled: 0 done, 4 cancelled", timeout=steps.APPLY_TIMEOUT)
    expect(title(page)).to_be_focused()
    expect(waiting.get_by_role("button", name="Apply 4 changes")).to_be_visible(timeout=A_GLANCE)
    expect(trouble(page)).to_be_hidden()
    assert len(own.sandbox.journal("PUT")) == sent


def test_the_report_tells_what_was_refused_lost_overwritten_and_stale(own: Own, page: Page) -> None:
    plan = approved(own, page)
    own.sandbox.edit("update_mapping", family="j2a_state", type=4, source=QA, target=5, user="Priya Shah")
    own.sandbox.faults(
        {"path": record_of(own, BACKLOG), "method": "PUT", "status": 400, "body": json.dumps({"message": REFUSAL})},
        {"path": record_of(own, SELECTED), "method": "PUT", "cut": "after", "times": 1},
        {"path": record_of(own, IN_REVIEW), "method": "PUT", "times": 1, "edit": by_somebody_else(IN_REVIEW)},
    )
    steps.apply(page, own.slug)
    expect(page.get_by_role("region", name="Progress")).to_contain_text(
        "Finding out about 1 request without an answer", timeout=steps.APPLY_TIMEOUT
    )
    expect(title(page)).to_have_text("Partly applied: 2 done, 1 failed, 1 stale", timeout=steps.APPLY_TIMEOUT)

    eventually(lambda: told(page), within=60, what="the overwritten value on the page")
    report = page.get_by_role("region", name="Results")
    assert {state: count(report, state) for state in ("done", "failed", "stale", "total")} == {
        "done": "2",
        "failed": "1",
        "stale": "1",
        "total": "4",
    }
    assert row(page, "Backlog").get_by_text(REFUSAL).is_visible()
    assert row(page, "Selected for Development").get_by_text("No answer came; Align holds the new value.").is_visible()
    assert row(page, "In Review").get_by_text("Overwrote Accepted").is_visible()
    assert row(page, "QA").get_by_text("stale").is_visible()
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page), "a phone has to scroll sideways"
    page.set_viewport_size(WIDE)

    row(page, "In Review").get_by_role("button", name="Put back Accepted").click()
    expect(row(page, "In Review").get_by_text("Its revert is in the draft")).to_be_visible()
    own.sandbox.faults()
    page.get_by_role("button", name="Retry 1 failed change").click()
    expect(title(page)).to_have_text("Partly applied: 3 done, 1 stale", timeout=steps.APPLY_TIMEOUT)
    page.goto(f"{own.site.url}/plans/{plan}/roll-back/")
    expect(page.get_by_role("button", name="Plan the roll back")).to_be_visible()


def by_somebody_else(status: int) -> dict[str, object]:
    edit = {"action": "update_mapping", "family": "j2a_state", "type": 4, "source": status, "target": 5}
    return {**edit, "user": "Priya Shah"}


def told(page: Page) -> bool:
    page.reload()
    return page.get_by_text("1 overwrote", exact=True).count() == 1


def count(report: Locator, state: str) -> str:
    line = ".sum" if state == "total" else f"tr:has(th.{state})"
    return report.locator(f"{line} td.num").inner_text()


def row(page: Page, status: str) -> Locator:
    return page.locator("#plan-rows > tr").filter(has_text=f"moves to {status},")
