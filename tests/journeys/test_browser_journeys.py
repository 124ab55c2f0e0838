"""The main job from sign-in to proof in a real browser: with the demo's data, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.environment import PASSWORD
from tests.support import browser_helpers as steps
from tests.support.browser import sign_in
from tests.support.browser_helpers import Own, cell, expect_waiting, own_connector
from tests.support.processes import Site, eventually
from tests.support.sandbox_fixture import ALIGN_TOKEN

STORY = 4  # the wire id of the state families
API = "/rest/align/api/2/connectors/123"
SHARED = "A click sets it for 14 company-managed projects."  # said of the cell in focus


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def align_state(url: str, status: int, **query: str) -> int | None:
    """What Align's own API says a Story in that status shows."""
    return align_value(f"{url}{API}/mappings/states", "jiraStatusId", status, "alignStateId", **query)


def jira_status(url: str, state: int) -> int | None:
    """The status to which Align's own API says a Story of PROJ returns from that state."""
    return align_value(f"{url}{API}/projects/PROJ/mappings/states", "alignStateId", state, "jiraStatusId")


def align_value(address: str, key: str, source: int, value: str, **query: str) -> int | None:
    headers = {"Authorization": f"bearer {ALIGN_TOKEN}"}
    params = {"WorkItemTypeId": str(STORY), **query}
    answer = requests.get(address, params=params, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    found = [record[value] for record in answer.json() if record[key] == source]
    assert len(found) <= 1, "one record per key"
    return found[0] if found else None


# --- the whole job ------------------------------------------------------------------------------------------------


@pytest.mark.journey
def test_a_person_edits_a_matrix_plans_applies_and_sees_it_proven(site: Site, own: Own, page: Page) -> None:
    sign_in(page, site.url, steps.ADMIN, PASSWORD)
    page.goto(f"{own.matrix}?scope=PROJ")
    edit_by_pointer_and_keyboard(page)

    draft = steps.draft(page)
    draft.get_by_role("link", name="Review plan").click()
    expect(page.get_by_role("checkbox", name="Selected for Development")).to_be_checked()
    plan = steps.make_plan(page, own)
    expect(page.get_by_role("heading", level=1)).to_have_text("5 changes to approve")
    steps.approve(page)

    page.get_by_role("button", name="Apply").click()
    assert page.get_by_label("to confirm").evaluate("field => field.validity.valueMissing"), "a deletion is confirmed"
    steps.apply(page, own.slug)
    steps.expect_confirmed(page, 5)
    changes = page.locator("#changes").get_by_role("row")
    expect(changes.filter(has_text="Done").filter(has_text="confirmed")).to_have_count(5)

    url = own.sandbox.url
    assert align_state(url, 10017) == 2
    assert align_state(url, 10013) == 3
    assert align_state(url, 10012) is None
    assert jira_status(url, 4) == 10016
    assert jira_status(url, 3) == 10015

    expect_history_of(page, own, plan)
    page.goto(own.new_plan)
    expect(page.locator("main")).to_contain_text("This connector’s draft has no pending edits.")


def edit_by_pointer_and_keyboard(page: Page) -> None:
    """A dot and a ring by click, a dot and a ring by keyboard, and a dot taken away."""
    cell(page, "Blocked 10017 2 In progress").click()
    expect(cell(page, "Blocked 10017 2 In progress")).to_have_attribute("aria-selected", "true")
    expect_waiting(page, 1)

    ready = cell(page, "Ready for release 10016 4 Test complete")
    ready.click(modifiers=["Shift"])
    expect(ready).to_have_accessible_description(f"returns to Ready for release 10016 not applied yet {SHARED}")
    expect_waiting(page, 2)

    cell(page, "In Review 10013 2 In progress").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(cell(page, "In Review 10013 3 Dev complete")).to_have_attribute("aria-selected", "true")
    expect(cell(page, "In Review 10013 2 In progress")).to_have_attribute("aria-selected", "false")
    expect_waiting(page, 3)

    cell(page, "QA 10015 3 Dev complete").focus()
    page.keyboard.press("Shift+Space")
    shown = cell(page, "QA 10015 3 Dev complete")
    expect(shown).to_have_accessible_description(f"returns to QA 10015 not applied yet {SHARED}")
    expect_waiting(page, 4)

    cell(page, "Selected for Development 10012 1 Ready to start").focus()
    page.keyboard.press("Delete")
    expect(cell(page, "Selected for Development 10012 1 Ready to start")).to_have_attribute("aria-selected", "false")
    expect_waiting(page, 5)


def expect_history_of(page: Page, own: Own, plan: int) -> None:
    """The update of In Review stands in the history as one row with Align's line, the person and the reason."""
    row = joined_row(page, own, "action=updated&direction=j2a", joined="in Align's log")
    expect(row).to_contain_text("Dana Admin")
    expect(row).to_contain_text("approved by Dana Admin")
    expect(row).to_contain_text(f"plan {plan}")
    expect(row).to_contain_text("CHG-2291")
    row.get_by_role("link").first.click()
    panel = page.get_by_role("complementary", name="Selected row")
    expect(panel).to_contain_text(steps.REASON)
    for told in ("Jira Align System", "Planned by", "Applied by"):
        expect(panel).to_contain_text(told)
    expect(panel).to_contain_text("From [In progress] To [Dev complete]")
    expect(panel).to_contain_text("is unaltered")


def joined_row(page: Page, own: Own, filters: str, *, joined: str) -> Locator:
    """The one row of ours in the history under those filters, once it says `joined` of Align's line."""
    row = page.locator("#_rows tbody tr")

    def says_so() -> bool:
        page.goto(f"{own.history}&source=alignadmin&{filters}")
        return row.get_by_text(joined, exact=True).count() == 1

    eventually(says_so, what=f'"{joined}" in the history')
    expect(row).to_have_count(1)
    return row


# --- where Align's log has no address -------------------------------------------------------------------------------


def test_without_an_audit_endpoint_the_pasted_lines_join_the_plan(site: Site, page: Page) -> None:
    with own_connector(site, audit_endpoint="no") as own:
        own.set_cell(10013, 3, seen=2)
        steps.enter(page, site)
        plan = steps.make_plan(page, own)
        page.get_by_text("Request and audit line").click()
        line = page.get_by_text("CONFIG Updated - State mapping").inner_text()
        steps.approve(page)
        steps.apply(page, own.slug)
        steps.expect_confirmed(page, 1)
        assert align_state(own.sandbox.url, 10013) == 3

        row = joined_row(page, own, "action=updated", joined="not seen in Align's log yet")
        why = page.locator(".intake").filter(has_text=own.slug)
        expect(why).to_contain_text("never imported")
        expect(why).to_contain_text("paste or upload the lines of its audit log")

        page.goto(f"{site.url}/history/intake/?connector={own.slug}")
        written_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        page.get_by_label("Pasted lines").fill(f"CONFIG 123\tJira Align System\t{written_at}\t{line}")
        page.get_by_role("button", name="Read and check").click()
        page.get_by_role("button", name="Import").click()
        expect(page.get_by_role("status")).to_contain_text("1 line read, 1 new")

        row = joined_row(page, own, "action=updated", joined="in Align's log")
        expect(row).to_contain_text(f"plan {plan}")
        row.get_by_role("link").first.click()
        expect(page.get_by_role("complementary", name="Selected row")).to_contain_text("Jira Align System")
        expect(page.locator(".intake").filter(has_text=own.slug)).to_contain_text("last imported")


# --- without JavaScript --------------------------------------------------------------------------------------------


def test_without_javascript_the_list_is_edited_and_its_plan_applied(site: Site, own: Own, browser: Browser) -> None:
    with steps.without_scripts(browser) as page:
        sign_in(page, site.url, steps.ADMIN, PASSWORD)
        page.goto(f"{own.matrix}?scope=PROJ")
        page.get_by_role("link", name="Edit in the list view").click()
        page.get_by_label("Blocked 10017 shows").select_option("2 In progress")
        page.get_by_label("4 Test complete returns to").select_option("Ready for release · 10016")
        page.get_by_role("button", name="Save to the draft").click()
        expect_waiting(page, 2)
        expect(page.get_by_label("Blocked 10017 shows")).to_have_value("2")

        steps.make_plan(page, own)
        steps.approve(page)
        steps.apply(page, own.slug)
        page.wait_for_load_state()
        own.wait_until_idle()
        page.reload()
        steps.expect_confirmed(page, 2)
        assert align_state(own.sandbox.url, 10017) == 2
        assert jira_status(own.sandbox.url, 4) == 10016
