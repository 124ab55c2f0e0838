"""Steps 9 and 10 in a browser, and what is built on them: webhook, agreement, an item explained, live verification."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Page, expect

from tests.support.browser import look
from tests.support.processes import eventually
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN

HEARD_OF, LOST = "PAY-5", "PAY-6"
HEARD = 30_000  # milliseconds from a change to what a page shows of it
BOTH_WAYS = 60_000
# Each look is seconds apart, as on a site that is quick; how long a change may take is none of a journey's matters.
MOVES = {"connector_moves": "yes", "connector_titles": "both"}  # of a sandbox whose Align does
SETTINGS = {
    "ROUND_TRIP_INTERVAL": "0.3",
    "WEBHOOK_POLL_INTERVAL": "3",
    "AGREEMENT_LEAST_LAG": "0",
}


def jira(address: str, method: str, path: str, payload: object = None) -> requests.Response:
    answer = requests.request(method, f"{address}{path}", json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=30)
    assert answer.ok, answer.text
    return answer


def rename(address: str, key: str, title: str) -> None:
    """Somebody does, in Jira."""
    jira(address, "PUT", f"/rest/api/2/issue/{key}", {"fields": {"summary": title}})


def on_a_data_center(page: Page, base: str, address: str) -> None:
    """From step 9 to "Verified both ways", with one change that no delivery announces, and what is told of it."""
    webhook(page, base, address)
    lose_one(address)
    replay(page)
    agreement(page, base)
    explained(page, base)
    verified(page, base, address)
    missed(page, base)


def on_cloud(page: Page, base: str, address: str) -> None:
    """Likewise, with a webhook that an admin of Jira has entered by hand."""
    by_hand(page, base, address)
    agreement(page, base)
    explained(page, base)
    verified(page, base, address)


def by_hand(page: Page, base: str, address: str) -> None:
    page.goto(f"{base}webhook/")
    page.get_by_role("button", name="Set up the webhook").click()
    page.get_by_role("link", name="Enter it by hand").click()
    url, secret, jql = (page.locator(f"#hook-{each}").inner_text() for each in ("url", "secret", "jql"))
    look(page)
    entered = {
        "name": "AlignAdmin",
        "url": url,
        "secret": secret,
        "events": ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"],
        "filters": {"issue-related-events-section": jql},
        "excludeBody": False,
    }
    jira(address, "POST", "/rest/webhooks/1.0/webhook", entered)
    page.get_by_role("link", name="Back to the webhook").click()
    expect(page.get_by_role("region", name="State")).not_to_contain_text("Webhook connected")
    rename(address, HEARD_OF, "Heard of at once")
    reload_until(page, "Webhook connected")


def webhook(page: Page, base: str, address: str) -> None:
    """Registered through Jira's API; connected is said once something was heard."""
    page.goto(f"{base}set-up/")
    page.get_by_role("navigation", name="Steps of the set-up").get_by_role("link", name="Webhook").click()
    page.get_by_role("link", name="The webhook of this connector").click()
    page.get_by_label("Jira signs what it sends").select_option("no")
    page.get_by_role("button", name="Set up the webhook").click()
    page.get_by_role("button", name="Register it in Jira").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.get_by_text("is being registered in Jira")).to_be_visible()
    reload_until(page, "Register it again")
    expect(page.get_by_role("region", name="State")).not_to_contain_text("Webhook connected")
    rename(address, HEARD_OF, "Heard of at once")
    reload_until(page, "Webhook connected")
    look(page)


def reload_until(page: Page, text: str, *, within: float = 30) -> None:
    """Seconds."""

    def is_shown() -> bool:
        page.reload()
        return text in page.locator("main").inner_text()

    eventually(is_shown, within=within, what=text)


def replay(page: Page) -> None:
    page.locator("#inbox").get_by_role("link", name=re.compile("Open delivery")).last.click()
    expect(page.get_by_role("region", name="What came of it")).to_contain_text(HEARD_OF)
    look(page)
    page.get_by_role("button", name="Replay it").click()
    expect(page.locator("#inbox")).to_contain_text("replay")
    replayed = page.locator("#inbox tbody tr").filter(has_text="replay").first

    def is_worked_off() -> bool:
        page.reload()
        return "No change" in replayed.inner_text()

    eventually(is_worked_off, within=30, what="the verdict of the replay")


def lose_one(address: str) -> None:
    """Jira's admin switches the webhook off for a moment."""
    [hook] = jira(address, "GET", "/rest/webhooks/1.0/webhook").json()
    path = f"/rest/webhooks/1.0/webhook/{str(hook['self']).rpartition('/')[2]}"
    kept = {name: hook[name] for name in ("name", "url", "events") if name in hook}
    jira(address, "PUT", path, {**kept, "enabled": False})
    rename(address, LOST, "Announced to nobody")
    jira(address, "PUT", path, {**kept, "enabled": True})


def missed(page: Page, base: str) -> None:
    """Polling has found it, and it is counted."""
    page.goto(f"{base}webhook/")
    reload_until(page, "Missed changes", within=90)
    card = page.get_by_role("region", name="Missed changes")
    expect(card.locator(".count")).to_have_text("1")
    expect(card).to_contain_text(LOST)
    look(page)


def agreement(page: Page, base: str) -> None:
    """Switched on with its cost, compared at once; what stands apart has its reason."""
    page.goto(f"{base}agreement/")
    expect(page.locator("#cost")).to_contain_text("requests a day")
    page.get_by_role("button", name="Compare by the clock").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()
    reload_until(page, "What stands apart", within=60)
    page.get_by_label("Project").first.select_option("PAY")
    page.get_by_role("button", name="Compare now").click()
    why = page.get_by_role("region", name="Why")
    expect(why.get_by_role("link", name="Changed by hand")).to_be_visible(timeout=HEARD)
    expect(page.locator("#job")).to_have_count(0, timeout=HEARD)
    look(page)


def explained(page: Page, base: str) -> None:
    page.goto(f"{base}explain/")
    page.get_by_label("Key or id").fill(HEARD_OF)
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("main")).to_contain_text("Heard of at once")
    look(page)


def verified(page: Page, base: str, address: str) -> None:
    """On a story that Align's connector has just made an item of."""
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "Agrees on both sides"}
    key = jira(address, "POST", "/rest/api/2/issue", {"fields": fields}).json()["key"]
    page.goto(f"{base}set-up/verify/")
    page.get_by_role("link", name="Live verification").click()
    page.get_by_label("Issue or item").fill(key)
    page.get_by_role("button", name="Show what would be written").first.click()
    look(page)
    page.get_by_role("checkbox", name="I agree that these are changed").check()
    page.get_by_role("button", name="Begin the verification").click()
    expect(page.locator("main")).to_contain_text("Verified both ways", timeout=BOTH_WAYS)
    look(page)
    page.goto(f"{base}set-up/verify/")
    expect(page.locator("#check-verified-both-ways")).to_contain_text("each change came over, both ways")
