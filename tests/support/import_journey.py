"""Steps 4 to 8 in a browser for a project that is taken over, and the rehearsal of one that Align carries."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import requests
from playwright.sync_api import Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import look
from tests.support.browser_helpers import cell, expect_waiting
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

ISSUES = 200
WORKED = 60_000  # milliseconds that a job may take


def leave_align(address: str, project: str) -> None:
    """Somebody takes a project out of Align's connector."""
    edit = {"action": "set_project", "key": project, "in_align": False}
    answer = requests.post(f"{address}/_sandbox/edit", json=edit, timeout=30)
    assert answer.status_code == 200, answer.text


def refresh(page: Page, base: str) -> None:
    page.goto(f"{base}set-up/projects/")
    page.get_by_role("button", name="Refresh").first.click()
    expect(page.locator("#job")).to_have_count(0, timeout=WORKED)


def of_ours(page: Page, base: str, key: str, edited: str) -> None:
    """From a project that Align does not carry to its items in Align and a status that is mapped."""
    take_over(page, base, key)
    choose_the_issues(page, base)
    rehearse(page, base, key)
    look(page)
    assert import_all(page, base, key) >= ISSUES
    map_a_status(page, base, key, edited)


def of_aligns(page: Page, base: str, key: str) -> None:
    """What the issues of a carried project become, beside the items that Align has of them."""
    rehearse(page, base, key)
    beside = page.get_by_role("region", name="Beside Align’s items")
    expect(beside).to_contain_text(re.compile("As configured|Differs"))
    look(page)


def write_issues(address: str, project: str, number: int, *, version: int = 3) -> None:
    """Stories in Jira, by somebody else."""

    def write(each: int) -> None:
        fields = {"project": {"key": project}, "issuetype": {"name": "Story"}, "summary": f"Story {each} of the team"}
        address_of = f"{address}/rest/api/{version}/issue"
        answer = requests.post(address_of, json={"fields": fields}, auth=(ADMIN, JIRA_TOKEN), timeout=30)
        assert answer.status_code == 201, answer.text

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(1, number + 1)))


def take_over(page: Page, base: str, key: str) -> None:
    for press in ("In scope", "Take over…"):
        page.goto(f"{base}set-up/projects/?q={key}#projects")
        page.get_by_role("checkbox", name=f"Select {key}").check()
        page.get_by_role("button", name=press, exact=True).click()
    page.get_by_label("Why").fill("Its team is not in Align’s connector")
    page.get_by_label(f"Type {key} to confirm").fill(key)
    look(page)
    page.get_by_role("button", name="Take over", exact=True).click()
    expect(page.get_by_role("row").filter(has_text=key)).to_contain_text("ours")


def choose_the_issues(page: Page, base: str) -> None:
    """Closed ones too, into one program; proposed and approved. Of bugs this Align wants a field that nothing fills."""
    page.goto(f"{base}set-up/import/")
    page.get_by_role("link", name="Issues to import").click()
    page.get_by_label("Issues, by JQL").fill("issuetype != Bug")
    page.get_by_label("Closed issues, too").check()
    page.get_by_label("Program optional").fill("11")
    page.get_by_role("button", name="Save to the draft").click()
    page.get_by_label("Reason").fill("The whole backlog moves")
    page.get_by_role("button", name=re.compile("Propose . change")).click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("region", name="Decide")).to_have_count(0)


def rehearse(page: Page, base: str, key: str) -> None:
    page.goto(f"{base}rehearsals/")
    page.get_by_role("link", name=key, exact=True).click()
    page.get_by_role("button", name="Rehearse", exact=True).click()
    expect(page.get_by_text("They become")).to_be_visible(timeout=WORKED)


def import_all(page: Page, base: str, key: str) -> int:
    """How many items were created and read back."""
    page.goto(f"{base}imports/")
    expect(page.get_by_label("Project")).to_contain_text(key)
    page.get_by_label("Reason").fill("The team moves to Align")
    page.get_by_role("button", name="Plan the import").click()
    approve = page.get_by_role("button", name="Approve and import")
    expect(approve).to_be_visible(timeout=WORKED)
    look(page)
    page.get_by_role("checkbox", name="I have read").check()
    approve.click()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible(timeout=2 * WORKED)
    look(page)
    confirmed = re.search(r"([\d,]+) items? confirmed", page.locator("main").inner_text())
    assert confirmed, page.locator("main").inner_text()
    return int(confirmed[1].replace(",", ""))


def map_a_status(page: Page, base: str, key: str, edited: str) -> None:
    """Approving is applying: the list is kept here alone."""
    page.goto(f"{base}mappings/?scope={key}")
    cell(page, edited).click()
    expect_waiting(page, 1)
    page.get_by_role("link", name="Review plan").click()
    steps.fill_plan(page)
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kept here: 1 done")
